import { performance } from 'node:perf_hooks'
import type { SecureContext } from 'node:tls'
import type { ProviderRequest } from '../../core/gateway/ports.ts'
import type { Authorization, ProviderTarget, ProviderTls } from '../../core/gateway/provider-target.ts'
import { Call, type ProviderAnswerTaker } from './call.ts'
import { ProviderSession, type SessionOwner } from './provider-session.ts'
import { secureContextFor } from './secure-context.ts'

/** Between connections that came to nothing: the first is replaced at once, the next ones ever later. */
const reopenBaseMs = 50
const reopenCapMs = 1000

/** A request that was not processed so often ends as such: whoever sent it decides how long to wait. */
const maxReturns = 3

/**
 * The connections of one worker to one provider, and the few requests that wait for a place on them (what the main
 * thread hands to a worker is bounded). Each request ends once, at the taker.
 *
 * A connection is opened when a request finds no room on those that are there, up to the limit; after several that
 * brought no answer, not at once. When one cannot be opened, and no other is left, what waits ends as a `connect_error`:
 * the circuit and the retries are the main thread's.
 */
export class SessionPool implements SessionOwner {
  readonly #target: ProviderTarget
  readonly #taker: ProviderAnswerTaker
  #secureContext: SecureContext
  readonly #sessions = new Set<ProviderSession>()
  readonly #waiting: Call[] = []
  #authorization: Authorization | undefined
  /** Whom the connections that are there speak for. */
  #owner = ''
  #openedAtMs = 0
  /** Connections in a row that ended without one answer. */
  #fruitless = 0
  #closing = false

  /** @throws Error when the certificate or key of `target.tls` cannot be read */
  constructor(target: ProviderTarget, taker: ProviderAnswerTaker) {
    this.#target = target
    this.#taker = taker
    this.#secureContext = secureContextFor(target.tls)
  }

  get openConnections(): number {
    let open = 0
    for (const session of this.#sessions) if (session.isOpen) open++
    return open
  }

  /** Requests that the open connections take at a time. */
  get streams(): number {
    let streams = 0
    for (const session of this.#sessions) streams += session.streams
    return streams
  }

  post(id: number, request: ProviderRequest): void {
    this.#waiting.push(new Call(id, request, this.#taker))
    // Where others wait, there is no room.
    if (this.#waiting.length === 1) this.#pump()
  }

  /** From now on requests bear this; with undefined, as at first, they wait. Those under way keep what they have. */
  authorize(authorization: Authorization | undefined): void {
    // Nothing goes out while connections are left behind.
    this.#authorization = undefined
    if (authorization === undefined) return
    if (authorization.owner !== this.#owner) this.#retireAll('another owner')
    this.#owner = authorization.owner
    this.#authorization = authorization
    this.#pump()
  }

  /**
   * New connections show this, and no further request goes over the old ones.
   *
   * @throws Error when it cannot be read; nothing is changed then
   */
  renewTls(tls: ProviderTls): void {
    this.#secureContext = secureContextFor(tls)
    this.#retireAll('another certificate')
    this.#pump()
  }

  /** Ends what has taken too long. To be called many times within any of the target's timeouts. */
  sweep(nowMs: number): void {
    for (const session of this.#sessions) session.sweep(nowMs)
    const before = nowMs - this.#target.requestTimeoutMs
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.sinceMs > before) break
      this.#waiting.shift()
      const lacking = this.#mayAsk ? 'no place on a connection' : 'no authorization'
      first.fail('not_processed', `${lacking} within the request timeout`)
    }
    this.#pump()
  }

  /** Ends every connection, gracefully where no request is on it; settled when their sockets are closed. */
  async close(): Promise<void> {
    this.#closing = true
    for (const call of this.#waiting.splice(0)) call.fail('not_processed', 'the pool was closed')
    await Promise.all([...this.#sessions].map((session) => session.close()))
  }

  changed(): void {
    this.#pump()
  }

  returned(call: Call): void {
    if (call.returns > maxReturns || this.#closing) {
      call.fail('not_processed', call.detail || 'not processed on any connection')
      return
    }
    this.#waiting.unshift(call)
    this.#pump()
  }

  closed(session: ProviderSession, opened: boolean, reason: string): void {
    this.#sessions.delete(session)
    this.#fruitless = session.isFruitful ? 0 : this.#fruitless + 1
    if (!opened && ![...this.#sessions].some(({ counts }) => counts)) {
      for (const call of this.#waiting.splice(0)) call.fail('connect_error', reason)
    }
    this.#pump()
  }

  get #mayAsk(): boolean {
    return this.#authorization !== undefined || !this.#target.authorized
  }

  #pump(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const session = this.#placeFor(first)
      if (session === undefined) return
      this.#waiting.shift()
      session.take(first, this.#authorization?.header)
    }
  }

  /** The connection with the most room, if possible not the one that the request came back from; else opens one. */
  #placeFor(call: Call): ProviderSession | undefined {
    if (this.#closing || !this.#mayAsk) return undefined
    let best: ProviderSession | undefined
    let last: ProviderSession | undefined
    for (const session of this.#sessions) {
      if (session.room <= (best?.room ?? 0)) continue
      if (session === call.returnedBy) last = session
      else best = session
    }
    if (best !== undefined || this.#open()) return best
    return last
  }

  /** False: none is being opened, since that may not be, or not yet. */
  #open(): boolean {
    let [connecting, counting] = [0, 0]
    for (const session of this.#sessions) {
      if (session.isConnecting) connecting++
      if (session.counts) counting++
    }
    // Each will have a place for one at least.
    if (connecting >= this.#waiting.length) return true
    if (counting >= this.#target.connections) return connecting > 0
    const nowMs = performance.now()
    const delayMs = this.#fruitless < 2 ? 0 : Math.min(reopenCapMs, reopenBaseMs * 2 ** (this.#fruitless - 2))
    if (nowMs - this.#openedAtMs < delayMs) return false
    this.#openedAtMs = nowMs
    this.#sessions.add(new ProviderSession(this.#target, this.#secureContext, this))
    return true
  }

  #retireAll(reason: string): void {
    for (const session of this.#sessions) session.retire(reason)
  }
}
