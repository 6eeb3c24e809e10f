import { maxServedBodyBytes } from '../../core/gateway/served-request.ts'
import type { ConnectionLimits } from './connection-requests.ts'

/** Limits on the requests of strangers. */
export interface ListenerLimits extends ConnectionLimits {
  readonly maxConnections: number
  /** Of the same address; a unix socket has none. */
  readonly maxConnectionsPerAddress: number
  /** The most admitted and unanswered requests on all connections. */
  readonly maxRequests: number
  readonly maxHeaderBytes: number
  readonly maxBodyBytes: number
  /** Bodies that are being read, all together. */
  readonly maxBodiesBytes: number
  readonly handshakeMs: number
  /** From its head to its end. */
  readonly requestMs: number
  /** A connection on which nothing moves. */
  readonly idleMs: number
}

export const listenerLimits: ListenerLimits = {
  maxConnections: 1_000,
  // MongooseIM's pool of connections has 10 workers unless told otherwise, and up to 100 in its own examples.
  maxConnectionsPerAddress: 100,
  maxRequests: 20_000,
  maxStreams: 256,
  maxNewStreams: 16,
  newStreamsMs: 1_000,
  maxWaitingStreams: 4_096,
  maxHeaderBytes: 16_384,
  maxBodyBytes: maxServedBodyBytes,
  // Pushes have a few hundred bytes: thousands at once take less than a single one of the largest.
  maxBodiesBytes: 64 * 1024 * 1024,
  handshakeMs: 10_000,
  requestMs: 10_000,
  // Long: MongooseIM does not send again what it sends just when a connection is closed for idleness.
  idleMs: 300_000,
}
