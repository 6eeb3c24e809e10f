/** How the gateway behaves: shares of its requests, 0 to 1, that meet each misfortune; the rest is taken. */
export interface Weather {
  /** Not listening at all, and every connection cut. */
  readonly down: boolean
  /** Every answer comes this much later. */
  readonly latencyMs: number
  /** 503, nothing more said. */
  readonly unavailable: number
  /** 429 with `Retry-After: 1`. */
  readonly throttled: number
  /** The connection is reset under the request. */
  readonly reset: number
  /** Taken, and reset before the answer: nobody can know. */
  readonly takenAndReset: number
  /** No answer for as long as the connection lasts. */
  readonly hang: number
  /** Taken, and answered after `slowMs`: longer than the daemon waits. */
  readonly slow: number
  /** Bytes that are no HTTP. */
  readonly garbage: number
  /** Half an answer, then the end of what it sends, the other half left open. */
  readonly halfClose: number
  /** Whom the misfortunes meet; empty: everybody. */
  readonly services: readonly string[]
}

export const slowMs = 1_500

export const fine: Weather = {
  down: false,
  latencyMs: 0,
  unavailable: 0,
  throttled: 0,
  reset: 0,
  takenAndReset: 0,
  hang: 0,
  slow: 0,
  garbage: 0,
  halfClose: 0,
  services: [],
}

/** All weathers by name: a run at random goes through them. */
export const weathers: Readonly<Record<string, Weather>> = {
  fine,
  'one in a hundred 503': { ...fine, unavailable: 0.01 },
  'half of all 503': { ...fine, unavailable: 0.5 },
  'Retry-After': { ...fine, throttled: 0.3 },
  resets: { ...fine, reset: 0.2, takenAndReset: 0.1 },
  'black hole': { ...fine, hang: 1 },
  slow: { ...fine, latencyMs: 50, slow: 0.1 },
  garbage: { ...fine, garbage: 0.3 },
  'half-closed': { ...fine, halfClose: 0.3 },
  'one service down': { ...fine, unavailable: 1, services: ['apns'] },
  down: { ...fine, down: true },
  everything: {
    ...fine,
    latencyMs: 5,
    unavailable: 0.1,
    throttled: 0.05,
    reset: 0.05,
    takenAndReset: 0.05,
    hang: 0.03,
    slow: 0.03,
    garbage: 0.05,
    halfClose: 0.05,
  },
}
