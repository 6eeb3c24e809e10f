import type { Logger } from 'pino'
import { Chain } from '../../core/chain.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { Metrics, NotificationOutcome } from '../metrics/table.ts'
import type { LetterText } from '../store/ports.ts'
import type { DomainLoads } from './domain-loads.ts'
import { OutcomeTallies } from './outcome-tallies.ts'
import type { PendingPush } from './pending-push.ts'

/** Who else has to know of an end. */
export interface LedgerEvents {
  /** Its record in the outbox is to go; with a letter, when it had been acknowledged and was not delivered. */
  remove(push: PendingPush, letter: LetterText | undefined): void
  /** It has been given to the outbox in this turn of the event loop. */
  storing(push: PendingPush): void
  /** Nobody waits for it in memory any more. */
  answered(push: PendingPush): void
}

/**
 * Who is owed an outcome, and what each push ended as: accepted = ended + stored + pending. Each sink is called once,
 * each end counted once.
 */
export class Ledger {
  accepted = 0
  readonly #events: LedgerEvents
  readonly #loads: DomainLoads
  readonly #log: Logger
  readonly #outcomes: OutcomeTallies
  /** All that are not settled nor being stored, oldest first: their deadlines come in this order. */
  readonly #byAge = new Chain<PendingPush>()
  /** Their sinks hear of them when they are on disk. */
  readonly #beingStored = new Chain<PendingPush>()
  #drained: (() => void) | undefined

  constructor(events: LedgerEvents, loads: DomainLoads, log: Logger, metrics: Metrics) {
    this.#events = events
    this.#loads = loads
    this.#log = log
    this.#outcomes = new OutcomeTallies(metrics)
  }

  /** Accepted and not settled. */
  get pending(): number {
    return this.#byAge.length + this.#beingStored.length
  }

  /** The one whose deadline comes first, of those that are not being stored. */
  get oldest(): PendingPush | undefined {
    return this.#byAge.first
  }

  /** Those that are not being stored. */
  waiting(): PendingPush[] {
    return [...this.#byAge.members()]
  }

  beingStored(): PendingPush[] {
    return [...this.#beingStored.members()]
  }

  open(push: PendingPush): void {
    this.accepted++
    this.#byAge.append(push.age)
    this.#loads.accepted(push.lane.load, push.sender, push.bytes)
  }

  /** It has no deadline any more: it is settled when the disk has it, or refuses it. */
  storing(push: PendingPush): void {
    push.age.leave()
    this.#beingStored.append(push.age)
    this.#loads.storing(push.lane.load)
    this.#events.storing(push)
  }

  /**
   * Gives the sink its outcome. `stored` ends nothing but the waiting; all else ends the push, and its record.
   * `counted`: its end in the metrics, when that is not the outcome's kind.
   */
  settle(push: PendingPush, outcome: Outcome, counted?: NotificationOutcome): void {
    const { sink } = push
    if (push.settled || (outcome.kind === 'stored' && sink === undefined)) return
    if (outcome.kind !== 'stored') this.#end(push, counted ?? outcome.kind, outcome)
    push.sink = undefined
    const { chain } = push.age
    if (chain !== undefined) {
      push.age.leave()
      this.#loads.settled(push.lane.load, push.sender, push.bytes, chain === this.#beingStored)
    }
    this.#events.answered(push)
    try {
      sink?.settle(outcome)
    } catch (error) {
      this.#log.error({ err: error }, 'the receiver of an outcome failed')
    }
    if (this.pending === 0) this.#drained?.()
  }

  /** `push`: undefined when it is not in memory. */
  count(push: PendingPush | undefined, service: string, ended: NotificationOutcome): void {
    if (push !== undefined) {
      if (push.counted) return
      push.counted = true
    }
    this.#outcomes.count(service, ended)
  }

  /** Resolves when nothing is pending, or the time is over. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.pending === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#drained = resolve
    const timer = setTimeout(resolve, timeoutMs)
    await promise
    clearTimeout(timer)
    this.#drained = undefined
  }

  #end(push: PendingPush, ended: NotificationOutcome, outcome: Outcome): void {
    if (push.storedId !== '') {
      const detail = 'reason' in outcome ? outcome.reason : ''
      const isLetter = push.acknowledged && ended !== 'delivered'
      this.#events.remove(push, isLetter ? { reason: ended, detail } : undefined)
    }
    this.count(push, push.queue.service, ended)
    push.rest()
  }
}
