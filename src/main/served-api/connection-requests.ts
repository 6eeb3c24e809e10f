/**
 * How many requests one connection may have under way: few until it has sent a whole one, so that a stranger who only
 * begins requests holds few. An honest client may send many at once on a new connection, before it can know of a limit:
 * requests past the few wait briefly for the first whole one.
 *
 * A connection is new (few requests are let in, more wait), then known (it has sent a whole request), or strict (requests
 * that waited were refused; further ones past the few are refused at once, until it is known).
 */
import type { Call } from './call.ts'

export interface ConnectionLimits {
  /** Requests at a time on a connection. */
  readonly maxStreams: number
  /** Until it has sent a whole one. */
  readonly maxNewStreams: number
  /** How long those over that may wait, and how many of them on all connections together. */
  readonly newStreamsMs: number
  readonly maxWaitingStreams: number
}

export interface ConnectionPorts {
  readonly monotonicMs: () => number
  /** Reads it; `whole` is to be called when all of it is in. */
  readonly letIn: (call: Call, whole: () => void) => void
  readonly refuse: (call: Call) => void
}

export class ConnectionRequests {
  readonly #gate: RequestGate
  #state: 'new' | 'strict' | 'known' = 'new'
  #open = 0
  /** In the order in which they came. */
  readonly #waiting = new Set<Call>()
  #waitingSinceMs = 0

  constructor(gate: RequestGate) {
    this.#gate = gate
  }

  /** Its head is in. */
  came(call: Call): void {
    const { limits, ports } = this.#gate
    const most = this.#state === 'known' ? limits.maxStreams : limits.maxNewStreams
    if (this.#open < most) this.#letIn(call)
    else if (this.#state === 'new' && this.#gate.hasRoom()) this.#keepWaiting(call)
    else ports.refuse(call)
  }

  /** Refuses those that have waited too long. */
  sweep(nowMs: number): void {
    if (nowMs - this.#waitingSinceMs < this.#gate.limits.newStreamsMs) return
    this.#state = 'strict'
    for (const call of [...this.#waiting]) {
      this.#leave(call)
      this.#gate.ports.refuse(call)
    }
  }

  #letIn(call: Call): void {
    this.#open++
    call.onClosed(() => this.#open--)
    this.#gate.ports.letIn(call, () => this.#sentWhole())
  }

  #keepWaiting(call: Call): void {
    if (this.#waiting.size === 0) {
      this.#waitingSinceMs = this.#gate.ports.monotonicMs()
      this.#gate.withWaiting.add(this)
    }
    this.#waiting.add(call)
    this.#gate.waiting++
    call.onClosed(() => this.#leave(call))
  }

  #leave(call: Call): void {
    if (!this.#waiting.delete(call)) return
    this.#gate.waiting--
    if (this.#waiting.size === 0) this.#gate.withWaiting.delete(this)
  }

  #sentWhole(): void {
    if (this.#state === 'known') return
    this.#state = 'known'
    for (const call of [...this.#waiting]) {
      this.#leave(call)
      this.came(call)
    }
  }
}

/** What all connections share. */
export class RequestGate {
  readonly limits: ConnectionLimits
  readonly ports: ConnectionPorts
  /** Connections of which requests wait. */
  readonly withWaiting = new Set<ConnectionRequests>()
  /** Requests that wait, on all of them. */
  waiting = 0

  constructor(limits: ConnectionLimits, ports: ConnectionPorts) {
    this.limits = limits
    this.ports = ports
  }

  hasRoom(): boolean {
    return this.waiting < this.limits.maxWaitingStreams
  }

  /** To be called again and again. `nowMs`: monotonic. */
  sweep(nowMs: number): void {
    for (const connection of [...this.withWaiting]) connection.sweep(nowMs)
  }
}
