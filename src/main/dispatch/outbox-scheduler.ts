/**
 * Brings what is due from the outbox into the queues: queue by queue, in due order, never more than `largestWindow` at a
 * time in memory, at a pace that rises while the gateway takes it.
 *
 * While nothing goes out of a queue nothing is brought but the one push that can be the probe; what was brought before
 * goes back. What lies where no queue of this configuration looks is moved to where one does.
 */
import { isServed } from '../../core/gateway/served-domain.ts'
import type { Notification } from '../../core/notification.ts'
import { Ramp, rampLimits } from '../../core/ramp.ts'
import type { Metrics } from '../metrics/table.ts'
import type { DeadDeviceStore } from '../store/dead-device-ports.ts'
import type { Outbox } from '../store/ports.ts'
import type { PendingPush } from './pending-push.ts'
import { services } from './route.ts'
import type { Safekeeping } from './safekeeping.ts'
import type { ServiceQueue } from './service-queue.ts'

/**
 * Of one queue in memory: about as many as go between two ticks, since every tick looks at all of them. At most this
 * lets 20 000 a second pass at a tick of 50 ms; some megabytes.
 */
const leastWindow = 50
const largestWindow = 1_000
/** How often some of those that wait are looked at, whether they have expired; a million are through in half an hour. */
const sweepMs = 1_000
const sweepBatch = 500

export interface SchedulerEvents {
  put(push: PendingPush): void
  expired(push: PendingPush): void
  /** Its device has been found dead since. */
  deviceDead(push: PendingPush): void
}

export interface SchedulerPorts {
  readonly outbox: Outbox
  readonly safekeeping: Safekeeping
  readonly queues: readonly ServiceQueue[]
  readonly deadDevices: DeadDeviceStore
  /** Where a push would be put now. */
  readonly shelfFor: (notification: Notification) => string
  readonly metrics: Metrics
  readonly nowMs: () => number
}

interface Lane {
  readonly queue: ServiceQueue
  readonly ramp: Ramp
  window: number
  leftOut: boolean
}

export class OutboxScheduler {
  readonly #ports: SchedulerPorts
  readonly #events: SchedulerEvents
  readonly #lanes: readonly Lane[]
  readonly #isHeld: (id: string) => boolean
  /** Shelves that only another configuration had. */
  readonly #strays: Set<string>
  #clearing = false
  #sweepFrom = '0'
  #sweptAtMs = Number.NEGATIVE_INFINITY
  #stopped = false

  /** `monotonicMs`: now. */
  constructor(events: SchedulerEvents, ports: SchedulerPorts, monotonicMs: number) {
    this.#events = events
    this.#ports = ports
    this.#isHeld = (id) => ports.safekeeping.has(id)
    this.#lanes = ports.queues.map((queue) => ({
      queue,
      ramp: new Ramp(rampLimits, monotonicMs),
      window: leastWindow,
      leftOut: false,
    }))
    for (const service of services) {
      ports.metrics.backlogRate.read(() => this.#rateOf(service), service)
    }
    this.#strays = new Set(ports.outbox.strayShelves(ports.queues.map(({ shelf }) => shelf)))
  }

  /** An attempt of a stored push came to this. */
  attempted(push: PendingPush, works: boolean): void {
    const ramp = this.#lanes[push.queue.index]?.ramp
    if (works) ramp?.succeeded()
    else ramp?.failed()
  }

  /** To be called all the while. `nowMs`: monotonic. */
  tick(nowMs: number): void {
    const { outbox, safekeeping } = this.#ports
    safekeeping.retryRemovals()
    // At fault it does not take that something was delivered, and may not even be readable.
    if (outbox.size === 0 || outbox.fault !== undefined || this.#stopped) return
    try {
      for (const lane of this.#lanes) this.#fill(lane, nowMs)
      for (const stray of this.#strays) if (!this.#clearing) this.#clear(stray)
      if (nowMs - this.#sweptAtMs < sweepMs) return
      this.#sweptAtMs = nowMs
      this.#sweep()
    } catch (error) {
      safekeeping.unreadable(error)
    }
  }

  /** Brings nothing more; what waits for its turn goes back. */
  stop(): void {
    this.#stopped = true
    for (const { queue } of this.#lanes) this.#giveBack(queue)
  }

  #fill(lane: Lane, nowMs: number): void {
    const { queue, ramp } = lane
    if (queue.deliversBy(nowMs, nowMs)) {
      if (lane.leftOut) ramp.restart(nowMs)
      lane.leftOut = false
      const waiting = queue.storedLength
      if (waiting === 0) lane.window = Math.min(largestWindow, lane.window * 2)
      else if (waiting > lane.window / 2) lane.window = Math.max(leastWindow, lane.window / 2)
      const count = Math.min(ramp.allowance(nowMs), lane.window - waiting)
      if (count > 0) ramp.took(this.#bring(queue, count))
      return
    }
    if (!lane.leftOut) this.#giveBack(queue)
    lane.leftOut = true
    if (queue.length + queue.storedLength === 0) this.#bring(queue, 1)
  }

  #bring(queue: ServiceQueue, count: number): number {
    const { outbox, safekeeping, nowMs } = this.#ports
    const ids = outbox.due(queue.shelf, nowMs(), count, this.#isHeld)
    for (const id of ids) {
      try {
        this.#bringOne(id)
      } catch (error) {
        // A damaged one keeps nothing back.
        safekeeping.unreadable(error)
      }
    }
    return ids.length
  }

  #bringOne(id: string): void {
    const { safekeeping, deadDevices } = this.#ports
    const push = safekeeping.take(id)
    if (push === undefined) return
    const { notification } = push
    const { device, domain, node } = notification
    if (safekeeping.lifetimeLeftMs(push) <= 0) this.#events.expired(push)
    else if (!isServed(notification) && deadDevices.isDead(device, domain, node))
      this.#events.deviceDead(push)
    else this.#events.put(push)
  }

  #giveBack(queue: ServiceQueue): void {
    for (const push of queue.waitingStored()) this.#ports.safekeeping.release(push)
  }

  /** A part of it at a time. */
  #clear(stray: string): void {
    const { outbox, safekeeping, shelfFor } = this.#ports
    this.#clearing = true
    outbox.clear(stray, shelfFor, sweepBatch).then(
      (moved) => {
        if (moved === 0) this.#strays.delete(stray)
        this.#clearing = false
      },
      (error: unknown) => {
        safekeeping.unwritable(error)
        this.#clearing = false
      },
    )
  }

  #rateOf(service: string): number {
    let rate = 0
    for (const { queue, ramp } of this.#lanes) {
      if (queue.service === service && !queue.isUnmatched) rate += ramp.ratePerS
    }
    return rate
  }

  #sweep(): void {
    const { outbox, safekeeping } = this.#ports
    const some = outbox.from(this.#sweepFrom, sweepBatch)
    for (const [id, stored] of some) {
      if (safekeeping.lifetimeLeftMs(stored) > 0) continue
      const push = safekeeping.take(id)
      if (push !== undefined) this.#events.expired(push)
    }
    // The last one is looked at twice.
    this.#sweepFrom = some.length < sweepBatch ? '0' : (some.at(-1)?.[0] ?? '0')
  }
}
