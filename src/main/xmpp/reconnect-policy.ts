import type { LossCause } from './stream-loss.ts'

export interface ReconnectLimits {
  /** The first delay that is not zero. */
  readonly baseMs: number
  /** The longest between two attempts; for a refused stream, the usual one. */
  readonly capMs: number
  /** The pace of a standby. */
  readonly standbyMs: number
}

export interface ReconnectPlan {
  /** `standby`: nothing is wrong, another stream of the domain serves it. */
  readonly state: 'waiting' | 'standby'
  readonly delayMs: number
}

/**
 * Decides when to connect again; there is no "never". Pure.
 *
 * @param attempt Losses in a row before this one, with no stream between them that lasted.
 * @param othersUp Whether another stream of the domain is up.
 * @param random From 0 to below 1.
 */
export function planReconnect(
  cause: LossCause,
  attempt: number,
  othersUp: boolean,
  limits: ReconnectLimits,
  random: number,
): ReconnectPlan {
  if (cause === 'conflict') {
    if (othersUp) return { state: 'standby', delayMs: jittered(limits.standbyMs, random) }
    // Never at once: where the newcomer wins the conflict, two streams would throw each other out for ever.
    return { state: 'waiting', delayMs: jittered(exponential(attempt + 1, limits), random) }
  }
  if (cause === 'refused') return { state: 'waiting', delayMs: jittered(limits.capMs, random) }
  return { state: 'waiting', delayMs: jittered(exponential(attempt, limits), random) }
}

/**
 * The time limit for a stream to come up. It doubles after each timeout, because a busy server has to repeat all of its work
 * at each attempt. Pure.
 *
 * @param timeouts Timeouts in a row before this attempt, without a stream that came up.
 */
export function handshakeTimeMs(timeouts: number, baseMs: number, capMs: number): number {
  return Math.min(capMs, baseMs * 2 ** timeouts)
}

/** 0, base, 2 × base, 4 × base … cap. */
function exponential(attempt: number, limits: ReconnectLimits): number {
  return attempt === 0 ? 0 : Math.min(limits.capMs, limits.baseMs * 2 ** (attempt - 1))
}

/** Between half and the whole: daemons that lost the same server do not come back as one. */
function jittered(delayMs: number, random: number): number {
  return delayMs * (0.5 + random / 2)
}
