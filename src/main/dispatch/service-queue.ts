import { Chain } from '../../core/chain.ts'
import type { PendingPush } from './pending-push.ts'

/** While others wait, one in so many turns is for a stored push: a crowded daemon's backlog shrinks too. */
const turnsPerStored = 10

/**
 * What waits for one service's turn, so that a service in trouble behind the gateway holds up no other. Those to
 * be tried again go first: they are older, and their deadline is nearer. Those from the outbox go last: a call must
 * not wait behind a backlog.
 */
export class ServiceQueue {
  readonly index: number
  readonly service: 'apns' | 'fcm' | 'other'
  readonly #again = new Chain<PendingPush>()
  readonly #fresh = new Chain<PendingPush>()
  readonly #stored = new Chain<PendingPush>()
  #turnsSinceStored = 0
  /** When something was last put in. Monotonic. */
  lastUsedMs = Number.NEGATIVE_INFINITY

  constructor(index: number, service: 'apns' | 'fcm' | 'other') {
    this.index = index
    this.service = service
  }

  /** Without those from the outbox. */
  get length(): number {
    return this.#again.length + this.#fresh.length
  }

  put(push: PendingPush, nowMs: number): void {
    this.lastUsedMs = nowMs
    push.place = 'queue'
    const chain = push.acknowledged ? this.#stored : push.attempts > 0 ? this.#again : this.#fresh
    chain.append(push.turn)
  }

  /** Those from the outbox. */
  get storedLength(): number {
    return this.#stored.length
  }

  /** All that wait, but those from the outbox. */
  waiting(): PendingPush[] {
    return [...this.#again.members(), ...this.#fresh.members()]
  }

  waitingStored(): PendingPush[] {
    return [...this.#stored.members()]
  }

  /** The next to go; it stays in until its `turn` leaves. */
  get first(): PendingPush | undefined {
    const stored = this.#stored.first
    if (stored !== undefined && this.#turnsSinceStored >= turnsPerStored) return stored
    return this.#again.first ?? this.#fresh.first ?? stored
  }

  /** The first has had its turn. */
  leave(push: PendingPush): void {
    this.#turnsSinceStored = push.acknowledged ? 0 : this.#turnsSinceStored + 1
    push.turn.leave()
  }
}
