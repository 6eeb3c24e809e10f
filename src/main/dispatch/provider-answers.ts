import { confirmDead } from '../../core/apns/answer.ts'
import type { Notification } from '../../core/notification.ts'
import type { AttemptOutcome } from '../../core/outcome.ts'
import type { JudgedAnswer } from '../../core/worker-protocol.ts'
import type { PendingPush } from './pending-push.ts'
import type { ProviderExit } from './provider-exit.ts'

export interface ProviderAnswerPorts {
  /**
   * When the node of this push was made, or the subscription behind it enabled: milliseconds since the epoch;
   * undefined: not known.
   */
  readonly registeredAtMs: (notification: Notification) => number | undefined
  /** The provider of this pool (its place in the options) no longer takes this `authorization`. */
  readonly tokenRefused: (pool: number, header: string) => void
}

/** What an attempt came to, and how the next one is made, should there be one. */
export interface ProviderAttempt {
  readonly outcome: AttemptOutcome
  /** At once: with what vouches for us anew. */
  readonly atOnce: boolean
}

/** What a provider's answer means where more is known than the provider says. */
export function readProviderAnswer(
  push: PendingPush,
  exit: ProviderExit,
  { outcome, refusedHeader }: JudgedAnswer,
  ports: ProviderAnswerPorts,
): ProviderAttempt {
  if (refusedHeader !== undefined) return tokenRefused(push, exit, outcome, refusedHeader, ports)
  if (outcome.kind !== 'dead_device' || push.once) return { outcome, atOnce: false }
  return { outcome: confirmDead(outcome, ports.registeredAtMs(push.notification)), atOnce: false }
}

/** Once for each push: the token may have been renewed by the time that the next attempt is made. */
function tokenRefused(
  push: PendingPush,
  exit: ProviderExit,
  outcome: AttemptOutcome,
  header: string,
  ports: ProviderAnswerPorts,
): ProviderAttempt {
  ports.tokenRefused(exit.index, header)
  if (push.resigned) return { outcome, atOnce: false }
  push.resigned = true
  const atOnce = exit.header !== header
  if (!atOnce && push.once) return { outcome, atOnce }
  const reason = 'reason' in outcome ? outcome.reason : ''
  return {
    outcome: { kind: 'retry', cause: 'token_expired', reason, retryAfterMs: undefined, known: true },
    atOnce,
  }
}
