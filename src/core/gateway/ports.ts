/**
 * What building a provider's request and reading its answer have in common. Those who send it (`src/worker`) see a path,
 * headers and a body; those who decide (`src/main/dispatch`) see outcomes.
 *
 *   core/fcm/request.ts    fcmRequest(notification, pool, nowMs): BuiltRequest
 *   core/fcm/answer.ts     classifyFcmAnswer(answer): ProviderVerdict
 *   core/apns/request.ts   apnsRequest(notification, pool, id): BuiltRequest
 *   core/apns/answer.ts    classifyApnsAnswer(answer): ProviderVerdict
 */
import type { AttemptOutcome } from '../outcome.ts'

/** A POST to a provider. */
export interface ProviderRequest {
  /** Of an FCM project or an APNs device: no text of a stranger breaks out of its segment. */
  readonly path: string
  /** Lower-case names; all but `authorization` and what HTTP itself needs, which the sender adds. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
}

export type BuiltRequest =
  | {
      readonly kind: 'request'
      readonly request: ProviderRequest
      /** The alert's body had to be cut to fit. */
      readonly shortened: boolean
      /** Data fields left out, because the provider keeps their names for itself. */
      readonly droppedFields: number
    }
  /** It cannot be sent: nothing goes out, and this is what the attempt came to. */
  | { readonly kind: 'unsendable'; readonly outcome: AttemptOutcome }

/** A provider's complete answer; of one without a response see `NoResponseCause`. */
export interface ProviderAnswer {
  readonly status: number
  /** From `Retry-After`, in milliseconds from now. */
  readonly retryAfterMs: number | undefined
  /** UTF-8 text, perhaps cut off, perhaps no JSON. */
  readonly body: string
}

export interface ProviderVerdict {
  readonly outcome: AttemptOutcome
  /**
   * What the connection or its token has to do with it:
   *
   * - `replace_connection`: no further request on this connection; those under way may end
   * - `renew_token`: the token is no longer taken; a new one, if it may be had (core/apns/token.ts), then once more
   */
  readonly hint: 'none' | 'replace_connection' | 'renew_token'
}
