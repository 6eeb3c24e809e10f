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
import type { Tally } from '../metrics/tally.ts'
import type { Journal, Outbox } from '../store/ports.ts'
import { DomainLoads } from './domain-loads.ts'
import { DueHeap } from './due-heap.ts'
import { replayJournal } from './journal-replay.ts'
import { Journalling } from './journalling.ts'
import { type AttemptManner, Judge, type JudgePorts } from './judge.ts'
import { Ledger } from './ledger.ts'
import type { DispatchOptions } from './options.ts'
import { Outbound } from './outbound.ts'
import { OutboxScheduler } from './outbox-scheduler.ts'
import { notStored, Patience } from './patience.ts'
import { PendingPush } from './pending-push.ts'
import type { ProviderAnswerPorts } from './provider-answers.ts'
import type { Route } from './route.ts'
import { Safekeeping } from './safekeeping.ts'
import { type DispatchState, dispatchState } from './state.ts'
import type { WorkerSessions } from './worker-sessions.ts'

export interface DispatchPorts extends JudgePorts, ProviderAnswerPorts {
  /** Milliseconds since the epoch: for lifetimes, which begin at a notification's `createdAtMs`. */
  readonly nowMs: () => number
  readonly outbox: Outbox
  readonly journal: Journal
  /** Stops or resumes reading what comes in on a domain's streams. */
  readonly holdReading: (domain: string, held: boolean) => void
}

/** Deadlines, retries, probes and the outbox are looked at this often while there is anything to do. */
const tickMs = 50
/** Of the time for a stop, what is left for storing what was not delivered; at least, and at most. */
const storingStopShare = 0.2
const leastStoringMs = 1_000
/** On stop, for requests that nobody waits for any more. */
const closeGraceMs = 500

export class Dispatcher {
  readonly #options: DispatchOptions
  readonly #ports: DispatchPorts
  readonly #loads: DomainLoads
  readonly #outbound: Outbound
  readonly #judge: Judge
  readonly #safekeeping: Safekeeping
  readonly #patience: Patience
  readonly #scheduler: OutboxScheduler
  /** Undefined: pushes go out without being on disk. */
  readonly #journalling: Journalling | undefined
  readonly #ledger: Ledger
  readonly #again = new DueHeap()
  readonly #refused: Tally
  #tickTimer: NodeJS.Timeout | undefined
  #stopping = false
  #stopped = false
  #late = 0

  constructor(options: DispatchOptions, ports: DispatchPorts) {
    this.#options = options
    this.#ports = ports
    this.#loads = new DomainLoads(options, ports.metrics, ports.holdReading)
    this.#ledger = new Ledger(
      {
        remove: (push, letter) => this.#safekeeping.remove(push, letter),
        storing: (push) => this.#journalling?.handOver(push),
        answered: (push) => this.#journalling?.leave(push),
      },
      this.#loads,
      ports.log,
      ports.metrics,
    )
    const fates = {
      settle: (push: PendingPush, outcome: Outcome) => this.#ledger.settle(push, outcome),
      tryAgain: this.#tryAgain.bind(this),
      sendAgain: (push: PendingPush, nowMs: number) => this.#outbound.put(push, nowMs),
      giveUp: (push: PendingPush, reason: string, delayMs: number) =>
        this.#patience.giveUp(push, reason, delayMs),
      remainingMs: (push: PendingPush, nowMs: number) => this.#patience.remainingMs(push, nowMs),
    }
    this.#judge = new Judge(fates, options, ports)
    const deciding = { wanted: this.#wanted.bind(this), answered: this.#answered.bind(this) }
    this.#outbound = new Outbound(options, deciding, this.#loads, ports)
    this.#safekeeping = new Safekeeping(
      options.defaultTtlS,
      {
        kept: (push) => this.#ledger.settle(push, { kind: 'stored' }),
        notKept: (push) => this.#ledger.settle(push, notStored),
        superseded: (push, service) => this.#ledger.count(push, service, 'superseded'),
        notPostponed: (push, delayMs) => this.#retryFromMemory(push, delayMs, ports.monotonicMs()),
      },
      { ...ports, laneFor: (notification) => this.#outbound.laneFor(notification) },
    )
    this.#patience = new Patience({
      ...ports,
      options,
      loads: this.#loads,
      ledger: this.#ledger,
      safekeeping: this.#safekeeping,
    })
    this.#scheduler = new OutboxScheduler(
      {
        put: (push) => this.#outbound.put(push, ports.monotonicMs()),
        expired: (push) => this.#patience.giveUp(push, push.lastReason),
        deviceDead: (push) => this.#ledger.settle(push, { kind: 'dead_device', reason: '' }),
      },
      {
        ...ports,
        safekeeping: this.#safekeeping,
        queues: this.#outbound.queues,
        shelfFor: (notification) => this.#outbound.laneFor(notification).queue.shelf,
      },
      ports.monotonicMs(),
    )
    this.#journalling = options.journalAll
      ? new Journalling(
          ports.journal,
          {
            written: (push) => {
              if (!this.#patience.storedAtOnce(push)) this.#outbound.put(push, ports.monotonicMs())
            },
            notWritten: (push) => this.#ledger.settle(push, notStored),
          },
          ports.log,
          ports.monotonicMs,
        )
      : undefined
    const { metrics, outbox } = ports
    this.#refused = metrics.limitsHit.child('max_pending')
    metrics.pending.read(() => this.pending)
    metrics.stored.read(() => outbox.count())
    metrics.storedOldestAge.read(() => (ports.nowMs() - (outbox.oldestAtMs() ?? ports.nowMs())) / 1000)
  }

  /** Accepted and not settled. */
  get pending(): number {
    return this.#ledger.pending
  }

  /**
   * Resolves when every worker is up and what an earlier run left in its journal is in the outbox; rejects, with
   * everything ended again, when one cannot start.
   */
  async start(): Promise<void> {
    try {
      // Also when this run keeps none: an earlier one may have.
      await replayJournal({
        ...this.#ports,
        // What was accepted before it could be known that there is no room.
        adopt: (notification) => this.#safekeeping.adopt(notification, this.#options.maxPending),
        ended: ({ device }, reason) => this.#ledger.count(undefined, serviceLabel(device.service), reason),
      })
      await this.#outbound.workers.start()
    } catch (error) {
      await this.#outbound.workers.close(0)
      throw error
    }
    if (this.#ports.outbox.size > 0) this.#keepTicking()
  }

  /**
   * Takes a notification on; false, and its sink is never called, when there is no room or it is stopping. `from`: the
   * domain on which it came in, whose room it takes.
   */
  submit(notification: Notification, sink: OutcomeSink, from = notification.domain): boolean {
    const push = this.#accept(notification, sink, from)
    if (push === undefined) return false
    if (this.#patience.storedAtOnce(push)) return true
    if (this.#journalling === undefined) this.#outbound.put(push, this.#ports.monotonicMs())
    else this.#journalling.add(push)
    return true
  }

  /**
   * Takes a notification on for one attempt, and what a provider says is to be sent again: it is never stored, and
   * nothing is known, nor remembered, of its device. `settled` is called exactly once, never within this; an
   * `AttemptOutcome` is what the provider said. False: there is no room, or it is stopping.
   */
  submitOnce(notification: Notification, settled: (outcome: AttemptOutcome | Outcome) => void): boolean {
    const sink = { settle: (outcome: Outcome) => settled(push?.answer ?? outcome) }
    const push = this.#accept(notification, sink, notification.domain)
    if (push === undefined) return false
    push.once = true
    this.#outbound.put(push, this.#ports.monotonicMs())
    return true
  }

  /** From now on every worker, also one that starts later, sends this to the pool; undefined: nothing goes out there. */
  authorize(pool: number, authorization: Authorization | undefined): void {
    this.#outbound.authorize(pool, authorization)
  }

  /**
   * From now on every worker, also one that starts later, shows this to the pool. It is to be in order: a worker that
   * cannot read it dies of it.
   */
  renewTls(pool: number, tls: ProviderTls): void {
    this.#outbound.workers.renewTls(pool, tls)
  }

  /**
   * Takes a push on that had ended, for delivery as soon as may be; settled when it is in the outbox. Undefined: there
   * is no room, it is not worth it any more, or the daemon stops. Rejects with a StoreError.
   */
  revive(notification: Notification): Promise<void> | undefined {
    if (this.#stopping) return undefined
    const stored = this.#safekeeping.adopt(notification, 0)
    if (typeof stored === 'string') return undefined
    this.#ledger.accepted++
    this.#keepTicking()
    return stored
  }

  /** Whether what comes in on this domain would be taken on now. If not, it is held back until it would be. */
  hasRoom(domain: string): boolean {
    const load = this.#loads.of(domain)
    const hasRoom = this.#loads.hasRoom(load)
    if (!hasRoom) this.#loads.hold(load)
    return hasRoom
  }

  state(): DispatchState {
    const { outbox, monotonicMs } = this.#ports
    return dispatchState(this.#options, this.#ledger, this.#late, outbox, this.#outbound, monotonicMs())
  }

  /** The worker threads. */
  get threads(): WorkerSessions['threads'] {
    return this.#outbound.workers.threads
  }

  /**
   * Accepts nothing more, waits for what is pending, stores what is left (what cannot be stored is settled as
   * undelivered), all within `timeoutMs`, and ends the workers.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true
    this.#scheduler.stop()
    const storingMs = Math.max(leastStoringMs, timeoutMs * storingStopShare)
    for (const push of this.#again.takeAll()) {
      if (push.place === 'heap') this.#patience.giveUp(push, push.lastReason)
    }
    await this.#ledger.drain(Math.max(0, timeoutMs - storingMs))
    for (const push of this.#ledger.waiting())
      this.#patience.giveUp(push, push.lastReason || 'the daemon stops')
    await this.#ledger.drain(storingMs)
    for (const push of this.#ledger.beingStored()) this.#ledger.settle(push, notStored)
    clearInterval(this.#tickTimer)
    this.#stopped = true
    this.#journalling?.tick()
    await this.#outbound.workers.close(closeGraceMs)
  }

  #accept(notification: Notification, sink: OutcomeSink, from: string): PendingPush | undefined {
    const lane = this.#outbound.laneFor(notification, from)
    if (this.#stopping || !this.#loads.hasRoom(lane.load)) {
      this.#loads.hold(lane.load)
      this.#refused.add(1)
      this.#ledger.count(undefined, lane.queue.service, 'overflow')
      return undefined
    }
    const deadlineMs = this.#ports.monotonicMs() + this.#options.replyDeadlineMs
    const push = new PendingPush(notification, sink, lane, deadlineMs)
    this.#ledger.open(push)
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
    for (let push = this.#ledger.oldest; push !== undefined; push = this.#ledger.oldest) {
      if (push.deadlineMs > nowMs) break
      this.#patience.giveUp(
        push,
        push.lastReason === '' ? 'no answer before the reply deadline' : push.lastReason,
      )
    }
    for (let push = this.#again.takeDue(nowMs); push !== undefined; push = this.#again.takeDue(nowMs)) {
      if (push.place === 'heap' && !this.#patience.storedAtOnce(push)) this.#outbound.put(push, nowMs)
    }
    for (const queue of this.#outbound.queues) {
      if (queue.length === 0 || this.#patience.deliversInTime(queue)) continue
      for (const push of queue.waiting()) this.#patience.queueStands(push)
    }
    this.#scheduler.tick(nowMs)
    this.#journalling?.tick()
    // A gateway that is left out may be due for a probe, with nothing else to set it off.
    this.#outbound.pump()
    this.#loads.tick()
    if (this.pending + this.#again.length + this.#ports.outbox.size > 0) return
    if (this.#safekeeping.busy || this.#journalling?.busy === true) return
    clearInterval(this.#tickTimer)
    this.#tickTimer = undefined
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
    if (push.acknowledged) this.#scheduler.attempted(push, outcome.kind !== 'retry')
    this.#judge.judge(push, route, outcome, nowMs, manner)
  }

  #tryAgain(push: PendingPush, delayMs: number, nowMs: number): void {
    if (push.storedId !== '') this.#safekeeping.postpone(push, delayMs)
    else if (this.#stopping) this.#patience.giveUp(push, push.lastReason, delayMs)
    else this.#retryFromMemory(push, delayMs, nowMs)
  }

  #retryFromMemory(push: PendingPush, delayMs: number, nowMs: number): void {
    push.place = 'heap'
    push.dueMs = nowMs + delayMs
    this.#again.add(push)
    this.#keepTicking()
  }

  #wanted(push: PendingPush): boolean {
    if (this.#patience.lifetimeLeftMs(push) > 0) return true
    this.#patience.giveUp(push, 'its time to live was over before its turn')
    return false
  }
}
