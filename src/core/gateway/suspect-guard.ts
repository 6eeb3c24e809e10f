import type { AttemptOutcome } from '../outcome.ts'
import { AnswerWindow, type SuspectLimits } from '../suspects.ts'

/**
 * Watches the answers about devices, pool by pool. Refused devices are suspects only while they belong to few owners. Above
 * a share of the owners the configuration of the pool must be wrong, and the operator gets an alert instead.
 */
export class SuspectGuard {
  readonly #windows: readonly AnswerWindow[]

  /** `pools`: how many there are. */
  constructor(pools: number, limits: SuspectLimits) {
    this.#windows = Array.from({ length: pools }, () => new AnswerWindow(limits))
  }

  /** Counts an answer of a pool's provider, and returns what it means. `owner`: see `AnswerWindow`. */
  judge(pool: number, outcome: AttemptOutcome, owner: number | undefined, nowMs: number): AttemptOutcome {
    const window = this.#windows[pool]
    if (window === undefined) return outcome
    switch (outcome.kind) {
      case 'delivered':
      case 'dead_device':
        window.count(false, owner, nowMs)
        return outcome
      case 'suspect':
        window.count(true, owner, nowMs)
        return window.misconfigured(nowMs) ? { kind: 'operator_fault', reason: outcome.reason } : outcome
      default:
        return outcome
    }
  }

  /** So many devices of the pool are refused that it cannot be the devices. */
  misconfigured(pool: number, nowMs: number): boolean {
    return this.#windows[pool]?.misconfigured(nowMs) ?? false
  }
}
