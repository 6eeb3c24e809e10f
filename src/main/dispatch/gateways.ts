import { notificationBase } from '../../core/mongoosepush/request.ts'
import type { Metrics } from '../metrics/table.ts'
import type { DispatchOptions } from './options.ts'
import type { PendingPush } from './pending-push.ts'
import { poolLabel, Route, services } from './route.ts'
import type { Lane, ServiceQueue } from './service-queue.ts'

/**
 * While another service is in use, one may hold this share of an origin's connections at most, so that a slow
 * provider leaves some to the others; and so with domains, some of which may have slow devices: of all connections, and
 * of a service's share.
 */
export const largestShare = 0.75
/** The same for a sender, of its domain's share. It is larger, so that a busy sender loses little beside idle ones. */
const largestShareOfSender = 7 / 8
/** No connections are reserved for a service, a domain or a sender that sent nothing for so long. */
export const inUseMs = 60_000

/** Who else, beside a push's own service, domain and sender, may need connections. */
export interface OthersInUse {
  readonly services: boolean
  readonly domains: boolean
  /** Of the same domain. */
  readonly senders: boolean
}

/** The gateway's URLs: used in turn, each with a circuit per service. */
export class Gateways {
  readonly origins: readonly string[]
  /** What comes before the device id in a path, by URL. */
  readonly bases: readonly string[]
  /** By URL, then by service. */
  readonly routes: readonly (readonly Route[])[]
  readonly #connections: readonly number[]
  #turn = 0

  /** `connections`: per origin, over all workers. */
  constructor(options: DispatchOptions, connections: readonly number[], metrics: Metrics, nowMs: number) {
    this.origins = options.urls.map((url) => new URL(url).origin)
    this.bases = options.urls.map((url) =>
      notificationBase(`${new URL(url).pathname}/${options.pathPrefix}`, options.apiVersion),
    )
    this.routes = options.urls.map((url) =>
      services.map((service) => new Route(poolLabel(url, service), -1, metrics, nowMs)),
    )
    this.#connections = connections
  }

  /**
   * The URL for the next attempt: in turn, of those that are in use (or due for a probe) and have room, but not
   * the one where it failed before, if there is another. -1: none; -2: none but for another domain; -3: none but for
   * another sender.
   */
  choose(
    push: PendingPush,
    others: OthersInUse,
    hasRoom: (origin: number) => boolean,
    nowMs: number,
  ): number {
    const { origin: last, lane, sender } = push
    const count = this.origins.length
    let fallback = -1
    for (let i = 0; i < count; i++) {
      const origin = (this.#turn + i) % count
      const route = this.routes[origin]?.[lane.queue.index]
      if (route === undefined || route.pausedUntilMs > nowMs) continue
      if (route.circuit.permits(nowMs) === 'none') continue
      if (others.services && route.inflight >= this.#shareOf(origin)) continue
      if (!hasRoom(origin)) continue
      if (others.domains && this.#hasItsShare(lane, origin, others.services)) {
        if (fallback === -1) fallback = -2
        continue
      }
      if (
        others.senders &&
        lane.load.senders.inflightOf(sender, origin) >= this.#senderShareOf(origin, others)
      ) {
        if (fallback < 0) fallback = -3
        continue
      }
      if (origin === last && count > 1) {
        fallback = origin
        continue
      }
      // A second attempt is out of turn: else those after it would all begin where it failed.
      if (last < 0) this.#turn = (origin + 1) % count
      return origin
    }
    return fallback
  }

  /** Of all connections, or of what the lane's service may have while others are in use. */
  #hasItsShare({ load, inflight }: Lane, origin: number, otherServices: boolean): boolean {
    const share = this.#shareOf(origin)
    if ((load.inflight[origin] ?? 0) >= share) return true
    return otherServices && (inflight[origin] ?? 0) >= Math.max(1, Math.floor(share * largestShare))
  }

  /** The sender's share of the connections of its domain while others are active. */
  #senderShareOf(origin: number, { services, domains }: OthersInUse): number {
    const ofDomain = services || domains ? this.#shareOf(origin) : (this.#connections[origin] ?? 1)
    return Math.max(1, Math.floor(ofDomain * largestShareOfSender))
  }

  #shareOf(origin: number): number {
    return Math.max(1, Math.floor((this.#connections[origin] ?? 1) * largestShare))
  }
}

/** Whether a service other than this one has been in use of late. */
export function othersInUse(queues: readonly ServiceQueue[], queue: ServiceQueue, nowMs: number): boolean {
  for (const other of queues) {
    if (other !== queue && nowMs - other.lastUsedMs < inUseMs) return true
  }
  return false
}

/**
 * Who has used its share of the requests that a provider pool accepts at a time: the push's domain, while other domains are
 * active, or its sender, while other senders of the domain are. Undefined: neither.
 */
export function fullAt(
  origin: number,
  { lane: { load }, sender }: PendingPush,
  window: number,
  otherDomains: boolean,
): 'no-room-for-domain' | 'no-room-for-sender' | undefined {
  const share = window * largestShare
  if (otherDomains && (load.inflight[origin] ?? 0) >= share) return 'no-room-for-domain'
  if (!load.senders.several) return undefined
  const ofSender = (otherDomains ? share : window) * largestShareOfSender
  return load.senders.inflightOf(sender, origin) >= ofSender ? 'no-room-for-sender' : undefined
}
