import { hash } from 'node:crypto'
import { isServed } from '../../core/gateway/served-domain.ts'
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
import { DeliveredTopics } from './delivered-topics.ts'
import type { DispatchOptions } from './options.ts'
import type { PendingPush } from './pending-push.ts'
import { type Route, services } from './route.ts'

export interface RefusalPorts {
  readonly metrics: Metrics
  readonly monotonicMs: () => number
  /** 0 ≤ r < 1. */
  readonly random: () => number
}

/** Many ids are remembered; one longer than this is replaced by its hash. */
const longestKeptId = 256

/**
 * Counts what providers say of devices: for each device, and for each pool. Pools of our own are known; behind
 * MongoosePush they are told apart by service, mode and tags.
 */
export class Refusals {
  readonly #limits: SuspectLimits
  readonly #suspects: Suspects
  readonly #guard: SuspectGuard
  readonly #pools: DispatchOptions['pools']
  readonly #delivered: DeliveredTopics
  readonly #windows = new Map<string, { service: string; window: AnswerWindow }>()

  constructor(
    { suspectLimit, suspectShare, pools }: Pick<DispatchOptions, 'suspectLimit' | 'suspectShare' | 'pools'>,
    { metrics, monotonicMs, random }: RefusalPorts,
  ) {
    this.#limits = { ...suspectDefaults, inRow: suspectLimit }
    const suspectForgotten = metrics.limitsHit.child('suspects')
    const topicForgotten = metrics.limitsHit.child('delivered_topics')
    this.#suspects = new Suspects(this.#limits, () => suspectForgotten.add(1))
    this.#guard = new SuspectGuard(pools.length, { ...this.#limits, share: suspectShare })
    this.#pools = pools
    this.#delivered = new DeliveredTopics(random, () => topicForgotten.add(1))
    for (const service of services) {
      metrics.suspectAlarm.read(() => (this.#alarmed(service, monotonicMs()) ? 1 : 0), service)
    }
  }

  /** The provider accepted the push. */
  delivered(push: PendingPush, route: Route, nowMs: number): void {
    this.gone(push, route, nowMs)
    const topic = this.#topicOf(push, route)
    if (topic !== '') this.#delivered.note(push.notification.device, topic)
  }

  /** The provider reported the device as gone. */
  gone(push: PendingPush, route: Route, nowMs: number): void {
    if (route.provider >= 0) this.#guard.judge(route.provider, delivered, push.owner, nowMs)
    else this.#windowOf(push).count(false, push.owner, nowMs)
    if (!this.#suspects.none) this.#suspects.delivered(this.#keyOf(push, route))
  }

  /**
   * The provider refused the device without saying that it is gone. `misconfigured`: it refused the devices of so many
   * owners that the device is not at fault, and the refusal does not count. A refusal does not count, either, with a topic
   * that was never delivered to the device: a stranger may have made the topic up.
   */
  refused(push: PendingPush, route: Route, nowMs: number): SuspectVerdict | 'misconfigured' {
    if (route.provider >= 0) {
      const { kind } = this.counted(push, route, { kind: 'suspect', reason: '' }, nowMs)
      if (kind !== 'suspect') return 'misconfigured'
      if (!this.#isTelling(push, route)) return 'suspect'
      return this.#suspects.refused(this.#keyOf(push, route), unsuspicious, nowMs)
    }
    const window = this.#windowOf(push)
    window.count(true, push.owner, nowMs)
    if (!this.#isTelling(push, route)) return 'suspect'
    return this.#suspects.refused(this.#keyOf(push, route), window, nowMs)
  }

  /** Counts what a provider answered for the pool alone. */
  counted({ owner }: PendingPush, route: Route, outcome: AttemptOutcome, nowMs: number): AttemptOutcome {
    return this.#guard.judge(route.provider, outcome, owner, nowMs)
  }

  /** The topic that the push names; '' for the pool's usual topic. FCM has no such topics. */
  #topicOf({ notification: { device, topic = '' } }: PendingPush, { provider }: Route): string {
    const pool = this.#pools[provider]
    const isUsual = device.service === 'fcm' || (pool?.service === 'apns' && topic === pool.defaultTopic)
    return isUsual ? '' : topic
  }

  /** Whether refusals count against the device. A caller of the served API manages its devices itself. */
  #isTelling(push: PendingPush, route: Route): boolean {
    const topic = this.#topicOf(push, route)
    const { notification } = push
    return !isServed(notification) && (topic === '' || this.#delivered.has(notification.device, topic))
  }

  /** Refusals are counted for each device, mode and topic apart; each pool has a usual topic of its own. */
  #keyOf(push: PendingPush, route: Route): string {
    const { device, tags } = push.notification
    const pool = route.provider >= 0 ? String(route.provider) : tags.join(' ')
    const { service, id } = device
    const name = id.length > longestKeptId ? hash('sha256', id, 'base64url') : id
    return `${service}\0${modeOf(device)}\0${pool}\0${this.#topicOf(push, route)}\0${name}`
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
