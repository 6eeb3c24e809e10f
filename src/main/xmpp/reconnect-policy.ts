import type { LossCause } from '../metrics/table.ts'

export interface ReconnectLimits {
  /** The server is on this machine: a loopback address or a unix socket. */
  readonly isLocal: boolean
  /** The first delay that is not zero. */
  readonly baseMs: number
  /** The longest between two attempts; for a refused stream, the usual one. */
  readonly capMs: number
  /** Between two attempts while another daemon holds the domain. */
  readonly standbyMs: number
}

/** A stream that is lost, or did not come up. */
export interface LostStream {
  readonly cause: LossCause
  readonly wasUp: boolean
  /** Losses in a row before this one, with no stream between them that lasted. */
  readonly attempt: number
  /** Since the first of these. */
  readonly lostForMs: number
  /** Whether another stream of the domain is up. */
  readonly othersUp: boolean
}

export interface ReconnectPlan {
  /** `standby`: nothing is wrong, another stream of the domain serves it. */
  readonly state: 'waiting' | 'standby'
  /** Undefined: not before the other stream is lost. */
  readonly delayMs: number | undefined
}

/** How often a server on this machine that takes no connection is tried: it may be restarting. */
const localMs = 250
/** For so long: after that it is away for another reason. */
const restartMs = 120_000
/** And then; within that time, for one that refuses the stream. */
const localLaterMs = 1_000

/**
 * Decides when to connect again; there is no "never". Pure.
 *
 * @param random From 0 to below 1.
 */
export function planReconnect(lost: LostStream, limits: ReconnectLimits, random: number): ReconnectPlan {
  const { cause, attempt } = lost
  switch (cause) {
    case 'conflict':
      // Prosody writes an error into its log for each attempt.
      if (lost.othersUp) return { state: 'standby', delayMs: undefined }
      // Where the newcomer wins the conflict, two daemons would throw each other out at that pace.
      if (lost.wasUp) return waiting(exponential(attempt + 1, limits), random)
      return waiting(limits.standbyMs, random)
    case 'refused':
      // A server that starts may not know the domain yet.
      return waiting(limits.isLocal && lost.lostForMs < restartMs ? localLaterMs : limits.capMs, random)
    case 'network':
      if (limits.isLocal && !lost.wasUp && attempt > 0) {
        return { state: 'waiting', delayMs: lost.lostForMs < restartMs ? localMs : localLaterMs }
      }
      return waiting(exponential(attempt, limits), random)
    case 'timeout':
    case 'stream-error':
    case 'invalid-from':
      return waiting(exponential(attempt, limits), random)
  }
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

/** With a jitter, between half and the whole: daemons that lost the same server do not come back as one. */
function waiting(delayMs: number, random: number): ReconnectPlan {
  return { state: 'waiting', delayMs: delayMs * (0.5 + random / 2) }
}
