import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { buildConnector, type Client } from 'undici'
import type { GatewayTarget } from '../core/worker-protocol.ts'
import { type AnswerTaker, Connection, type ConnectionOwner, type PostRequest } from './connection.ts'

/**
 * The keep-alive connections to one origin, never more than its share, and the few requests that wait for one.
 *
 * Each connection is an undici Client of its own rather than a place in an undici Pool: the pool's queue costs an
 * async resource per waiting request and a walk over all clients per dispatch, and cannot take back a request
 * whose time is up. The connection used last is used next, so that those not needed fall idle and close.
 */
export class OriginPool implements ConnectionOwner {
  readonly #limit: number
  readonly #taker: AnswerTaker
  readonly #requestTimeoutMs: number
  readonly #clientOptions: Client.Options
  readonly #origin: string
  readonly #connections: Connection[] = []
  readonly #idle: Connection[] = []
  readonly #waiting: PostRequest[] = []
  #open = 0

  constructor(origin: string, limit: number, target: GatewayTarget, taker: AnswerTaker) {
    this.#origin = origin
    this.#limit = Math.max(1, limit)
    this.#taker = taker
    this.#requestTimeoutMs = target.requestTimeoutMs
    this.#clientOptions = {
      connect: buildConnector({
        allowH2: false,
        timeout: target.connectTimeoutMs,
        rejectUnauthorized: target.verifyTls,
        ...(target.ca === undefined ? {} : { secureContext: trusting(target.ca) }),
      }),
      allowH2: false,
      // With 1 it would wait for the next turn before each request on a connection. More than one at a time it sends of
      // requests that may be repeated alone, which a POST is not.
      pipelining: 2,
      // Cowboy, and so MongoosePush, drops a connection without a request after 5 s.
      keepAliveTimeout: 4_000,
      // One sweep of our own takes care of both.
      headersTimeout: 0,
      bodyTimeout: 0,
    }
  }

  get openConnections(): number {
    return this.#open
  }

  post(request: PostRequest): void {
    const connection = this.#idle.pop() ?? this.#another()
    if (connection === undefined) this.#waiting.push(request)
    else connection.post(request)
  }

  /** A connection is done with its request: the next that waits. */
  next(): PostRequest | undefined {
    return this.#waiting.shift()
  }

  /** A connection has nothing to do. */
  rest(connection: Connection): void {
    this.#idle.push(connection)
  }

  /** Hands what waits to connections that are free again after a failure. */
  resume(): void {
    while (this.#waiting.length > 0) {
      const connection = this.#idle.pop() ?? this.#another()
      if (connection === undefined) return
      const request = this.#waiting.shift()
      if (request === undefined) return
      connection.post(request)
    }
  }

  /** Ends the requests that have run for longer than the request timeout. */
  sweep(nowMs: number): void {
    for (let i = this.#connections.length - 1; i >= 0; i--) {
      const connection = this.#connections[i]
      if (connection === undefined || !connection.overdue(nowMs - this.#requestTimeoutMs)) continue
      // One that still waits to be connected cannot be told to stop: another takes its place.
      if (!connection.giveUp()) this.#connections.splice(i, 1)
    }
  }

  async destroy(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.destroy()))
  }

  opened(): void {
    this.#open++
  }

  closed(): void {
    this.#open--
  }

  #another(): Connection | undefined {
    if (this.#connections.length >= this.#limit) return undefined
    const connection = new Connection(this.#origin, this.#clientOptions, this, this.#taker)
    this.#connections.push(connection)
    return connection
  }
}

/** Made once: reading a hundred system authorities takes longer than a handshake. */
function trusting(ca: string): SecureContext {
  return createSecureContext({ ca: [...getCACertificates('default'), ca] })
}
