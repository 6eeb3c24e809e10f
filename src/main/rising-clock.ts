/** Set back by more than this, the clock begins anew. */
const maxAheadMs = 1_000
/** 2^-10: the clock still counts in it in the year 2200. */
const stepMs = 1 / 1024

/**
 * A clock that never shows the same time twice, so that of any two the later is known: within a millisecond it goes on
 * in fractions. Milliseconds since the epoch.
 */
export function risingClock(nowMs: () => number): () => number {
  let lastMs = Number.NEGATIVE_INFINITY
  return () => {
    const now = nowMs()
    lastMs = now > lastMs || now < lastMs - maxAheadMs ? now : lastMs + stepMs
    return lastMs
  }
}
