import { performance } from 'node:perf_hooks'
import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import { domainShare } from './dispatch/domain-loads.ts'
import type { Metrics } from './metrics/table.ts'
import { nodeTtlMs } from './part-options.ts'
import { LmdbDeadDeviceStore } from './store/dead-devices.ts'
import { deadLetterDefaults, LmdbDeadLetterStore } from './store/dead-letters.ts'
import type { Environment } from './store/environment.ts'
import { LmdbNodeStore } from './store/nodes.ts'
import { LmdbOutbox } from './store/outbox.ts'
import { LmdbSubscriptionStore } from './store/subscriptions.ts'

/** How often marks of dead devices, dead letters and stored pushes past their time are removed. */
const sweepIntervalMs = 3_600_000
/** From one pass through all push nodes to the next. */
const nodePassIntervalMs = 86_400_000

/** What the daemon keeps in one environment and several of its parts use, with the metrics of it. */
export class Stores {
  readonly nodes: LmdbNodeStore
  readonly deadDevices: LmdbDeadDeviceStore
  readonly letters: LmdbDeadLetterStore
  readonly outbox: LmdbOutbox
  readonly subscriptions: LmdbSubscriptionStore
  readonly #metrics: Metrics
  readonly #log: Logger
  #sweepTimer: NodeJS.Timeout | undefined
  /** The count of the push nodes of an earlier version. */
  #nodeCount: Promise<void> | undefined
  /** The pass through all push nodes that is under way, or was the last. */
  #nodePass: Promise<void> | undefined
  #nextNodePassMs = 0

  /** `domains`: how many there are. */
  constructor(
    environment: Environment,
    { push, queue }: Config,
    domains: number,
    metrics: Metrics,
    log: Logger,
  ) {
    const nowMs = Date.now
    this.#metrics = metrics
    this.#log = log
    this.nodes = new LmdbNodeStore(environment, { ttlMs: nodeTtlMs(push), nowMs, log })
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
    metrics.nodesLimit.child().set(push.max_nodes)
    metrics.deadDevices.read(() => this.deadDevices.count())
    metrics.subscriptions.read(() => this.subscriptions.count())
  }

  /** Takes over what a reread configuration may change. */
  reconfigure({ push }: Config): void {
    this.nodes.setTtl(nodeTtlMs(push))
    this.#metrics.nodesLimit.child().set(push.max_nodes)
  }

  /**
   * From now on expired entries are removed in the background, for the first time in an hour: a start has enough to do. What
   * an earlier version stored is counted at once.
   */
  start(): void {
    this.#sweepTimer = setInterval(() => void this.#sweep(), sweepIntervalMs)
    void this.#countOld()
    this.#nodeCount = this.#countNodes()
  }

  /** Ends that, with what is still to be written of it. To be called before the environment is closed. Never rejects. */
  async stop(): Promise<void> {
    clearInterval(this.#sweepTimer)
    await this.nodes.stop()
    await this.#nodeCount
    await this.#nodePass
  }

  /** Counts the bytes of pushes that an earlier version stored. Never rejects. */
  async #countOld(): Promise<void> {
    try {
      await this.outbox.countOld()
    } catch (err) {
      this.#log.warn(
        { err },
        'some pushes of an earlier version are not counted in stored_bytes yet: the next start continues',
      )
    }
  }

  /** Counts the push nodes of an earlier version. Never rejects. */
  async #countNodes(): Promise<void> {
    try {
      await this.nodes.countStored()
    } catch (err) {
      this.#log.error({ err }, 'cannot go through all push nodes')
    }
  }

  async #sweep(): Promise<void> {
    try {
      await this.deadDevices.sweep()
      await this.letters.sweep()
      await this.outbox.sweep()
    } catch (err) {
      this.#log.error({ err }, 'cannot remove what is too old from the store')
    }
    await this.#passNodes()
  }

  /** Once a day; when it fails, again at the next sweep. */
  #passNodes(): Promise<void> {
    if (this.#nodePass === undefined || performance.now() >= this.#nextNodePassMs) {
      this.#nextNodePassMs = Number.POSITIVE_INFINITY
      this.#nodePass = this.#passAllNodes()
    }
    return this.#nodePass
  }

  async #passAllNodes(): Promise<void> {
    let pauseMs = 0
    try {
      await this.nodes.countStored()
      const removed = await this.nodes.sweep()
      this.#metrics.registrationsDisabled.child('unused').add(removed)
      if (removed > 0)
        this.#log.info({ removed }, 'removed push nodes that were not used for push.node_ttl_days')
      pauseMs = nodePassIntervalMs
    } catch (err) {
      this.#log.error({ err }, 'cannot go through all push nodes')
    }
    this.#nextNodePassMs = performance.now() + pauseMs
  }
}
