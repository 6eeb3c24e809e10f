import { apnsRequest } from '../../core/apns/request.ts'
import { fcmRequest } from '../../core/fcm/request.ts'
import { choosePool, noMatchingPool } from '../../core/gateway/pools.ts'
import type { BuiltRequest } from '../../core/gateway/ports.ts'
import type { Authorization } from '../../core/gateway/provider-target.ts'
import type { Notification } from '../../core/notification.ts'
import type { AttemptOutcome } from '../../core/outcome.ts'
import type { GatewayPool } from '../gateway/provider-pool.ts'
import { type Metrics, serviceLabel } from '../metrics/table.ts'
import type { PendingPush } from './pending-push.ts'
import { Route, services } from './route.ts'
import { ServiceQueue } from './service-queue.ts'

/** One provider pool as pushes leave by it: a queue, a circuit and a share of the workers of its own. */
export class ProviderExit {
  /** Its place among the pools. */
  readonly index: number
  readonly pool: GatewayPool
  /** Its place among all that workers send to: MongoosePush's URLs come first. */
  readonly origin: number
  readonly queue: ServiceQueue
  readonly route: Route
  /** The header that requests bear from now on; undefined: none is needed, or there is none. */
  header: string | undefined = undefined

  constructor(
    index: number,
    pool: GatewayPool,
    origin: number,
    queue: ServiceQueue,
    metrics: Metrics,
    nowMs: number,
  ) {
    this.index = index
    this.pool = pool
    this.origin = origin
    this.queue = queue
    this.route = new Route(pool.label, index, metrics, nowMs)
    this.route.lockedSinceMs = pool.target.authorized ? nowMs : undefined
    queue.exit = this
    queue.routes = [this.route]
  }

  /** `nowMs`: monotonic. */
  authorize(authorization: Authorization | undefined, nowMs: number): void {
    this.header = authorization?.header
    if (authorization !== undefined || !this.pool.target.authorized) this.route.lockedSinceMs = undefined
    else this.route.lockedSinceMs ??= nowMs
  }

  /** Whether any push may go out. Monotonic. */
  isOpen(nowMs: number): boolean {
    const { pause, lockedSinceMs, circuit } = this.route
    return lockedSinceMs === undefined && pause.permits(nowMs) && circuit.permits(nowMs) !== 'none'
  }

  /**
   * What a push comes to whose device is to be left alone for a while; undefined: it may go. A push for one attempt is
   * the provider's to answer, each time. Monotonic.
   */
  heldBack(push: PendingPush, nowMs: number): AttemptOutcome | undefined {
    const { pausedDevices } = this.route
    if (pausedDevices.none || push.once) return undefined
    const leftMs = pausedDevices.leftMs(push.deviceKey, nowMs)
    if (leftMs <= 0) return undefined
    return {
      kind: 'retry',
      cause: 'throttled',
      reason: this.pool.service === 'apns' ? 'TooManyRequests' : 'QUOTA_EXCEEDED',
      retryAfterMs: leftMs,
      known: true,
      quota: 'device',
    }
  }

  /** `nowMs`: since the epoch. */
  build(notification: Notification, nowMs: number): BuiltRequest {
    return buildRequest(this.pool, notification, nowMs)
  }
}

/** The request to the provider of a pool. `nowMs`: since the epoch. */
export function buildRequest(pool: GatewayPool, notification: Notification, nowMs: number): BuiltRequest {
  return pool.service === 'apns'
    ? apnsRequest(notification, pool, pushId(notification))
    : fcmRequest(notification, pool, nowMs)
}

/**
 * What tells a push from every other, by what it is: so it is the same push in a retry, out of the outbox, or out of
 * the journal after a crash.
 */
function pushId({ domain, node, device, createdAtMs }: Notification): string {
  return `${domain}\n${node}\n${device.id}\n${createdAtMs}`
}

/** The ways to the providers, and the one of pushes that no pool is for. */
export class ProviderExits {
  readonly all: readonly ProviderExit[]
  /** The pools' queues, then, for each service, one of those that no pool is for. */
  readonly queues: readonly ServiceQueue[]
  readonly #pools: readonly GatewayPool[]
  readonly #unmatched: readonly ServiceQueue[]
  /** Nothing goes by it; what is said of it is said of all that no pool is for. */
  readonly unmatchedRoute: Route

  /** `origins`: how many URLs of MongoosePush there are; `index`: of the first queue. */
  constructor(
    pools: readonly GatewayPool[],
    origins: number,
    index: number,
    metrics: Metrics,
    nowMs: number,
  ) {
    this.#pools = pools
    this.all = pools.map((pool, i) => {
      const queue = new ServiceQueue(index + i, pool.service, `pool ${pool.label}`)
      return new ProviderExit(i, pool, origins + i, queue, metrics, nowMs)
    })
    const route = new Route(noMatchingPool.reason, -1, undefined, nowMs)
    this.unmatchedRoute = route
    this.#unmatched = services.map((service, i) => {
      const queue = new ServiceQueue(index + pools.length + i, service, `no pool ${service}`)
      queue.routes = [route]
      queue.isUnmatched = true
      return queue
    })
    this.queues = [...this.all.map(({ queue }) => queue), ...this.#unmatched]
  }

  queueFor({ device, tags }: Notification): ServiceQueue {
    const pool = choosePool(this.#pools, device, tags)
    const place = pool === undefined ? -1 : this.#pools.indexOf(pool)
    const queue = this.all[place]?.queue ?? this.#unmatched[services.indexOf(serviceLabel(device.service))]
    if (queue === undefined) throw new Error(`no queue for ${device.service}`)
    return queue
  }
}
