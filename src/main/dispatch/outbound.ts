import { noMatchingPool } from '../../core/gateway/pools.ts'
import type { Authorization } from '../../core/gateway/provider-target.ts'
import { isServed } from '../../core/gateway/served-domain.ts'
import { classifyAnswer } from '../../core/mongoosepush/answer.ts'
import { notificationBody } from '../../core/mongoosepush/request.ts'
import type { Notification } from '../../core/notification.ts'
import { type AttemptOutcome, delivered } from '../../core/outcome.ts'
import { encodeSegment } from '../../core/path-segment.ts'
import { answerWidth, type JudgedAnswer, type OtherAnswer } from '../../core/worker-protocol.ts'
import { serviceLabel } from '../metrics/table.ts'
import { CauseTallies } from './cause-tallies.ts'
import type { DomainLoad, DomainLoads } from './domain-loads.ts'
import { fullAt, Gateways, othersInUse } from './gateways.ts'
import type { AttemptManner } from './judge.ts'
import { outcomeOf } from './mongoosepush-answer.ts'
import { connectionShares, type DispatchOptions } from './options.ts'
import { countLosses, showOutbound } from './outbound-metrics.ts'
import type { PendingPush } from './pending-push.ts'
import { type ProviderAnswerPorts, readProviderAnswer } from './provider-answers.ts'
import { type ProviderExit, ProviderExits } from './provider-exit.ts'
import { type Route, services } from './route.ts'
import { type Lane, ServiceQueue } from './service-queue.ts'
import { SilentWarning } from './silent-warning.ts'
import type { Offered } from './turns.ts'
import type { WorkerSession } from './worker-session.ts'
import { type SessionPorts, WorkerSessions } from './worker-sessions.ts'

/** How many pushes go into the outbox in one turn of the event loop, at 20 µs each, so that other work is not delayed. */
const mostHeldBack = 32

/** Who decides about pushes. */
export interface OutboundEvents {
  /** Asked when a push has its turn; false takes it out of its queue unsent. */
  wanted(push: PendingPush): boolean
  /** What an attempt came to. The push is in no queue and no worker. */
  answered(
    push: PendingPush,
    route: Route,
    outcome: AttemptOutcome,
    nowMs: number,
    manner?: AttemptManner,
  ): void
}

export interface OutboundPorts extends SessionPorts, ProviderAnswerPorts {
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
}

/**
 * The way out and back: pushes wait in their service's queue for room at a gateway URL that is in use, or in their
 * provider pool's for room there, go to the workers in batches (all of one turn of the event loop, 64 at most in a
 * message), and come back with what the attempt came to.
 */
export class Outbound {
  /** All: those to MongoosePush, then those to providers. */
  readonly queues: readonly ServiceQueue[]
  readonly gateways: Gateways
  /** Undefined: there are no provider pools. */
  readonly exits: ProviderExits | undefined
  readonly workers: WorkerSessions
  readonly #options: DispatchOptions
  readonly #events: OutboundEvents
  readonly #loads: DomainLoads
  readonly #ports: OutboundPorts
  readonly #serviceQueues: readonly ServiceQueue[] = services.map(
    (service, index) => new ServiceQueue(index, service),
  )
  readonly #retries: CauseTallies
  readonly #hasRoom = (origin: number) => this.workers.roomiest(origin, this.#pumpedAtMs) !== undefined
  readonly #pumpBound = () => this.pump()
  readonly #sendBound = (push: PendingPush) => this.#send(push)
  readonly #others = { services: false, domains: false, senders: false }
  #pumpedAtMs = 0
  #pumping = false
  readonly #silentWarning: SilentWarning
  #heldBack = 0

  constructor(options: DispatchOptions, events: OutboundEvents, loads: DomainLoads, ports: OutboundPorts) {
    this.#options = options
    this.#loads = loads
    this.#events = events
    this.#ports = ports
    this.#silentWarning = new SilentWarning(ports.log)
    this.#retries = new CauseTallies(ports.metrics.retries)
    const { urls } = options
    const shares = connectionShares(options.maxHttpConnections, options.workers, urls.length)
    const inAll = urls.map((_, origin) => shares.reduce((sum, share) => sum + (share[origin] ?? 0), 0))
    const nowMs = ports.monotonicMs()
    this.gateways = new Gateways(options, inAll, ports.metrics, nowMs)
    for (const queue of this.#serviceQueues) {
      queue.routes = this.gateways.routes.flatMap((byService) => byService[queue.index] ?? [])
    }
    this.exits =
      options.pools.length > 0 || options.direct
        ? new ProviderExits(options.pools, urls.length, services.length, ports.metrics, nowMs)
        : undefined
    this.queues = [...this.#serviceQueues, ...(this.exits?.queues ?? [])]
    const sessionEvents = {
      ready: () => this.#pumpSoon(),
      read: this.#read.bind(this),
      readJudged: this.#readJudged.bind(this),
      lost: this.#lost.bind(this),
    }
    this.workers = new WorkerSessions(options, this.gateways.origins, shares, sessionEvents, ports)
    showOutbound(this, urls, ports)
  }

  /** The way of a push; `from`: the domain whose room and turns it takes. */
  laneFor(notification: Notification, from = notification.domain): Lane {
    return this.#queueFor(notification).laneOf(this.#loads.of(from))
  }

  authorize(pool: number, authorization: Authorization | undefined): void {
    this.exits?.all[pool]?.authorize(authorization, this.#ports.monotonicMs())
    this.workers.authorize(pool, authorization)
    this.#pumpSoon()
  }

  /** The push goes out when it has its turn, at the earliest at the end of this turn of the event loop. */
  put(push: PendingPush, nowMs: number): void {
    push.queue.put(push, nowMs)
    this.#loads.used(push.lane.load, push.sender, nowMs)
    this.#pumpSoon()
  }

  /** Hands to the workers all that there is room for. */
  pump(): void {
    this.#pumping = false
    this.#heldBack = 0
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
    if (queue.exit !== undefined) return this.#sendToProvider(push, queue.exit, load)
    if (this.exits !== undefined && queue.isUnmatched) {
      return this.#unsendable(push, this.exits.unmatchedRoute, noMatchingPool)
    }
    const nowMs = this.#pumpedAtMs
    const others = this.#others
    others.services = othersInUse(this.#serviceQueues, queue, nowMs)
    others.domains = this.#loads.othersInUse(load, nowMs)
    others.senders = load.senders.several
    const origin = this.gateways.choose(push, others, this.#hasRoom, nowMs)
    if (origin < -1) return origin === -2 ? 'no-room-for-domain' : 'no-room-for-sender'
    const session = origin < 0 ? undefined : this.workers.roomiest(origin, nowMs)
    const route = this.gateways.routes[origin]?.[queue.index]
    if (session === undefined || route === undefined) return 'no-room'

    this.#leave(push, origin, route)
    const { notification } = push
    const path = `${this.gateways.bases[origin]}${encodeSegment(notification.device.id)}`
    const { apiVersion, defaults } = this.#options
    session.add(push, origin, path, notificationBody(notification, apiVersion, defaults))
    if (apiVersion === 'v1') this.#silentWarning.heed(notification)
    return 'gone'
  }

  #sendToProvider(push: PendingPush, exit: ProviderExit, load: DomainLoad): Offered {
    const { route, origin } = exit
    const nowMs = this.#pumpedAtMs
    const heldBack = exit.heldBack(push, nowMs)
    if (heldBack !== undefined) return this.#holdBack(push, route, heldBack)
    if (!exit.isOpen(nowMs)) return 'no-room'
    const session = this.workers.roomiest(origin, nowMs)
    if (session === undefined) return 'no-room'
    const full = fullAt(
      origin,
      push,
      this.workers.window(origin, nowMs),
      this.#loads.othersInUse(load, nowMs),
    )
    if (full !== undefined) return full
    const built = exit.build(push.notification, this.#ports.nowMs())
    if (built.kind === 'unsendable') return this.#unsendable(push, route, built.outcome)

    if (push.attempts === 0) countLosses(built, exit.queue.service, this.#ports.metrics)
    push.pauseProbe = route.pause.sending(nowMs)
    this.#leave(push, origin, route)
    session.addForProvider(push, origin, exit.index, built.request)
    return 'gone'
  }

  /** Its device is paused: the push must not wait in front of pushes to other devices. */
  #holdBack(push: PendingPush, route: Route, outcome: AttemptOutcome): Offered {
    if (this.#heldBack++ >= mostHeldBack) {
      this.#pumpSoon()
      return 'no-room'
    }
    push.rest()
    this.#events.answered(push, route, outcome, this.#pumpedAtMs, 'unsent')
    return 'gone'
  }

  /** What would be refused for certain. */
  #unsendable(push: PendingPush, route: Route, outcome: AttemptOutcome): Offered {
    push.rest()
    push.attempts++
    this.#events.answered(push, route, outcome, this.#pumpedAtMs, 'unsent')
    return 'gone'
  }

  /** Out of its queue, into a worker's hands. */
  #leave(push: PendingPush, origin: number, route: Route): void {
    push.turn.leave()
    push.place = 'worker'
    push.origin = origin
    push.probe = route.circuit.permits(this.#pumpedAtMs) === 'probe'
    if (push.probe) route.circuit.probing(this.#pumpedAtMs)
    if (push.retryCause !== '') this.#retries.add(push.retryCause)
    route.inflight++
    push.lane.sent(push.sender, origin)
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
      else route.countNoResponse(answer.cause, nowMs)
      this.#events.answered(push, route, outcomeOf(answer), nowMs)
    }
    this.pump()
  }

  #readJudged(session: WorkerSession, judged: readonly JudgedAnswer[]): void {
    const nowMs = this.#ports.monotonicMs()
    for (const answer of judged) {
      const push = session.take(answer.id)
      const exit = push?.queue.exit
      if (push === undefined || exit === undefined) continue
      const route = this.#back(push)
      if (answer.status > 0) route.countStatus(answer.status, answer.durationUs)
      else if (answer.outcome.kind === 'retry') route.countNoResponse(answer.outcome.cause, nowMs)
      const { outcome, atOnce } = readProviderAnswer(push, exit, answer, this.#ports)
      this.#events.answered(push, route, outcome, nowMs, atOnce ? 'sent-again' : 'sent')
    }
    this.pump()
  }

  #lost(pushes: readonly PendingPush[], reason: string): void {
    const nowMs = this.#ports.monotonicMs()
    const outcome = classifyAnswer({ kind: 'no-response', cause: 'worker_lost', detail: reason })
    for (const push of pushes) {
      const route = this.#back(push)
      route.countNoResponse('worker_lost', nowMs)
      this.#events.answered(push, route, outcome, nowMs)
    }
  }

  #back(push: PendingPush): Route {
    const { exit, index } = push.queue
    const route = exit === undefined ? this.gateways.routes[push.origin]?.[index] : exit.route
    if (route === undefined) throw new Error('an answer came from a gateway that nothing was sent to')
    route.inflight--
    push.lane.answered(push.sender, push.origin)
    push.place = 'nowhere'
    push.attempts++
    return route
  }

  #queueFor(notification: Notification): ServiceQueue {
    if (this.exits !== undefined && (this.#options.direct || isServed(notification))) {
      return this.exits.queueFor(notification)
    }
    const label = serviceLabel(notification.device.service)
    const queue = this.#serviceQueues.find((candidate) => candidate.service === label)
    if (queue === undefined) throw new Error(`no queue for ${label}`)
    return queue
  }
}
