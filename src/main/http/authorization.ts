import type { Secret } from '../secret.ts'
import { HttpFault } from './fault.ts'

/** Whether a path shows or changes what is not everybody's. */
export function needsToken(path: string): boolean {
  return path.startsWith('/v1/') || path === '/v1' || path.startsWith('/admin/') || path === '/admin'
}

/**
 * Why a request's token does not open the door (RFC 6750 §2.1, §3); undefined: it does. `header`: Authorization, which
 * counts before `inQuery`.
 */
export function unauthorized(
  header: string | undefined,
  inQuery: string | undefined,
  token: Secret,
): HttpFault | undefined {
  const given = /^Bearer +([^\s]+) *$/i.exec(header ?? '')?.[1] ?? inQuery
  if (given !== undefined && token.equals(given)) return undefined
  const challenge = `Bearer realm="xmpp-pushd"${given === undefined ? '' : ', error="invalid_token"'}`
  const message = given === undefined ? 'A bearer token is needed.' : 'The bearer token is wrong.'
  return new HttpFault(401, 'unauthorized', message, { headers: { 'www-authenticate': challenge } })
}
