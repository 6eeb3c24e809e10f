import { X509Certificate } from 'node:crypto'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure, createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Address } from '../address.ts'

/**
 * A socket that connects. With a secure context it is direct TLS, and ready at `secureConnect`, not `connect`;
 * `verify`: whether a certificate that is not the server's, or of no known authority, ends it.
 */
export function openSocket(
  address: Address,
  secureContext: SecureContext | undefined,
  verify: boolean,
): Socket {
  const target = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port }
  if (secureContext === undefined) return connectPlain(target)
  // SNI cannot carry an IP address (RFC 6066 §3).
  const named = address.kind === 'tcp' && isIP(address.host) === 0 ? { servername: address.host } : {}
  return connectSecure({ ...target, ...named, secureContext, rejectUnauthorized: verify })
}

/**
 * How many of the bytes that were given to the operating system it has not taken: 0 unless the peer is slow to read. Undefined:
 * that cannot be known, of a socket with TLS or one that is closed.
 */
export function queuedBytesOf(socket: Socket): number | undefined {
  if (socket instanceof TLSSocket || socket.destroyed) return undefined
  // Node.js tells it nowhere else; `bytesWritten` counts what is given.
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly writeQueueSize?: number } }
  return handle?.writeQueueSize
}

/** `ca`: PEM text that replaces the built-in authorities. @throws {Error} when it holds no certificate. */
export function secureContextOf(ca: string | undefined): SecureContext {
  // Node.js takes anything for an authority, and then finds every certificate unknown.
  if (ca !== undefined) new X509Certificate(ca)
  return createSecureContext({ ca })
}
