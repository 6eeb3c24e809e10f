/**
 * What the main thread and a worker say to each other over one MessagePort. Plain data, flat where it is
 * per notification: cloning a few strings and numbers is what makes a batch cheap.
 *
 * Rules: the main thread sends `open` first and once, and the worker's first `beat` says that it is up; each
 * request id gets exactly one answer, in any order, unless the worker dies; after `close` the worker
 * answers what it holds, then ends.
 */
import type { Authorization, ProviderTarget, ProviderTls } from './gateway/provider-target.ts'
import type { AttemptOutcome, NoResponseCause } from './outcome.ts'

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

/** A pool of connections to a push provider; the service tells how its answers read. */
export interface ProviderPoolTarget {
  readonly service: 'apns' | 'fcm'
  readonly target: ProviderTarget
}

/** Values per request in a batch's `requests`: id, index of the origin, path, body. */
export const requestWidth = 4

/** Values per request in a provider batch's `requests`: id, pool, path, headers as `headerLines` has them, body. */
export const providerRequestWidth = 5

/** Requests per batch at most: more in one message only make the others wait for its cloning. */
export const maxBatch = 64

export type ToWorker =
  /** `pools`: known by their place in it from then on. */
  | {
      readonly kind: 'open'
      readonly target: GatewayTarget
      readonly pools: readonly ProviderPoolTarget[]
    }
  | { readonly kind: 'batch'; readonly requests: readonly (number | string)[] }
  /** Flat, `providerRequestWidth` values each. */
  | { readonly kind: 'provider_batch'; readonly requests: readonly (number | string)[] }
  /** From now on requests of the pool bear this; with undefined they wait. */
  | {
      readonly kind: 'authorize'
      readonly pool: number
      readonly authorization: Authorization | undefined
    }
  /** New connections of the pool show this, and no further request goes over the old ones. */
  | { readonly kind: 'renew_tls'; readonly pool: number; readonly tls: ProviderTls }
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
  /** Of provider pools, all but 2xx, which come among the plain `answers`. */
  | { readonly kind: 'provider_answers'; readonly judged: readonly JudgedAnswer[] }
  /**
   * Every `beatMs`: it lives. `openConnections` per origin, then per pool; `streams`: per pool, how many requests its
   * open connections take at a time at present; `utilization` of its event loop since the last beat, 0…1.
   */
  | {
      readonly kind: 'beat'
      readonly openConnections: readonly number[]
      readonly streams: readonly number[]
      readonly utilization: number
    }

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

/** What a provider said, or that it said nothing. Its body stays in the worker: it may quote what was sent. */
export interface JudgedAnswer {
  readonly id: number
  readonly durationUs: number
  /** HTTP status, or 0 when there was no response. */
  readonly status: number
  readonly outcome: AttemptOutcome
  /** The `authorization` that the provider no longer takes; undefined: that is not what it said. */
  readonly refusedHeader: string | undefined
}

/** Headers in one text, which is cheaper to clone than an object. No name and no value may hold a line feed. */
export function headerLines(headers: Readonly<Record<string, string>>): string {
  let lines = ''
  for (const name in headers) lines += `${name}\n${headers[name]}\n`
  return lines
}

/** What `headerLines` was given. */
export function readHeaderLines(lines: string): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let at = 0; at < lines.length; ) {
    const nameEnd = lines.indexOf('\n', at)
    const valueEnd = lines.indexOf('\n', nameEnd + 1)
    headers[lines.slice(at, nameEnd)] = lines.slice(nameEnd + 1, valueEnd)
    at = valueEnd + 1
  }
  return headers
}

export const beatMs = 100
/** Not heard of for so long, three beats, a worker gets no more work until it is: it may hang. */
export const silentMs = 300
