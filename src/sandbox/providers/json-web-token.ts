/** Compact JSON Web Tokens (RFC 7519, RFC 7515 §7.1): reading and checking those that come. */
import { type KeyObject, verify } from 'node:crypto'

export interface JsonWebToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** What is signed, and by what. */
  readonly signed: string
  readonly signature: Buffer
}

/** Undefined when it is no token at all. */
export function readToken(text: string): JsonWebToken | undefined {
  const parts = text.split('.')
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) return undefined
  const [head = '', body = '', signature = ''] = parts
  const header = readPart(head)
  const claims = readPart(body)
  if (header === undefined || claims === undefined) return undefined
  return { header, claims, signed: `${head}.${body}`, signature: Buffer.from(signature, 'base64url') }
}

/** `alg` is what the receiver wants, never what the token says of itself. */
export function isSignedBy(token: JsonWebToken, alg: 'ES256' | 'RS256', key: KeyObject): boolean {
  if (token.header.alg !== alg) return false
  const bytes = Buffer.from(token.signed)
  // ES256 signs with the two numbers as they are (RFC 7518 §3.4), not in DER.
  return alg === 'ES256'
    ? verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, token.signature)
    : verify('sha256', bytes, key, token.signature)
}

function readPart(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
