import type { Element } from '../../../core/xml/element.ts'
import type { Subscription } from '../../store/ports.ts'

/**
 * What a plugin is: the contract for the built-in ones and for a user's own ES module, whose functions are its named
 * exports or those of its default export. What it leaves out falls back to the plugin `defaults`.
 *
 * Each function may be async; all of them together have `push.plugin_timeout_ms` for one event. One that throws, takes
 * longer, or returns something other than described here, costs this one event its notifications. The functions of a
 * user's own module run in a thread of their own. Their arguments are frozen copies; they must return plain data.
 */
export interface PushPlugin {
  /** Those of the user's subscriptions, at least one, that are to be notified. */
  shouldPublish?(
    event: MessageEvent,
    subscriptions: readonly Subscription[],
  ): MaybePromise<readonly Subscription[]>
  /** What App Servers show as the sender: not empty. */
  senderId?(event: MessageEvent): MaybePromise<string>
  /** The summary's fields (XEP-0357 §7.1, and any others), or null: nobody is notified. `sender`: from `senderId`. */
  prepareNotification?(event: MessageEvent, sender: string): MaybePromise<SummaryFields | null>
}

export type MaybePromise<T> = T | Promise<T>

/** Such as `last-message-body`, by name. A field whose value is undefined is left out. */
export type SummaryFields = Readonly<Record<string, string | number | boolean | undefined>>

/** A message that its user did not get, as a server tells of it. */
export interface MessageEvent {
  /** Bare JID of the user. */
  readonly to: string
  /** Whoever sent it; of a room `room@muc.example/nick`. */
  readonly from: string
  /** The sender as `defaults` shows it: see `content.sender`. */
  readonly sender: string
  readonly type: 'chat' | 'groupchat' | 'normal'
  /**
   * The text to show: the message's text; `content.encrypted_body` for an encrypted message; `content.invitation_body` for an
   * invitation to a room without a text. Undefined: there is no text.
   */
  readonly body: string | undefined
  /** '' when it has none. */
  readonly id: string
  /** Messages that wait for the user, where the source knows. */
  readonly messageCount: number | undefined
  /** `unacked`: its stream was lost before the client had acknowledged it (XEP-0198). */
  readonly kind: 'offline' | 'unacked'
  /** Full JID of the stream that was lost; undefined unless `unacked`. */
  readonly session: string | undefined
  /** The whole message, where the source gives it. */
  readonly stanza: Element | undefined
}

export type { Element, Subscription }
