/**
 * Takes notifications, has the workers POST them to the gateway, and settles each exactly once.
 *
 * A push goes: accepted → its service's queue → a worker → settled; or, when the attempt failed and may succeed
 * later, → the heap of those to be tried again → the queue. At the reply deadline it is settled wherever it is;
 * an answer that still comes then is counted, and a dead device it names remembered.
 *
 * Accepted = settled + pending, always. Sinks are called from the event loop, never within `submit`.
 */
import { Chain } from '../../core/chain.ts'
import type { Notification } from '../../core/notification.ts'
import type { Outcome, OutcomeSink } from '../../core/outcome.ts'
import type { NotificationOutcome } from '../metrics/table.ts'
import type { Tally } from '../metrics/tally.ts'
import { DueHeap } from './due-heap.ts'
import { Judge, type JudgePorts } from './judge.ts'
import type { DispatchOptions } from './options.ts'
import { Outbound } from './outbound.ts'
import { OutcomeTallies } from './outcome-tallies.ts'
import { PendingPush } from './pending-push.ts'
import { type DispatchState, dispatchState } from './state.ts'
import type { WorkerSessions } from './worker-sessions.ts'

export interface DispatchPorts extends JudgePorts {
  /** Milliseconds since the epoch: for lifetimes, which begin at a notification's `createdAtMs`. */
  readonly nowMs: () => number
}

/** Deadlines, retries and probes are looked at this often while anything is pending. */
const tickMs = 50
/** On stop, for requests that nobody waits for any more. */
const closeGraceMs = 500

export class Dispatcher {
  readonly #options: DispatchOptions
  readonly #ports: DispatchPorts
  readonly #outbound: Outbound
  readonly #judge: Judge
  /** All that are not settled, oldest first: their deadlines come in this order. */
  readonly #byAge = new Chain<PendingPush>()
  readonly #again = new DueHeap()
  readonly #outcomes: OutcomeTallies
  readonly #refused: Tally
  #tickTimer: NodeJS.Timeout | undefined
  #stopping = false
  #drained: (() => void) | undefined
  #accepted = 0
  #late = 0

  constructor(options: DispatchOptions, ports: DispatchPorts) {
    this.#options = options
    this.#ports = ports
    const fates = {
      settle: (push: PendingPush, outcome: Outcome) => this.#settle(push, outcome),
      tryAgain: this.#tryAgain.bind(this),
      sendAgain: (push: PendingPush, nowMs: number) => this.#outbound.put(push, nowMs),
      giveUp: this.#giveUp.bind(this),
      remainingMs: (push: PendingPush, nowMs: number) =>
        Math.min(push.deadlineMs - nowMs, this.#lifetimeLeftMs(push)),
    }
    const judge = new Judge(fates, options.retry, options.suspectLimit, ports)
    this.#judge = judge
    this.#outbound = new Outbound(
      options,
      {
        wanted: this.#wanted.bind(this),
        answered: (push, route, outcome, nowMs) => {
          if (push.settled && !(outcome.kind === 'retry' && outcome.cause === 'worker_lost')) this.#late++
          judge.judge(push, route, outcome, nowMs)
        },
      },
      ports,
    )
    this.#outcomes = new OutcomeTallies(ports.metrics)
    this.#refused = ports.metrics.limitsHit.child('max_pending')
    ports.metrics.pending.read(() => this.pending)
  }

  /** Accepted and not settled. */
  get pending(): number {
    return this.#byAge.length
  }

  /** Resolves when every worker is up; rejects, with everything ended again, when one cannot start. */
  async start(): Promise<void> {
    try {
      await this.#outbound.workers.start()
    } catch (error) {
      await this.#outbound.workers.close(0)
      throw error
    }
  }

  /** Takes a notification on; false, and its sink is never called, when there is no room or it is stopping. */
  submit(notification: Notification, sink: OutcomeSink): boolean {
    const queue = this.#outbound.queueFor(notification.device.service)
    if (this.#stopping || this.pending >= this.#options.maxPending) {
      this.#refused.add(1)
      this.#outcomes.count(queue.service, 'overflow')
      return false
    }
    const nowMs = this.#ports.monotonicMs()
    const push = new PendingPush(notification, sink, queue, nowMs + this.#options.replyDeadlineMs)
    this.#accepted++
    this.#byAge.append(push.age)
    this.#outbound.put(push, nowMs)
    this.#tickTimer ??= setInterval(() => this.#tick(), tickMs)
    return true
  }

  state(): DispatchState {
    const { queues, gateways, workers } = this.#outbound
    return dispatchState({
      pending: this.pending,
      accepted: this.#accepted,
      late: this.#late,
      options: this.#options,
      queues,
      gateways,
      sessions: workers.sessions,
      nowMs: this.#ports.monotonicMs(),
    })
  }

  /** The worker threads. */
  get threads(): WorkerSessions['threads'] {
    return this.#outbound.workers.threads
  }

  /**
   * Accepts nothing more, waits for what is pending, `timeoutMs` at most, settles the rest as undelivered, and ends
   * the workers.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true
    if (this.pending > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#drained = resolve
      const timer = setTimeout(resolve, timeoutMs)
      await promise
      clearTimeout(timer)
      this.#drained = undefined
    }
    for (let push = this.#byAge.first; push !== undefined; push = this.#byAge.first) {
      this.#giveUp(push, 'the daemon stops')
    }
    clearInterval(this.#tickTimer)
    await this.#outbound.workers.close(closeGraceMs)
  }

  #tryAgain(push: PendingPush, delayMs: number, nowMs: number): void {
    push.dueMs = nowMs + delayMs
    this.#again.add(push)
  }

  #tick(): void {
    const nowMs = this.#ports.monotonicMs()
    for (let push = this.#byAge.first; push !== undefined; push = this.#byAge.first) {
      if (push.deadlineMs > nowMs) break
      this.#giveUp(push, push.lastReason === '' ? 'no answer before the reply deadline' : push.lastReason)
    }
    for (let push = this.#again.takeDue(nowMs); push !== undefined; push = this.#again.takeDue(nowMs)) {
      if (!push.settled) this.#outbound.put(push, nowMs)
    }
    // A gateway that is left out may be due for a probe, with nothing else to set it off.
    this.#outbound.pump()
    if (this.pending === 0 && this.#again.length === 0) {
      clearInterval(this.#tickTimer)
      this.#tickTimer = undefined
    }
  }

  #wanted(push: PendingPush): boolean {
    if (this.#lifetimeLeftMs(push) > 0) return true
    this.#giveUp(push, 'its time to live was over before its turn')
    return false
  }

  /** A lifetime of 0 is "now or never": now lasts until the reply deadline. */
  #lifetimeLeftMs(push: PendingPush): number {
    const { timeToLiveS, createdAtMs } = push.notification
    if (timeToLiveS === undefined || timeToLiveS <= 0) return Number.POSITIVE_INFINITY
    return createdAtMs + timeToLiveS * 1000 - this.#ports.nowMs()
  }

  /** It could not be delivered in time. The one place where that is decided. */
  #giveUp(push: PendingPush, reason: string): void {
    const inQueue = push.turn.chain !== undefined
    push.turn.leave()
    if (this.#lifetimeLeftMs(push) <= 0) {
      this.#settle(push, { kind: 'undelivered', cause: 'timeout', reason }, 'expired')
    } else if (push.attempts === 0 && inQueue && !this.#outbound.gateways.allLeftOut(push.queue)) {
      // The gateway works, and yet it never got a turn: there is too much to do.
      this.#settle(push, { kind: 'undelivered', cause: 'overload', reason }, 'overflow')
    } else {
      this.#settle(push, { kind: 'undelivered', cause: 'timeout', reason }, 'undelivered')
    }
  }

  #settle(push: PendingPush, outcome: Outcome, counted?: NotificationOutcome): void {
    const { sink } = push
    if (sink === undefined) return
    push.sink = undefined
    push.age.leave()
    if (outcome.kind !== 'stored') this.#outcomes.count(push.queue.service, counted ?? outcome.kind)
    try {
      sink.settle(outcome)
    } catch (error) {
      this.#ports.log.error({ err: error }, 'the receiver of an outcome failed')
    }
    if (this.pending === 0) this.#drained?.()
  }
}
