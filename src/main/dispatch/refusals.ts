import { SuspectGuard } from '../../core/gateway/suspect-guard.ts'
import { modeOf } from '../../core/notification.ts'
import { type AttemptOutcome, delivered } from '../../core/outcome.ts'
import {
  AnswerWindow,
  type SuspectLimits,
  Suspects,
  type SuspectVerdict,
  suspectDefaults,
} from '../../core/suspects.ts'
import type { Metrics } from '../metrics/table.ts'
import type { DispatchOptions } from './options.ts'
import type { PendingPush } from './pending-push.ts'
import { type Route, services } from './route.ts'

/**
 * Counts what providers say of devices: for each device, and for each pool. Pools of our own are known; behind
 * MongoosePush they are told apart by service, mode and tags.
 */
export class Refusals {
  readonly #limits: SuspectLimits
  readonly #suspects: Suspects
  readonly #guard: SuspectGuard
  readonly #pools: DispatchOptions['pools']
  readonly #windows = new Map<string, { service: string; window: AnswerWindow }>()

  constructor(
    { suspectLimit, suspectShare, pools }: Pick<DispatchOptions, 'suspectLimit' | 'suspectShare' | 'pools'>,
    metrics: Metrics,
    monotonicMs: () => number,
  ) {
    this.#limits = { ...suspectDefaults, inRow: suspectLimit }
    this.#suspects = new Suspects(this.#limits)
    this.#guard = new SuspectGuard(pools.length, { ...this.#limits, share: suspectShare })
    this.#pools = pools
    for (const service of services) {
      metrics.suspectAlarm.read(() => (this.#alarmed(service, monotonicMs()) ? 1 : 0), service)
    }
  }

  /** The provider took the push, or called the device gone. */
  accepted(push: PendingPush, route: Route, nowMs: number): void {
    if (route.provider >= 0) this.#guard.judge(route.provider, delivered, nowMs)
    else this.#windowOf(push).count(false, nowMs)
    if (!this.#suspects.none) this.#suspects.delivered(push.deviceKey)
  }

  /**
   * The provider refused the device without saying that it is gone. `misconfigured`: so many of the pool's are that it
   * is not the device's fault, and nothing is to be held against it.
   */
  refused(push: PendingPush, route: Route, nowMs: number): SuspectVerdict | 'misconfigured' {
    if (route.provider >= 0) {
      const { kind } = this.counted(route, { kind: 'suspect', reason: '' }, nowMs)
      return kind === 'suspect'
        ? this.#suspects.refused(push.deviceKey, unsuspicious, nowMs)
        : 'misconfigured'
    }
    const window = this.#windowOf(push)
    window.count(true, nowMs)
    return this.#suspects.refused(push.deviceKey, window, nowMs)
  }

  /** Counts what a provider answered for the pool alone. */
  counted(route: Route, outcome: AttemptOutcome, nowMs: number): AttemptOutcome {
    return this.#guard.judge(route.provider, outcome, nowMs)
  }

  #alarmed(service: string, nowMs: number): boolean {
    for (const [i, pool] of this.#pools.entries()) {
      if (pool.service === service && this.#guard.misconfigured(i, nowMs)) return true
    }
    for (const pool of this.#windows.values()) {
      if (pool.service === service && pool.window.misconfigured(nowMs)) return true
    }
    return false
  }

  #windowOf(push: PendingPush): AnswerWindow {
    const { device, tags } = push.notification
    const mode = modeOf(device)
    // A stranger names the mode: all that are not known share one window. Tags are the operator's.
    const known = mode === 'prod' || mode === 'dev' ? mode : 'other'
    const key = `${push.queue.service} ${known} ${tags.length === 0 ? '' : tags.join(' ')}`
    const pool = this.#windows.get(key)
    if (pool !== undefined) return pool.window
    const window = new AnswerWindow(this.#limits)
    this.#windows.set(key, { service: push.queue.service, window })
    return window
  }
}

/** The guard has seen to it. */
const unsuspicious = { misconfigured: () => false }
