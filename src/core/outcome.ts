/**
 * What became of one attempt at the gateway, and what became of a notification. Plain data: it crosses
 * threads and is stored.
 */

/** What a worker saw of one HTTP request. */
export type GatewayAnswer =
  | {
      readonly kind: 'response'
      readonly status: number
      /** What the body says in a word (`reason`, `details`, a 422's first error). */
      readonly reason: string | undefined
      /** From `Retry-After`, in milliseconds from now. */
      readonly retryAfterMs: number | undefined
    }
  | { readonly kind: 'no-response'; readonly cause: NoResponseCause; readonly detail: string }

/**
 * - `timeout`: sent, and no answer within the request timeout: it may or may not have been taken
 * - `connect_error`: no connection could be had (in time), so nothing was sent
 * - `connection_lost`: the connection broke under the request: it may or may not have been taken
 * - `worker_lost`: the worker thread died with it: the same doubt
 * - `not_processed`: the provider has said, of one connection after another, that it did nothing with it, or there was
 *   no place for it in time: it is safe to send it again
 */
export type NoResponseCause =
  | 'timeout'
  | 'connect_error'
  | 'connection_lost'
  | 'worker_lost'
  | 'not_processed'

/**
 * What one attempt means. One place decides it for each kind of gateway: `core/mongoosepush/answer.ts`,
 * `core/fcm/answer.ts`, `core/apns/answer.ts`.
 */
export type AttemptOutcome =
  | { readonly kind: 'delivered' }
  | {
      readonly kind: 'dead_device'
      readonly reason: string
      /** Since when, in milliseconds since the epoch, where the provider says it (APNs). */
      readonly sinceMs?: number | undefined
    }
  /** A dead device or a wrong environment, indistinguishable from here. */
  | { readonly kind: 'suspect'; readonly reason: string }
  | { readonly kind: 'too_large'; readonly reason: string }
  /** Never to be delivered as it is, whoever it is sent to. */
  | { readonly kind: 'invalid'; readonly reason: string }
  /** May work later. `known` is false for a 5xx whose word nobody knows: five of those end it. */
  | {
      readonly kind: 'retry'
      readonly cause: RetryCause
      readonly reason: string
      readonly retryAfterMs: number | undefined
      readonly known: boolean
      /** Of `throttled`: the quota that is used up, if the provider names it. */
      readonly quota?: Quota | undefined
    }
  | { readonly kind: 'operator_fault'; readonly reason: string }

export const delivered: AttemptOutcome = { kind: 'delivered' }

/** The scope of a provider's quota: one device, the devices that follow a topic, or a whole project. */
export type Quota = 'device' | 'topic' | 'project'

/** `token_expired`: the token that vouches for us was refused as too old. */
export type RetryCause = 'throttled' | 'server_error' | 'token_expired' | NoResponseCause

/** How a notification ended (or, `stored`, where it waits): settled exactly once, given to who submitted it. */
export type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'stored' }
  | { readonly kind: 'dead_device'; readonly reason: string }
  | { readonly kind: 'suspect'; readonly reason: string }
  /** Refused for its size even when shortened, or for what is in it, or an unknown fault five times. */
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'operator_fault'; readonly reason: string }
  /** The reply deadline came first and nothing is stored. `overload`: it never got a turn. */
  | { readonly kind: 'undelivered'; readonly cause: 'timeout' | 'overload'; readonly reason: string }

/** Who waits for a notification's outcome. */
export interface OutcomeSink {
  /** Called exactly once for each accepted notification, never within `submit` itself. */
  settle(outcome: Outcome): void
}
