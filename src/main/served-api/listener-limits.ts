import { maxServedBodyBytes } from '../../core/gateway/served-request.ts'

/** What strangers may ask of the listener. */
export interface ListenerLimits {
  readonly maxConnections: number
  /** Requests at a time on one HTTP/2 connection: it is told so, and the rest is refused. */
  readonly maxStreams: number
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
  // Far beyond what clients with connection pools open, within the file descriptors that the unit allows.
  maxConnections: 10_000,
  maxStreams: 1_000,
  maxHeaderBytes: 16_384,
  maxBodyBytes: maxServedBodyBytes,
  // Pushes have a few hundred bytes: thousands at once take less than a single one of the largest.
  maxBodiesBytes: 64 * 1024 * 1024,
  handshakeMs: 10_000,
  requestMs: 30_000,
  // Long: MongooseIM does not send again what it sends just when a connection is closed for idleness.
  idleMs: 300_000,
}
