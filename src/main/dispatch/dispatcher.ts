/**
 * Takes notifications, has the workers POST them to the gateway, and settles each exactly once.
 *
 * A push goes: accepted → its service's queue → a worker → settled; or, when the attempt failed and may succeed
 * later, → the heap of those to be tried again → the queue. What cannot be delivered by the reply deadline, or soon
 * enough to wait for it, goes into the outbox, is settled as stored once it is on disk, and is brought back when it
 * is due. A late answer ends what it was given for: its record is removed, a dead device it names remembered.
 *
 * Accepted = ended + stored + pending, always. Sinks are called from the event loop, never within `submit`.
 */
import type { Authorization, ProviderTls } from '../../core/gateway/provider-target.ts'
import type { Notification } from '../../core/notification.ts'
import type { AttemptOutcome, Outcome, OutcomeSink } from '../../core/outcome.ts'
import { serviceLabel } from '../metrics/table.ts'
import { noSpare } from '../store/ports.ts'
import { DueHeap } from './due-heap.ts'
import { replayJournal } from './journal-replay.ts'
import type { AttemptManner } from './judge.ts'
import type { DispatchOptions } from './options.ts'
import { type DispatchParts, type DispatchPorts, dispatchParts } from './parts.ts'
import { notStored } from './patience.ts'
import { PendingPush } from './pending-push.ts'
import type { Route } from './route.ts'
import { senderHash, slotOf } from './senders.ts'
import { type DispatchState, dispatchState } from './state.ts'
import type { WorkerSessions } from './worker-sessions.ts'

/** Deadlines, retries, probes and the outbox are looked at this often while there is anything to do. */
const tickMs = 50
/**
 * When a crowd comes to its deadline so many are given up in one turn of the event loop: 20 µs each, most of it for the
 * outbox. All else has its turn between. Under a flood with 100,000 unanswered and a deadline of 1 s the others' p99 was
 * 36 ms so, 47 with 128 in a turn, 209 with all at once (Node 24, two cores, 2026-11).
 */
const mostPerTurn = 32
/** Of the time for a stop, what is left for storing what was not delivered; at least, and at most. */
const storingStopShare = 0.2
const leastStoringMs = 1_000
/** On stop, for requests that nobody waits for any more. */
const closeGraceMs = 500

export class Dispatcher {
  readonly #options: DispatchOptions
  readonly #ports: DispatchPorts
  readonly #parts: DispatchParts
  readonly #again = new DueHeap()
  #tickTimer: NodeJS.Timeout | undefined
  #stopping = false
  #stopped = false
  /** More have come to their deadline: the next turn goes on with them. */
  #givingUp = false
  readonly #giveUpMoreBound = () => this.#giveUpMore()
  #late = 0

  constructor(options: DispatchOptions, ports: DispatchPorts) {
    this.#options = options
    this.#ports = ports
    this.#parts = dispatchParts(options, ports, {
      wanted: this.#wanted.bind(this),
      answered: this.#answered.bind(this),
      tryAgain: this.#tryAgain.bind(this),
      retryFromMemory: this.#retryFromMemory.bind(this),
    })
    const { metrics, outbox } = ports
    metrics.pending.read(() => this.pending)
    metrics.stored.read(() => outbox.count())
    metrics.storedBytes.read(() => outbox.bytes())
    metrics.storedOldestAge.read(() => (ports.nowMs() - (outbox.oldestAtMs() ?? ports.nowMs())) / 1000)
  }

  /** Accepted and not settled. */
  get pending(): number {
    return this.#parts.ledger.pending
  }

  /**
   * Resolves when every worker is up and what an earlier run left in its journal is in the outbox; rejects, with
   * everything ended again, when one cannot start.
   */
  async start(): Promise<void> {
    const spare = { pushes: this.#options.maxPending, bytes: this.#options.maxPendingBytes }
    try {
      // Also when this run keeps none: an earlier one may have.
      await replayJournal({
        ...this.#ports,
        // What was accepted before it could be known that there is no room.
        adopt: (notification) => this.#parts.safekeeping.adopt(notification, spare),
        ended: ({ device }, reason) =>
          this.#parts.ledger.count(undefined, serviceLabel(device.service), reason),
      })
      await this.#parts.outbound.workers.start()
    } catch (error) {
      await this.#parts.outbound.workers.close(0)
      throw error
    }
    if (this.#ports.outbox.size > 0) this.#keepTicking()
  }

  /**
   * Takes a notification on; false, and its sink is never called, when there is no room or it is stopping. `from`: the
   * domain on which it came in, whose room it takes; `sender`: on whose account it came, whose turns it takes within that
   * domain's; `isHeld`: nobody tells of it again, so that a sender's crowd of such waits for its domain's room instead.
   */
  submit(
    notification: Notification,
    sink: OutcomeSink,
    from = notification.domain,
    sender = notification.device.id,
    isHeld = false,
  ): boolean {
    const push = this.#accept(notification, sink, from, sender, isHeld)
    if (push === undefined) return false
    if (this.#parts.patience.storedAtOnce(push)) return true
    if (this.#parts.journalling === undefined) this.#parts.outbound.put(push, this.#ports.monotonicMs())
    else this.#parts.journalling.add(push)
    return true
  }

  /**
   * Takes a notification on for one attempt, and what a provider says is to be sent again: it is never stored, and
   * nothing is known, nor remembered, of its device. `settled` is called exactly once, never within this; an
   * `AttemptOutcome` is what the provider said. False: there is no room, or it is stopping.
   */
  submitOnce(notification: Notification, settled: (outcome: AttemptOutcome | Outcome) => void): boolean {
    const sink = { settle: (outcome: Outcome) => settled(push?.answer ?? outcome) }
    const push = this.#accept(notification, sink, notification.domain, notification.device.id)
    if (push === undefined) return false
    push.once = true
    this.#parts.outbound.put(push, this.#ports.monotonicMs())
    return true
  }

  /** From now on every worker, also one that starts later, sends this to the pool; undefined: nothing goes out there. */
  authorize(pool: number, authorization: Authorization | undefined): void {
    this.#parts.outbound.authorize(pool, authorization)
  }

  /**
   * From now on every worker, also one that starts later, shows this to the pool. It is to be in order: a worker that
   * cannot read it dies of it.
   */
  renewTls(pool: number, tls: ProviderTls): void {
    this.#parts.outbound.workers.renewTls(pool, tls)
  }

  /**
   * Takes a push on that had ended, for delivery as soon as may be; settled when it is in the outbox. Undefined: there
   * is no room, it is not worth it any more, or the daemon stops. Rejects with a StoreError.
   */
  revive(notification: Notification): Promise<void> | undefined {
    if (this.#stopping) return undefined
    const stored = this.#parts.safekeeping.adopt(notification, noSpare)
    if (typeof stored === 'string') return undefined
    this.#parts.ledger.accepted++
    this.#keepTicking()
    return stored
  }

  /** Whether what comes in on this domain would be taken on now. If not, it is held back until it would be. */
  hasRoom(domain: string): boolean {
    const load = this.#parts.loads.of(domain)
    const hasRoom = this.#parts.loads.hasRoom(load)
    if (!hasRoom) this.#parts.loads.hold(load)
    return hasRoom
  }

  state(): DispatchState {
    const { outbox, monotonicMs } = this.#ports
    return dispatchState(this.#options, this.#parts, this.#late, outbox, monotonicMs())
  }

  /** The worker threads. */
  get threads(): WorkerSessions['threads'] {
    return this.#parts.outbound.workers.threads
  }

  /**
   * Accepts nothing more, waits for what is pending, stores what is left (what cannot be stored is settled as
   * undelivered), all within `timeoutMs`, and ends the workers. `isHandover`: so are the further attempts at what is with a
   * gateway then counted.
   */
  async stop(timeoutMs: number, isHandover = false): Promise<void> {
    this.#stopping = true
    this.#parts.scheduler.stop()
    const storingMs = Math.max(leastStoringMs, timeoutMs * storingStopShare)
    for (const push of this.#again.takeAll()) {
      if (push.place === 'heap') this.#parts.patience.giveUp(push, push.lastReason)
    }
    await this.#parts.ledger.drain(Math.max(0, timeoutMs - storingMs))
    for (const push of this.#parts.ledger.waiting()) {
      if (isHandover && push.place === 'worker') push.retryCause = 'handover'
      this.#parts.patience.giveUp(push, push.lastReason || 'the daemon stops')
    }
    await this.#parts.ledger.drain(storingMs)
    for (const push of this.#parts.ledger.beingStored()) this.#parts.ledger.settle(push, notStored)
    clearInterval(this.#tickTimer)
    this.#stopped = true
    this.#parts.journalling?.tick()
    await this.#parts.outbound.workers.close(closeGraceMs)
  }

  #accept(notification: Notification, sink: OutcomeSink, from: string, sender: string, isHeld = false) {
    const { loads, ledger, outbound } = this.#parts
    const lane = outbound.laneFor(notification, from)
    const owner = senderHash(sender, this.#parts.senderSeed)
    const slot = slotOf(owner)
    const nowMs = this.#ports.monotonicMs()
    lane.load.senders.used(slot, nowMs)
    const limit = this.#stopping ? 'max_pending' : loads.limitFor(lane.load, slot)
    if (limit !== undefined && !(isHeld && limit === 'sender_pending')) {
      loads.refused(lane.load, limit)
      ledger.count(undefined, lane.queue.service, 'overflow')
      return undefined
    }
    const push = new PendingPush(notification, sink, lane, slot, nowMs + this.#options.replyDeadlineMs)
    push.owner = owner
    ledger.open(push)
    this.#keepTicking()
    return push
  }

  #keepTicking(): void {
    // What answers still in come to is noted; it goes on in the next run.
    if (this.#stopped) return
    this.#tickTimer ??= setInterval(() => this.#tick(), tickMs)
  }

  #tick(): void {
    const nowMs = this.#ports.monotonicMs()
    if (!this.#givingUp) this.#giveUpDue(nowMs)
    for (let push = this.#again.takeDue(nowMs); push !== undefined; push = this.#again.takeDue(nowMs)) {
      if (push.place === 'heap' && !this.#parts.patience.storedAtOnce(push))
        this.#parts.outbound.put(push, nowMs)
    }
    for (const queue of this.#parts.outbound.queues) this.#parts.patience.look(queue)
    this.#parts.scheduler.tick(nowMs)
    this.#parts.journalling?.tick()
    // A gateway that is left out may be due for a probe, with nothing else to set it off.
    this.#parts.outbound.pump()
    this.#parts.loads.tick()
    if (this.pending + this.#again.length + this.#ports.outbox.size > 0) return
    if (this.#parts.safekeeping.busy || this.#parts.journalling?.busy === true) return
    clearInterval(this.#tickTimer)
    this.#tickTimer = undefined
  }

  #giveUpDue(nowMs: number): void {
    const { ledger, patience } = this.#parts
    for (let left = mostPerTurn; left > 0; left--) {
      const push = ledger.oldest
      if (push === undefined || push.deadlineMs > nowMs) return
      patience.giveUp(push, push.lastReason === '' ? 'no answer before the reply deadline' : push.lastReason)
    }
    this.#givingUp = true
    setImmediate(this.#giveUpMoreBound)
  }

  #giveUpMore(): void {
    this.#givingUp = false
    this.#giveUpDue(this.#ports.monotonicMs())
  }

  #answered(
    push: PendingPush,
    route: Route,
    outcome: AttemptOutcome,
    nowMs: number,
    manner?: AttemptManner,
  ): void {
    const isLate = push.sink === undefined && !push.isFromOutbox
    if (isLate && !(outcome.kind === 'retry' && outcome.cause === 'worker_lost')) this.#late++
    // What one device is refused says nothing of how fast others may go.
    const works = outcome.kind !== 'retry' || outcome.quota === 'device'
    if (push.acknowledged) this.#parts.scheduler.attempted(push, works)
    this.#parts.judge.judge(push, route, outcome, nowMs, manner)
  }

  #tryAgain(push: PendingPush, delayMs: number, nowMs: number): void {
    if (push.storedId !== '') this.#parts.safekeeping.postpone(push, delayMs)
    else if (this.#stopping) this.#parts.patience.giveUp(push, push.lastReason, delayMs)
    else this.#retryFromMemory(push, delayMs, nowMs)
  }

  #retryFromMemory(push: PendingPush, delayMs: number, nowMs: number): void {
    push.place = 'heap'
    push.dueMs = nowMs + delayMs
    this.#again.add(push)
    this.#keepTicking()
  }

  #wanted(push: PendingPush): boolean {
    if (this.#parts.patience.lifetimeLeftMs(push) > 0) return true
    this.#parts.patience.giveUp(push, 'its time to live was over before its turn')
    return false
  }
}
