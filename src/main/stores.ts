import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import { domainShare } from './dispatch/domain-loads.ts'
import type { Metrics } from './metrics/table.ts'
import { LmdbDeadDeviceStore } from './store/dead-devices.ts'
import { deadLetterDefaults, LmdbDeadLetterStore } from './store/dead-letters.ts'
import type { Environment } from './store/environment.ts'
import { LmdbNodeStore } from './store/nodes.ts'
import { LmdbOutbox } from './store/outbox.ts'
import { LmdbSubscriptionStore } from './store/subscriptions.ts'

/** What the daemon keeps in one environment and several of its parts use, with the metrics of it. */
export class Stores {
  readonly nodes: LmdbNodeStore
  readonly deadDevices: LmdbDeadDeviceStore
  readonly letters: LmdbDeadLetterStore
  readonly outbox: LmdbOutbox
  readonly subscriptions: LmdbSubscriptionStore

  /** `domains`: how many there are. */
  constructor(environment: Environment, { push, queue }: Config, domains: number, metrics: Metrics) {
    const nowMs = Date.now
    this.nodes = new LmdbNodeStore(environment)
    this.deadDevices = new LmdbDeadDeviceStore(environment, { ttlS: push.dead_device_ttl_s, nowMs })
    this.letters = new LmdbDeadLetterStore(environment, { ...deadLetterDefaults, nowMs })
    this.outbox = new LmdbOutbox(environment, this.letters, {
      maxStored: queue.max_stored,
      maxStoredBytes: queue.max_stored_bytes,
      domainShare: domainShare(domains),
      collapse: queue.collapse,
      nowMs,
    })
    this.subscriptions = new LmdbSubscriptionStore(environment)
    metrics.storeWritable.read(() => (environment.fault === undefined ? 1 : 0))
    metrics.storedLimit.child().set(queue.max_stored)
    metrics.storedBytesLimit.child().set(queue.max_stored_bytes)
    metrics.deadLetters.read(() => this.letters.count())
    metrics.nodes.read(() => this.nodes.count())
    metrics.deadDevices.read(() => this.deadDevices.count())
    metrics.subscriptions.read(() => this.subscriptions.count())
  }

  /** Counts the bytes of what an earlier version stored. Never rejects. */
  async countOld(log: Logger): Promise<void> {
    try {
      await this.outbox.countOld()
    } catch (err) {
      log.warn({ err }, 'not all that an earlier version stored is in stored_bytes: the next start goes on')
    }
  }

  /** Removes what is past its time. */
  async sweep(): Promise<void> {
    await this.deadDevices.sweep()
    await this.letters.sweep()
    await this.outbox.sweep()
  }
}
