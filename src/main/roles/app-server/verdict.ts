import type { Notification } from '../../../core/notification.ts'
import type { IqHeader } from '../../../core/stanza.ts'
import type { StanzaError } from '../../../core/stanza-error.ts'
import type { PublishRequest } from './publish-request.ts'
import type { PublishResult } from './publish-result.ts'

/** What is to be done about a stanza. */
export type Verdict =
  | {
      readonly kind: 'answer'
      /** A complete stanza: goes out now. */
      readonly stanza: string
      /** Set when it answers a publish: to be counted. `node`: '' when it names none. */
      readonly publish: AnsweredPublish | undefined
    }
  /** A list: the answer is made when the sender has no other one under way. Never throws. */
  | { readonly kind: 'list'; readonly request: IqHeader; readonly make: () => string }
  /** Answered once the store has the change. Never rejects. */
  | { readonly kind: 'later'; readonly stanza: Promise<string> }
  /** To submit; its outcome is answered by `answerPublish(request, outcome)`. */
  | {
      readonly kind: 'push'
      readonly notification: Notification
      readonly sender: string
      readonly request: PublishRequest
    }
  /** Nobody waits for it; the role has counted it. */
  | { readonly kind: 'drop'; readonly why: DropReason }

export interface AnsweredPublish {
  readonly domain: string
  readonly node: string
  readonly result: PublishResult
}

/** `unaddressed`: a request that nobody could be answered to, or no stanza at all. */
export type DropReason = 'iq-response' | 'message' | 'presence' | 'unaddressed'

/** What the checks make of a publish, whichever way it came in. */
export type PublishVerdict =
  | {
      readonly kind: 'push'
      readonly notification: Notification
      /** The sender whose turns it takes within its domain. */
      readonly sender: string
    }
  | { readonly kind: 'refused'; readonly check: PublishResult; readonly error: StanzaError }
  /** Nothing to send: an empty publish, and `content.on_empty = "drop"`. */
  | { readonly kind: 'done' }

export const dropped: Readonly<Record<DropReason, Verdict>> = {
  'iq-response': { kind: 'drop', why: 'iq-response' },
  message: { kind: 'drop', why: 'message' },
  presence: { kind: 'drop', why: 'presence' },
  unaddressed: { kind: 'drop', why: 'unaddressed' },
}

/** An answer that belongs to no publish: a complete stanza. */
export function answer(stanza: string): Verdict {
  return { kind: 'answer', stanza, publish: undefined }
}
