import { classifyAnswer } from '../../core/mongoosepush/answer.ts'
import { notificationBody } from '../../core/mongoosepush/request.ts'
import type { Notification } from '../../core/notification.ts'
import type { AttemptOutcome } from '../../core/outcome.ts'
import { encodeSegment } from '../../core/path-segment.ts'
import { answerWidth, type OtherAnswer } from '../../core/worker-protocol.ts'
import { serviceLabel } from '../metrics/table.ts'
import type { Tally } from '../metrics/tally.ts'
import type { DomainLoads } from './domain-loads.ts'
import { Gateways, othersInUse } from './gateways.ts'
import { connectionShares, type DispatchOptions } from './options.ts'
import type { PendingPush } from './pending-push.ts'
import { type Route, services } from './route.ts'
import { type Lane, ServiceQueue } from './service-queue.ts'
import type { Offered } from './turns.ts'
import type { WorkerSession } from './worker-session.ts'
import { type SessionPorts, WorkerSessions } from './worker-sessions.ts'

/** Who decides about pushes. */
export interface OutboundEvents {
  /** Asked when a push has its turn; false takes it out of its queue unsent. */
  wanted(push: PendingPush): boolean
  /** What an attempt came to. The push is in no queue and no worker. */
  answered(push: PendingPush, route: Route, outcome: AttemptOutcome, nowMs: number): void
}

/**
 * The way out and back: pushes wait in their service's queue for room at a gateway URL that is in use, go to the
 * workers in batches (all of one turn of the event loop, 64 at most in a message), and come back with what the
 * attempt came to.
 */
export class Outbound {
  readonly queues: readonly ServiceQueue[] = services.map(
    (service, index) => new ServiceQueue(index, service),
  )
  readonly gateways: Gateways
  readonly workers: WorkerSessions
  readonly #options: DispatchOptions
  readonly #events: OutboundEvents
  readonly #loads: DomainLoads
  readonly #ports: SessionPorts
  readonly #retries = new Map<string, Tally>()
  readonly #hasRoom = (origin: number) => this.workers.roomiest(origin, this.#pumpedAtMs) !== undefined
  readonly #pumpBound = () => this.pump()
  readonly #sendBound = (push: PendingPush) => this.#send(push)
  readonly #others = { services: false, domains: false }
  #pumpedAtMs = 0
  #pumping = false
  #warnedSilent = false

  constructor(options: DispatchOptions, events: OutboundEvents, loads: DomainLoads, ports: SessionPorts) {
    this.#options = options
    this.#loads = loads
    this.#events = events
    this.#ports = ports
    const { urls } = options
    const shares = connectionShares(options.maxHttpConnections, options.workers, urls.length)
    const inAll = urls.map((_, origin) => shares.reduce((sum, share) => sum + (share[origin] ?? 0), 0))
    this.gateways = new Gateways(options, inAll, ports.metrics, ports.monotonicMs())
    const sessionEvents = {
      ready: () => this.#pumpSoon(),
      read: this.#read.bind(this),
      lost: this.#lost.bind(this),
    }
    this.workers = new WorkerSessions(options, this.gateways.origins, shares, sessionEvents, ports)
    for (const [origin, url] of urls.entries()) {
      ports.metrics.gatewayConnections.read(() => this.workers.openConnections(origin), new URL(url).host)
    }
  }

  /** The way of a push; `from`: the domain whose room and turns it takes. */
  laneFor({ device, domain }: Notification, from = domain): Lane {
    const label = serviceLabel(device.service)
    const queue = this.queues.find((candidate) => candidate.service === label)
    if (queue === undefined) throw new Error(`no queue for ${label}`)
    return queue.laneOf(this.#loads.of(from))
  }

  /** The push goes out when it has its turn, at the earliest at the end of this turn of the event loop. */
  put(push: PendingPush, nowMs: number): void {
    push.queue.put(push, nowMs)
    this.#loads.used(push.lane.load, nowMs)
    this.#pumpSoon()
  }

  /** Hands to the workers all that there is room for. */
  pump(): void {
    this.#pumping = false
    this.#pumpedAtMs = this.#ports.monotonicMs()
    let moved = true
    // One of each service in turn, so that none takes all the room.
    while (moved) {
      moved = false
      for (const queue of this.queues) {
        if (queue.offer(this.#sendBound)) moved = true
      }
    }
    this.workers.flush()
  }

  #pumpSoon(): void {
    if (this.#pumping) return
    this.#pumping = true
    setImmediate(this.#pumpBound)
  }

  #send(push: PendingPush): Offered {
    if (!this.#events.wanted(push)) {
      push.rest()
      return 'gone'
    }
    const { queue, load } = push.lane
    const nowMs = this.#pumpedAtMs
    const others = this.#others
    others.services = othersInUse(this.queues, queue, nowMs)
    others.domains = this.#loads.othersInUse(load, nowMs)
    const origin = this.gateways.choose(push, others, this.#hasRoom, nowMs)
    if (origin === -2) return 'no-room-for-domain'
    const session = origin < 0 ? undefined : this.workers.roomiest(origin, nowMs)
    const route = this.gateways.routes[origin]?.[queue.index]
    if (session === undefined || route === undefined) return 'no-room'

    push.turn.leave()
    push.place = 'worker'
    push.origin = origin
    push.probe = route.circuit.permits(nowMs) === 'probe'
    if (push.probe) route.circuit.probing(nowMs)
    if (push.retryCause !== '') this.#countRetry(push.retryCause)
    route.inflight++
    load.inflight[origin] = (load.inflight[origin] ?? 0) + 1
    const { notification } = push
    const path = `${this.gateways.bases[origin]}${encodeSegment(notification.device.id)}`
    const { apiVersion, defaults } = this.#options
    session.add(push, origin, path, notificationBody(notification, apiVersion, defaults))
    if (apiVersion === 'v1') this.#warnOfSilent(notification)
    return 'gone'
  }

  #read(session: WorkerSession, plain: readonly number[], other: readonly OtherAnswer[]): void {
    const nowMs = this.#ports.monotonicMs()
    for (let i = 0; i < plain.length; i += answerWidth) {
      const push = session.take(plain[i] ?? -1)
      if (push === undefined) continue
      const route = this.#back(push)
      route.countStatus(plain[i + 1] ?? 0, plain[i + 2] ?? 0)
      this.#events.answered(push, route, delivered, nowMs)
    }
    for (const answer of other) {
      const push = session.take(answer.id)
      if (push === undefined) continue
      const route = this.#back(push)
      if (answer.cause === undefined) route.countStatus(answer.status, answer.durationUs)
      else route.countNoResponse(answer.cause)
      this.#events.answered(push, route, outcomeOf(answer), nowMs)
    }
    this.pump()
  }

  #lost(pushes: readonly PendingPush[], reason: string): void {
    const nowMs = this.#ports.monotonicMs()
    const outcome = classifyAnswer({ kind: 'no-response', cause: 'worker_lost', detail: reason })
    for (const push of pushes) {
      const route = this.#back(push)
      route.countNoResponse('worker_lost')
      this.#events.answered(push, route, outcome, nowMs)
    }
  }

  #back(push: PendingPush): Route {
    const route = this.gateways.routes[push.origin]?.[push.queue.index]
    if (route === undefined) throw new Error('an answer came from a gateway that nothing was sent to')
    route.inflight--
    const { inflight } = push.lane.load
    inflight[push.origin] = (inflight[push.origin] ?? 1) - 1
    push.place = 'nowhere'
    push.attempts++
    return route
  }

  #countRetry(cause: string): void {
    let tally = this.#retries.get(cause)
    if (tally === undefined) {
      tally = this.#ports.metrics.retries.child(cause)
      this.#retries.set(cause, tally)
    }
    tally.add(1)
  }

  #warnOfSilent(notification: Notification): void {
    if (this.#warnedSilent || notification.content.kind !== 'silent') return
    this.#warnedSilent = true
    this.#ports.log.warn(
      'MongoosePush API v1 has no silent notifications: they are shown with the default title and body',
    )
  }
}

const delivered: AttemptOutcome = { kind: 'delivered' }

function outcomeOf({ cause, status, reason, retryAfterMs }: OtherAnswer): AttemptOutcome {
  return classifyAnswer(
    cause === undefined
      ? { kind: 'response', status, reason, retryAfterMs }
      : { kind: 'no-response', cause, detail: reason ?? cause },
  )
}
