import type { Outcome } from '../../core/outcome.ts'
import type { Metrics } from '../metrics/table.ts'
import type { Tally } from '../metrics/tally.ts'
import type { Outbox, StoredLimit } from '../store/ports.ts'
import type { DomainLoads } from './domain-loads.ts'
import type { Ledger } from './ledger.ts'
import type { DispatchOptions } from './options.ts'
import type { PendingPush } from './pending-push.ts'
import type { Safekeeping } from './safekeeping.ts'
import type { ServiceQueue } from './service-queue.ts'

/**
 * When nothing goes out of a queue, so many of it are looked at in one tick: 20 µs each, also where the outbox has no room
 * for any of them.
 */
const mostPerTick = 256

export interface PatienceParts {
  readonly options: DispatchOptions
  readonly loads: DomainLoads
  readonly ledger: Ledger
  readonly safekeeping: Safekeeping
  readonly outbox: Outbox
  readonly metrics: Metrics
  readonly nowMs: () => number
  readonly monotonicMs: () => number
}

/** How long a push is waited for in memory, and what becomes of it then: stored, or at an end. */
export class Patience {
  readonly #parts: PatienceParts
  readonly #outboxFull: Readonly<Record<StoredLimit, Tally>>

  constructor(parts: PatienceParts) {
    this.#parts = parts
    const { limitsHit } = parts.metrics
    this.#outboxFull = {
      max_stored: limitsHit.child('max_stored'),
      max_stored_bytes: limitsHit.child('max_stored_bytes'),
      sender_stored: limitsHit.child('sender_stored'),
    }
  }

  /** Until nobody wants another attempt: past its reply deadline nobody does, unless it is in the outbox. */
  remainingMs(push: PendingPush, nowMs: number): number {
    const lifetimeLeftMs = this.lifetimeLeftMs(push)
    return push.storedId === '' ? Math.min(push.deadlineMs - nowMs, lifetimeLeftMs) : lifetimeLeftMs
  }

  /** A lifetime of 0 is "now or never": now lasts until the reply deadline. */
  lifetimeLeftMs(push: PendingPush): number {
    const { safekeeping, nowMs } = this.#parts
    if (push.storedId !== '') return safekeeping.lifetimeLeftMs(push)
    const { timeToLiveS, createdAtMs } = push.notification
    if (timeToLiveS === undefined || timeToLiveS <= 0) return Number.POSITIVE_INFINITY
    return createdAtMs + timeToLiveS * 1000 - nowMs()
  }

  /** Whether some gateway takes what is in this queue before a reply deadline that begins now. */
  deliversInTime(queue: ServiceQueue): boolean {
    const { monotonicMs, options } = this.#parts
    const nowMs = monotonicMs()
    return queue.deliversBy(nowMs + options.replyDeadlineMs, nowMs)
  }

  /**
   * To be called each tick. What waits in a queue that nothing goes out of: into the outbox, or, where there is to be one
   * attempt, refused. Where neither can be it waits on, and is looked at again after all others of the queue.
   */
  look(queue: ServiceQueue): void {
    if (queue.length === 0 || this.deliversInTime(queue)) {
      queue.endRound()
      return
    }
    for (const push of queue.nextInRound(mostPerTick)) {
      if (push.once) this.#refuse(push)
      else this.storedAtOnce(push)
    }
  }

  /** Where waiting for the deadline would only cost memory and time: into the outbox now, if it may and can. */
  storedAtOnce(push: PendingPush): boolean {
    const isCrowd = this.#parts.loads.mayStoreAtOnce(push.lane.load, push.sender)
    if (!isCrowd && this.deliversInTime(push.queue)) return false
    return this.kept(push, 0)
  }

  /** Into the outbox, for another attempt `delayMs` from now; false: it may not or cannot, or is there. */
  kept(push: PendingPush, delayMs: number): boolean {
    const { outbox, safekeeping } = this.#parts
    if (push.sink === undefined || push.storedId !== '' || outbox.fault !== undefined) return false
    return safekeeping.isStorable(push, delayMs) && this.#keep(push, delayMs) === 'storing'
  }

  /**
   * It could not be delivered in time, and another attempt would be due `delayMs` from now. The one place where that
   * is decided.
   */
  giveUp(push: PendingPush, reason: string, delayMs = 0): void {
    const { ledger } = this.#parts
    if (push.acknowledged) {
      ledger.settle(push, undelivered('timeout', reason), this.#isExhausted(push) ? 'exhausted' : 'expired')
      return
    }
    // Settled, or being stored: that settles it.
    if (push.sink === undefined || push.storedId !== '') return

    const neverHadTurn = push.attempts === 0 && push.place === 'queue'
    const dueInMs = push.place === 'heap' ? push.dueMs - this.#parts.monotonicMs() : delayMs
    push.rest()
    if (this.lifetimeLeftMs(push) <= 0) ledger.settle(push, undelivered('timeout', reason), 'expired')
    else if (!this.#keptOrFull(push, dueInMs)) this.#endUndelivered(push, reason, neverHadTurn)
  }

  /** True: it is being stored, or was refused because the outbox is full. */
  #keptOrFull(push: PendingPush, dueInMs: number): boolean {
    if (this.#isExhausted(push) || !this.#parts.safekeeping.isStorable(push, dueInMs)) return false
    const kept = this.#keep(push, Math.max(0, dueInMs))
    if (kept !== 'storing' && kept !== 'refused') {
      this.#outboxFull[kept].add(1)
      this.#parts.ledger.settle(push, undelivered('overload', 'no room to store it'), 'overflow')
    }
    return kept !== 'refused'
  }

  #keep(push: PendingPush, delayMs: number): 'storing' | StoredLimit | 'refused' {
    const kept = this.#parts.safekeeping.keep(push, delayMs)
    if (kept === 'storing') this.#parts.ledger.storing(push)
    return kept
  }

  #endUndelivered(push: PendingPush, reason: string, neverHadTurn: boolean): void {
    const { ledger, monotonicMs } = this.#parts
    // The gateway works, and yet it never got a turn: there is too much to do.
    const isOverload = neverHadTurn && !push.queue.isLeftOut(monotonicMs())
    if (isOverload) ledger.settle(push, undelivered('overload', reason), 'overflow')
    else ledger.settle(push, undelivered('timeout', reason))
  }

  #refuse(push: PendingPush): void {
    const outcome = push.queue.routes[0]?.unavailable(this.#parts.monotonicMs())
    push.answer = outcome
    const reason = outcome !== undefined && 'reason' in outcome ? outcome.reason : ''
    this.#parts.ledger.settle(push, undelivered('timeout', reason))
  }

  #isExhausted(push: PendingPush): boolean {
    const { maxAttempts } = this.#parts.options.retry
    return maxAttempts > 0 && push.attempts >= maxAttempts
  }
}

export function undelivered(cause: 'timeout' | 'overload', reason: string): Outcome {
  return { kind: 'undelivered', cause, reason }
}

export const notStored = undelivered('timeout', 'it could not be stored for later delivery')
