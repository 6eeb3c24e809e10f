import { sign } from 'node:crypto'
import type { ApnsKey } from '../../../src/sandbox/providers/apns-provider-token.ts'
import type { ServiceAccount } from '../../../src/sandbox/providers/oauth.ts'

type Fields = Readonly<Record<string, unknown>>

/** A JSON Web Token made by hand: whatever header and claims it is to have. */
export function jsonWebToken(header: Fields, claims: Fields, key: string): string {
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

/** `issuedAtMs`: default now. */
export function apnsProviderToken(
  key: ApnsKey | undefined,
  issuedAtMs = Date.now(),
  claims: Fields = {},
): string {
  if (key === undefined) throw new Error('the sandbox has no key')
  const iat = Math.floor(issuedAtMs / 1000)
  return jsonWebToken({ alg: 'ES256', kid: key.keyId }, { iss: key.teamId, iat, ...claims }, key.key)
}

/** What the token endpoint is asked with. */
export function assertion(account: ServiceAccount, claims: Fields = {}, header: Fields = {}): string {
  const iat = Math.floor(Date.now() / 1000)
  return jsonWebToken(
    { alg: 'RS256', typ: 'JWT', ...header },
    {
      iss: account.client_email,
      scope: 'https://www.googleapis.com/auth/firebase.messaging',
      aud: account.token_uri,
      iat,
      exp: iat + 3600,
      ...claims,
    },
    account.private_key,
  )
}
