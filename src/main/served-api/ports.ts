import type { Logger } from 'pino'
import type { Notification } from '../../core/notification.ts'
import type { AttemptOutcome, Outcome } from '../../core/outcome.ts'
import type { Metrics } from '../metrics/table.ts'
import type { AdmissionRules } from './admission.ts'
import type { PoolState } from './pool-state.ts'

/** What the served API asks of the daemon. */
export interface ServedApiPorts {
  readonly version: string
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
  /** Milliseconds that never jump, with fractions. */
  readonly monotonicMs: () => number
  /** Provider pools, in the configuration's order. */
  readonly pools: () => readonly PoolState[]
  /** Called for each request, so that they may change. */
  readonly admission: () => AdmissionRules
  /** Whether there is a pool that the notification goes to. */
  readonly hasPool: (notification: Notification) => boolean
  /** Whether the push is too large for its provider, even shortened as far as possible. */
  readonly isTooLarge: (notification: Notification) => boolean
  /**
   * One attempt, and what the protocol says may be sent again; `settled` is called once, later, with what it came to.
   * False: there is no room, and it never is.
   */
  readonly submitOnce: (
    notification: Notification,
    settled: (outcome: AttemptOutcome | Outcome) => void,
  ) => boolean
  /**
   * Stores it, for delivery as soon as may be: resolves once it is on disk, rejects with a StoreError. Undefined: there
   * is no room, or it is not worth storing any more.
   */
  readonly revive: (notification: Notification) => Promise<void> | undefined
}
