/** Who may send which requests to the served API. */
import type { RequestFault } from '../../core/gateway/served-answer.ts'
import { bearerOf } from '../http/authorization.ts'
import type { KnownHosts } from '../http/known-hosts.ts'
import type { BearerTokens } from '../secret.ts'
import type { Call } from './call.ts'

export interface AdmissionRules {
  /** Tokens of callers; undefined: no token is required. */
  readonly tokens: BearerTokens | undefined
  /** Host names of the API, whose pages may send requests. */
  readonly hosts: KnownHosts
  /**
   * Whether the `Host` of a request must be one of `hosts`. This is so where callers need no token or certificate, because
   * only this machine reaches the API: it keeps out pages whose name resolves to this machine (DNS rebinding).
   */
  readonly onlyByName: boolean
}

/** Why a request is refused by its head; undefined: it is admitted. */
export function refusalOf(
  { authority, authorization, origin }: Pick<Call, 'authority' | 'authorization' | 'origin'>,
  { tokens, hosts, onlyByName }: AdmissionRules,
): Extract<RequestFault, 'misdirected_request' | 'foreign_origin' | 'unauthorized'> | undefined {
  if (onlyByName && !hosts.has(authority)) return 'misdirected_request'
  if (origin !== undefined && !hosts.isOwnOrigin(origin, authority)) return 'foreign_origin'
  if (tokens === undefined) return undefined
  const token = bearerOf(authorization)
  return token !== undefined && tokens.has(token) ? undefined : 'unauthorized'
}
