/** The access token by which FCM knows a project's account (OAuth 2.0, RFC 7523): asked for, and when it is renewed. */
import type { ProviderAnswer } from '../gateway/ports.ts'
import { isWord, parseObject } from '../gateway/provider-body.ts'
import type { ServiceAccount } from './service-account.ts'

const scope = 'https://www.googleapis.com/auth/firebase.messaging'
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** Google gives no token for a longer time. */
const assertionLifetimeS = 3600

/** Header and claims of the JWT (RS256) that asks for a token, to be signed with the account's key. */
export function fcmJwt({ clientEmail, privateKeyId, tokenUri }: ServiceAccount, issuedAtS: number) {
  return {
    header: { alg: 'RS256', typ: 'JWT', ...(privateKeyId === undefined ? {} : { kid: privateKeyId }) },
    claims: {
      iss: clientEmail,
      scope,
      aud: tokenUri,
      iat: issuedAtS,
      exp: issuedAtS + assertionLifetimeS,
    },
  } as const
}

/** The body of the POST to the account's `tokenUri`, as `application/x-www-form-urlencoded`. */
export function accessTokenRequest(signedJwt: string): string {
  return `grant_type=${encodeURIComponent(grantType)}&assertion=${encodeURIComponent(signedJwt)}`
}

export type AccessTokenAnswer =
  | { readonly kind: 'token'; readonly token: string; readonly lifetimeS: number }
  /** `again`: it may be given later; else the account, its key or the clock is wrong. */
  | {
      readonly kind: 'refused'
      readonly reason: string
      readonly again: boolean
      readonly retryAfterMs: number | undefined
    }

/** What may stand in a header after `Bearer` (RFC 6750 §2.1). */
const bearer = /^[A-Za-z0-9\-._~+/]+=*$/

export function readAccessToken({ status, retryAfterMs, body }: ProviderAnswer): AccessTokenAnswer {
  const { access_token, expires_in, error } = parseObject(body) ?? {}
  if (status === 200 && typeof access_token === 'string' && bearer.test(access_token)) {
    const lifetimeS = typeof expires_in === 'number' && expires_in > 0 ? expires_in : assertionLifetimeS
    return { kind: 'token', token: access_token, lifetimeS }
  }
  return {
    kind: 'refused',
    reason: isWord(error) ? error : `HTTP ${status}`,
    again: status < 400 || status === 408 || status === 429 || status >= 500,
    retryAfterMs,
  }
}

/** Google's clock and ours, and the time that a new one takes. */
const longestLeadS = 600

/** How long after it was given a token is renewed: up to ten minutes ahead of its end, and not all at once. */
export function renewalDelayMs(lifetimeS: number, random: number): number {
  const leadS = Math.min(longestLeadS, lifetimeS / 2)
  return Math.floor((lifetimeS - leadS * (0.5 + 0.5 * random)) * 1000)
}
