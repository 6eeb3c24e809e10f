import { Chain } from '../../core/chain.ts'
import type { Http2Call } from './call.ts'

export const sweepIntervalMs = 1_000

/**
 * Deadlines for receiving HTTP/2 requests, and for clients to read the answers. Coming in → late: the request is received, and
 * its push takes long, or the client does not read the answer. No Sets: see `Chain`.
 */
export class RequestDeadlines {
  readonly #requestMs: number
  readonly #limitHit: (limit: 'served_request_time' | 'served_answer_time') => void
  readonly #coming = new Chain<Http2Call>()
  readonly #late = new Chain<Http2Call>()

  /** `requestMs`: the time limit of each of the two. */
  constructor(requestMs: number, limitHit: (limit: 'served_request_time' | 'served_answer_time') => void) {
    this.#requestMs = requestMs
    this.#limitHit = limitHit
  }

  /** The head of the request is received. */
  came(call: Http2Call): void {
    this.#coming.append(call.link)
    call.onClosed(() => call.link.leave())
  }

  /** Must be called every `sweepIntervalMs`. `nowMs`: of the clock of `beganMs`. */
  sweep(nowMs: number): void {
    for (let call = this.#coming.first; call !== undefined; call = this.#coming.first) {
      if (call.beganMs > nowMs - this.#requestMs) break
      call.link.leave()
      if (call.isRead || call.isAnswered) this.#late.append(call.link)
      else {
        this.#limitHit('served_request_time')
        call.timeOut()
      }
    }
    for (const call of this.#late.members()) {
      if (!call.isAnswered || ++call.sweepsSinceAnswer * sweepIntervalMs <= this.#requestMs) continue
      this.#limitHit('served_answer_time')
      call.cut()
    }
  }
}
