/** Who may ask the served API for what. */
import type { RequestFault } from '../../core/gateway/served-answer.ts'
import { bearerOf } from '../http/authorization.ts'
import type { KnownHosts } from '../http/known-hosts.ts'
import type { BearerTokens } from '../secret.ts'
import type { Call } from './call.ts'

export interface AdmissionRules {
  /** Tokens of callers; undefined: none is asked for. */
  readonly tokens: BearerTokens | undefined
  /** Names that the API goes by, and whose pages may ask. */
  readonly hosts: KnownHosts
  /**
   * Whether a request must be addressed to one of `hosts`: where nothing is asked of callers because this machine alone
   * reaches the API, and a page whose name leads here (DNS rebinding) is not to be one of them.
   */
  readonly onlyByName: boolean
}

/** Why a request is not let in, whatever it holds; undefined: it is. */
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
