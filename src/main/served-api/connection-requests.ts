/**
 * Limits the requests under way on one connection. The limit is low until the connection has sent a whole request, so that
 * a stranger who only begins requests holds few of them. An honest client may send many requests at once on a new
 * connection, before it can know the limit: requests over the low limit wait briefly for the first whole one.
 *
 * A connection is new (a few requests are admitted, more wait), then known (it has sent a whole request), or strict (waiting
 * requests were refused; further ones over the low limit are refused at once, until the connection is known).
 */
import type { Call } from './call.ts'

export interface ConnectionLimits {
  /** The most requests at a time on a connection. */
  readonly maxStreams: number
  /** The limit until the connection has sent a whole request. */
  readonly maxNewStreams: number
  /** How long requests over that limit may wait, and how many of them on all connections together. */
  readonly newStreamsMs: number
  readonly maxWaitingStreams: number
}

export interface ConnectionPorts {
  readonly monotonicMs: () => number
  /** Reads the request; it must call `whole` when it has received all of it. */
  readonly letIn: (call: Call, whole: () => void) => void
  readonly refuse: (call: Call) => void
}

export class ConnectionRequests {
  readonly #gate: RequestGate
  #state: 'new' | 'strict' | 'known' = 'new'
  #open = 0
  /** In order of arrival. */
  readonly #waiting = new Set<Call>()
  #waitingSinceMs = 0

  constructor(gate: RequestGate) {
    this.#gate = gate
  }

  /** The head of the request is received. */
  came(call: Call): void {
    const { limits, ports } = this.#gate
    const most = this.#state === 'known' ? limits.maxStreams : limits.maxNewStreams
    if (this.#open < most) this.#letIn(call)
    else if (this.#state === 'new' && this.#gate.hasRoom()) this.#keepWaiting(call)
    else ports.refuse(call)
  }

  /** Refuses requests that have waited too long. */
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

/** The state that all connections share. */
export class RequestGate {
  readonly limits: ConnectionLimits
  readonly ports: ConnectionPorts
  /** Connections with waiting requests. */
  readonly withWaiting = new Set<ConnectionRequests>()
  /** Waiting requests on all connections. */
  waiting = 0

  constructor(limits: ConnectionLimits, ports: ConnectionPorts) {
    this.limits = limits
    this.ports = ports
  }

  hasRoom(): boolean {
    return this.waiting < this.limits.maxWaitingStreams
  }

  /** Must be called regularly. `nowMs`: monotonic. */
  sweep(nowMs: number): void {
    for (const connection of [...this.withWaiting]) connection.sweep(nowMs)
  }
}
