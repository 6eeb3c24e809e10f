import { type KeyObject, sign, verify } from 'node:crypto'

/** What is signed (RFC 7519). */
export interface JwtContent {
  readonly header: { readonly alg: 'ES256' | 'RS256' }
  readonly claims: object
}

// As the two numbers themselves (RFC 7518 §3.4), not in DER. Keys of other kinds do not look at it.
const dsaEncoding = 'ieee-p1363'

/** The compact form (RFC 7515 §7.1). The key is of the kind that the header's `alg` names. */
export function signJwt({ header, claims }: JwtContent, key: KeyObject): string {
  const text = `${encode(header)}.${encode(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding }).toString('base64url')}`
}

/** Whether this key has signed exactly this content. */
export function isSigned(jwt: string, { header, claims }: JwtContent, publicKey: KeyObject): boolean {
  const text = `${encode(header)}.${encode(claims)}`
  if (!jwt.startsWith(`${text}.`)) return false
  const signature = Buffer.from(jwt.slice(text.length + 1), 'base64url')
  return verify('sha256', Buffer.from(text), { key: publicKey, dsaEncoding }, signature)
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
