/** When to try again. */
export interface RetryLimits {
  /** The first delay is at most this. */
  readonly baseMs: number
  /** No delay is more than this, but for a `Retry-After`. */
  readonly capMs: number
  /** 0: no limit of its own. */
  readonly maxAttempts: number
}

export type RetryDecision =
  | { readonly action: 'retry'; readonly delayMs: number }
  /** Attempts are used up. */
  | { readonly action: 'stop'; readonly cause: 'exhausted'; readonly delayMs: 0 }
  /** The next one, `delayMs` from now, would come too late. */
  | { readonly action: 'stop'; readonly cause: 'expired'; readonly delayMs: number }

/**
 * Decides what follows a failed attempt that may succeed later: another one, and when, or none. Pure.
 *
 * `attempts`: made so far, at least 1. `remainingMs`: until nobody wants it any more. `random`: 0 ≤ r < 1.
 */
export function decideRetry(
  attempts: number,
  retryAfterMs: number | undefined,
  remainingMs: number,
  limits: RetryLimits,
  random: number,
): RetryDecision {
  if (limits.maxAttempts > 0 && attempts >= limits.maxAttempts) {
    return { action: 'stop', cause: 'exhausted', delayMs: 0 }
  }
  // Retry-After is a floor, not a hint: a gateway that is asked sooner may block us.
  const delayMs = Math.max(backoffMs(attempts, limits, random), retryAfterMs ?? 0)
  return delayMs < remainingMs ? { action: 'retry', delayMs } : { action: 'stop', cause: 'expired', delayMs }
}

/** Exponential with full jitter: anywhere between 0 and the doubled delay, so that a crowd spreads out. */
function backoffMs(attempts: number, limits: RetryLimits, random: number): number {
  return random * Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(attempts - 1, 30))
}
