import type { Secret } from '../secret.ts'
import { HttpFault } from './fault.ts'

/** Whether a path shows or changes what is not everybody's. */
export function needsToken(path: string): boolean {
  return path.startsWith('/v1/') || path === '/v1' || path.startsWith('/admin/') || path === '/admin'
}

const openPaths: ReadonlySet<string> = new Set(['/metrics', '/healthz', '/readyz'])

/** Whether the path is open to everyone, under every host name: it shows the daemon's state, and no data of users. */
export function isOpenToAll(path: string): boolean {
  return openPaths.has(path)
}

/** The token in an Authorization header (RFC 6750 §2.1); undefined: there is none. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([^\s]+) *$/i.exec(header ?? '')?.[1]
}

/**
 * Why a request's token does not open the door (RFC 6750 §2.1, §3); undefined: it does. `header`: Authorization, which
 * counts before `inQuery`. `token`: undefined, there is none, and all requests are refused.
 */
export function unauthorized(
  header: string | undefined,
  inQuery: string | undefined,
  token: Secret | undefined,
): HttpFault | undefined {
  const given = bearerOf(header) ?? inQuery
  if (given !== undefined && token?.equals(given) === true) return undefined
  const challenge = `Bearer realm="xmpp-pushd"${given === undefined ? '' : ', error="invalid_token"'}`
  const fault = given === undefined ? 'A bearer token is needed' : 'The bearer token is wrong'
  const message = `${fault} (Authorization: Bearer TOKEN): it is in the file that http.token_file names, else in data_dir/http.token.`
  return new HttpFault(401, 'unauthorized', message, { headers: { 'www-authenticate': challenge } })
}
