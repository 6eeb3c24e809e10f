import { Chain } from '../../core/chain.ts'
import type { PendingPush } from './pending-push.ts'

/**
 * What waits for one service's turn, so that a service in trouble behind the gateway holds up no other. Those to
 * be tried again go first: they are older, and their deadline is nearer.
 */
export class ServiceQueue {
  readonly index: number
  readonly service: 'apns' | 'fcm' | 'other'
  readonly #again = new Chain<PendingPush>()
  readonly #fresh = new Chain<PendingPush>()
  /** When something was last put in. Monotonic. */
  lastUsedMs = Number.NEGATIVE_INFINITY

  constructor(index: number, service: 'apns' | 'fcm' | 'other') {
    this.index = index
    this.service = service
  }

  get length(): number {
    return this.#again.length + this.#fresh.length
  }

  put(push: PendingPush, nowMs: number): void {
    this.lastUsedMs = nowMs
    const chain = push.attempts > 0 ? this.#again : this.#fresh
    chain.append(push.turn)
  }

  /** The next to go; it stays in until its `turn` leaves. */
  get first(): PendingPush | undefined {
    return this.#again.first ?? this.#fresh.first
  }
}
