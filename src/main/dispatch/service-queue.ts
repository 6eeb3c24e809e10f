import type { DomainLoad } from './domain-loads.ts'
import type { PendingPush } from './pending-push.ts'
import type { ProviderExit } from './provider-exit.ts'
import type { Route } from './route.ts'
import { Line, type Offered, Turns } from './turns.ts'

/** While others wait, one in so many turns is for a stored push: a crowded daemon's backlog shrinks too. */
const turnsPerStored = 10

/** The way of one domain's pushes through one queue. */
export class Lane {
  readonly queue: ServiceQueue
  readonly load: DomainLoad
  readonly waiting: Line
  /** Those from the outbox. */
  readonly stored: Line
  /** Handed to workers and not yet answered, by gateway URL and provider pool. */
  readonly inflight: number[]

  constructor(queue: ServiceQueue, load: DomainLoad) {
    this.queue = queue
    this.load = load
    this.waiting = new Line(load.senders)
    this.stored = new Line(load.senders)
    this.inflight = load.inflight.map(() => 0)
  }

  /** One of this sender's is handed to a worker. */
  sent(sender: number, origin: number): void {
    const { load, inflight } = this
    inflight[origin] = (inflight[origin] ?? 0) + 1
    load.inflight[origin] = (load.inflight[origin] ?? 0) + 1
    load.senders.sent(sender, origin)
  }

  answered(sender: number, origin: number): void {
    const { load, inflight } = this
    inflight[origin] = (inflight[origin] ?? 1) - 1
    load.inflight[origin] = (load.inflight[origin] ?? 1) - 1
    load.senders.answered(sender, origin)
  }
}

/**
 * What waits for one service's turn at MongoosePush, or for one provider pool's, so that one in trouble holds up no
 * other. Domains take turns in it. Those from the outbox go last: a call must not wait behind a backlog.
 */
export class ServiceQueue {
  readonly index: number
  readonly service: 'apns' | 'fcm' | 'other'
  /** Where those of its pushes are that the outbox has. */
  readonly shelf: string
  /** By which its pushes may go. */
  routes: readonly Route[] = []
  /** Its provider pool; undefined: its pushes go to MongoosePush, or nowhere. */
  exit: ProviderExit | undefined = undefined
  /** Of pushes that no pool is for. */
  isUnmatched = false
  readonly #lanes: Lane[] = []
  readonly #waiting = new Turns()
  readonly #stored = new Turns()
  #turnsSinceStored = 0
  /** What is left of a round through all that wait, the next one last; some may have left the queue since. */
  #round: PendingPush[] = []
  /** When something was last put in. Monotonic. */
  lastUsedMs = Number.NEGATIVE_INFINITY

  constructor(index: number, service: 'apns' | 'fcm' | 'other', shelf: string = service) {
    this.index = index
    this.service = service
    this.shelf = shelf
  }

  /** Some route is in use, and not asked to pause until later than `timeMs`. Both monotonic. */
  deliversBy(timeMs: number, nowMs: number): boolean {
    for (const route of this.routes) if (route.deliversBy(timeMs, nowMs)) return true
    return false
  }

  /** No route is in use. */
  isLeftOut(nowMs: number): boolean {
    return !this.deliversBy(Number.POSITIVE_INFINITY, nowMs)
  }

  laneOf(load: DomainLoad): Lane {
    const known = this.#lanes[load.index]
    if (known !== undefined) return known
    const lane = new Lane(this, load)
    this.#lanes[load.index] = lane
    return lane
  }

  /** Without those from the outbox. */
  get length(): number {
    return this.#waiting.length
  }

  put(push: PendingPush, nowMs: number): void {
    this.lastUsedMs = nowMs
    push.place = 'queue'
    const { lane } = push
    if (push.acknowledged) this.#stored.add(lane.stored, push, false)
    else this.#waiting.add(lane.waiting, push, push.attempts > 0)
  }

  /** Those from the outbox. */
  get storedLength(): number {
    return this.#stored.length
  }

  /** The next `count` that wait, but those from the outbox: none comes again before all have come that waited at first. */
  nextInRound(count: number): PendingPush[] {
    if (this.#round.length === 0) this.#round = this.#waiting.members().reverse()
    const next = this.#round.splice(-count).reverse()
    return next.filter(({ place }) => place === 'queue')
  }

  /** The next one to come is the first that waits then. */
  endRound(): void {
    if (this.#round.length > 0) this.#round = []
  }

  waitingStored(): PendingPush[] {
    return this.#stored.members()
  }

  /** Offers what is next; true when it has left. */
  offer(send: (push: PendingPush) => Offered): boolean {
    const isStoredDue = this.#turnsSinceStored >= turnsPerStored
    let from = isStoredDue ? this.#stored : this.#waiting
    let offered = from.offer(send)
    if (offered !== 'gone' && offered !== 'no-room') {
      from = isStoredDue ? this.#waiting : this.#stored
      offered = from.offer(send)
    }
    if (offered !== 'gone') return false
    this.#turnsSinceStored = from === this.#stored ? 0 : this.#turnsSinceStored + 1
    return true
  }
}
