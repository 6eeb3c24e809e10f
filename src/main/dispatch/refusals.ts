import { modeOf } from '../../core/notification.ts'
import {
  AnswerWindow,
  type SuspectLimits,
  Suspects,
  type SuspectVerdict,
  suspectDefaults,
} from '../../core/suspects.ts'
import type { Metrics } from '../metrics/table.ts'
import type { PendingPush } from './pending-push.ts'
import { services } from './route.ts'

/** Counts what providers say of devices: for each device, and for each pool (service, mode and tags). */
export class Refusals {
  readonly #limits: SuspectLimits
  readonly #suspects: Suspects
  readonly #windows = new Map<string, { service: string; window: AnswerWindow }>()

  constructor(suspectLimit: number, metrics: Metrics, monotonicMs: () => number) {
    this.#limits = { ...suspectDefaults, inRow: suspectLimit }
    this.#suspects = new Suspects(this.#limits)
    for (const service of services) {
      metrics.suspectAlarm.read(() => (this.#alarmed(service, monotonicMs()) ? 1 : 0), service)
    }
  }

  /** The provider took the push, or called the device gone. */
  accepted(push: PendingPush, nowMs: number): void {
    this.#windowOf(push).count(false, nowMs)
    if (!this.#suspects.none) this.#suspects.delivered(push.deviceKey)
  }

  /** The provider refused the device without saying that it is gone. */
  refused(push: PendingPush, nowMs: number): SuspectVerdict {
    const window = this.#windowOf(push)
    window.count(true, nowMs)
    return this.#suspects.refused(push.deviceKey, window, nowMs)
  }

  #alarmed(service: string, nowMs: number): boolean {
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
