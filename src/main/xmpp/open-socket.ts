import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure, type SecureContext } from 'node:tls'
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
