/** The provider tokens of token-based authentication: signed with ES256, one at a time, an hour old at most. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { ApnsReason } from './apns-answers.ts'
import { isSignedBy, readToken } from './json-web-token.ts'

export interface ApnsKey {
  readonly keyId: string
  readonly teamId: string
  /** PEM, public or private. */
  readonly key: string
}

const maxAgeMs = 3_600_000
/** Clocks differ by that much at most. */
const maxFutureMs = 60_000
/** A token is not to be renewed more often. */
const minRenewalMs = 20 * 60_000
const maxKnownTokens = 1_000

interface KnownToken {
  readonly teamId: string
  readonly keyId: string
  readonly issuedAtMs: number
}

export class ApnsProviderTokens {
  readonly #keys: ReadonlyMap<string, ApnsKey & { readonly publicKey: KeyObject }>
  readonly #nowMs: () => number
  /** Tokens whose signature was found right; verifying costs more than all else. */
  readonly #known = new Map<string, KnownToken>()
  /** When the newest token of a key was issued. */
  readonly #newest = new Map<string, number>()

  constructor(keys: readonly ApnsKey[], nowMs: () => number) {
    this.#keys = new Map(keys.map((key) => [key.keyId, { ...key, publicKey: createPublicKey(key.key) }]))
    this.#nowMs = nowMs
  }

  /** The team that the header speaks for, or what is wrong with it. */
  check(authorization: string | undefined): { teamId: string } | ApnsReason {
    const text = /^bearer (\S+)$/i.exec(authorization ?? '')?.[1]
    if (text === undefined) return 'MissingProviderToken'
    const token = this.#known.get(text) ?? this.#read(text)
    if (typeof token === 'string') return token
    const ageMs = this.#nowMs() - token.issuedAtMs
    if (ageMs > maxAgeMs) return 'ExpiredProviderToken'
    return ageMs < -maxFutureMs ? 'InvalidProviderToken' : token
  }

  #read(text: string): KnownToken | ApnsReason {
    const token = readToken(text)
    const { kid } = token?.header ?? {}
    const { iss, iat } = token?.claims ?? {}
    const key = typeof kid === 'string' ? this.#keys.get(kid) : undefined
    if (token === undefined || key === undefined || typeof iat !== 'number') return 'InvalidProviderToken'
    if (iss !== key.teamId || !isSignedBy(token, 'ES256', key.publicKey)) return 'InvalidProviderToken'

    const issuedAtMs = iat * 1000
    const newest = this.#newest.get(key.keyId)
    if (newest !== undefined && Math.abs(issuedAtMs - newest) < minRenewalMs && issuedAtMs !== newest) {
      return 'TooManyProviderTokenUpdates'
    }
    this.#newest.set(key.keyId, Math.max(newest ?? 0, issuedAtMs))
    const known = { teamId: key.teamId, keyId: key.keyId, issuedAtMs }
    if (this.#known.size >= maxKnownTokens) this.#known.clear()
    this.#known.set(text, known)
    return known
  }
}
