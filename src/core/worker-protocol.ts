/**
 * What the main thread and a worker say to each other over one MessagePort. Plain data, flat where it is
 * per notification: cloning a few strings and numbers is what makes a batch cheap.
 *
 * Rules: the main thread sends `open` first and once, and the worker's first `beat` says that it is up; each
 * request id gets exactly one answer, in any order, unless the worker dies; after `close` the worker
 * answers what it holds, then ends.
 */
import type { NoResponseCause } from './outcome.ts'

/** How to reach the gateway: given once, when a worker session opens. */
export interface GatewayTarget {
  /** Origins such as `https://localhost:8443`, in the configuration's order. */
  readonly origins: readonly string[]
  /** Keep-alive connections that this worker may have to each of `origins`, at least 1 each. */
  readonly connections: readonly number[]
  /**
   * For the connection to be opened, if it has to be, and then for the answer, from sent to its end. Waiting for a
   * free connection does not count.
   */
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  /** PEM text of authorities trusted besides the system's; undefined: none. */
  readonly ca: string | undefined
  readonly verifyTls: boolean
}

/** Values per request in a batch's `requests`: id, index of the origin, path, body. */
export const requestWidth = 4

/** Requests per batch at most: more in one message only make the others wait for its cloning. */
export const maxBatch = 64

export type ToWorker =
  | { readonly kind: 'open'; readonly target: GatewayTarget }
  | { readonly kind: 'batch'; readonly requests: readonly (number | string)[] }
  | { readonly kind: 'close' }

/** Values per answer in `plain`: id, HTTP status, duration in µs (the gateway's own part). */
export const answerWidth = 3

export type FromWorker =
  | {
      readonly kind: 'answers'
      /** Answers that need no words: 2xx. Flat, `answerWidth` numbers each. */
      readonly plain: readonly number[]
      /** All others. */
      readonly other: readonly OtherAnswer[]
    }
  /** Every `beatMs`: it lives. `openConnections` per origin; `utilization` of its event loop since the last beat, 0…1. */
  | { readonly kind: 'beat'; readonly openConnections: readonly number[]; readonly utilization: number }

export interface OtherAnswer {
  readonly id: number
  readonly durationUs: number
  /** HTTP status, or 0 when there was no response. */
  readonly status: number
  /** The body's word; without a response, what went wrong. */
  readonly reason: string | undefined
  readonly retryAfterMs: number | undefined
  /** Set when `status` is 0. */
  readonly cause: NoResponseCause | undefined
}

export const beatMs = 100
/** Not heard of for so long, three beats, a worker gets no more work until it is: it may hang. */
export const silentMs = 300
