import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectSecure, type SecureContext } from 'node:tls'
import type { ServerAddress } from './server-address.ts'

/**
 * A socket that connects. With a secure context it is direct TLS, and ready at `secureConnect`, not `connect`;
 * `verify`: whether a certificate that is not the server's, or of no known authority, ends it.
 */
export function openSocket(
  address: ServerAddress,
  secureContext: SecureContext | undefined,
  verify: boolean,
): Socket {
  const { serverName, ...target } = address
  if (secureContext === undefined) return connectPlain(target)
  const named = serverName === undefined ? {} : { servername: serverName }
  return connectSecure({ ...target, ...named, secureContext, rejectUnauthorized: verify })
}
