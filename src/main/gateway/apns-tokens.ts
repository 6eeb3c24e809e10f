import { createPublicKey, type KeyObject } from 'node:crypto'
import { type ApnsKey, apnsJwt, isRenewalDue, renewalAgeMs } from '../../core/apns/token.ts'
import { isSigned, signJwt } from './json-web-token.ts'
import type { ProviderToken, ProviderTokenStore, TokenEvents, TokenPorts } from './ports.ts'

/** How often its age is looked at: a clock may be set while we sleep. */
const checkMs = 60_000

/**
 * The token of one APNs key: one for all pools, workers and connections that use the key, and the same one after a
 * restart, since APNs takes a new one every 20 minutes at most (TooManyProviderTokenUpdates), and none that is older
 * than an hour (ExpiredProviderToken).
 */
export class ApnsTokens {
  readonly #key: ApnsKey
  readonly #privateKey: KeyObject
  readonly #store: ProviderTokenStore
  readonly #events: TokenEvents
  readonly #ports: TokenPorts
  #token: ProviderToken | undefined
  #renewalMs = 0
  #timer: NodeJS.Timeout | undefined

  /** `privateKey`: see `readSigningKey`. */
  constructor(
    key: ApnsKey,
    privateKey: KeyObject,
    store: ProviderTokenStore,
    events: TokenEvents,
    ports: TokenPorts,
  ) {
    this.#key = key
    this.#privateKey = privateKey
    this.#store = store
    this.#events = events
    this.#ports = ports
  }

  /** Tells of the token that is in use before it returns. */
  start(): void {
    this.#renewalMs = renewalAgeMs(this.#ports.random())
    const kept = this.#kept()
    if (kept === undefined || isRenewalDue(this.#ports.nowMs() - kept.issuedAtMs, this.#renewalMs, false)) {
      this.#renew()
    } else this.#use(kept)
    this.#timer = setInterval(() => this.#check(false), checkMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /**
   * APNs has called a token expired: it is renewed as soon as it may be. `header`: the one that was refused; one that is
   * no longer in use does not count.
   */
  refused(header: string): void {
    if (this.#token !== undefined && header === headerOf(this.#token)) this.#check(true)
  }

  #check(refused: boolean): void {
    const ageMs = this.#ports.nowMs() - (this.#token?.issuedAtMs ?? 0)
    if (isRenewalDue(ageMs, this.#renewalMs, refused)) this.#renew()
  }

  #renew(): void {
    const issuedAtS = Math.floor(this.#ports.nowMs() / 1000)
    const jwt = signJwt(apnsJwt(this.#key, issuedAtS), this.#privateKey)
    const token = { jwt, issuedAtMs: issuedAtS * 1000 }
    const { teamId, keyId } = this.#key
    this.#renewalMs = renewalAgeMs(this.#ports.random())
    this.#use(token)
    this.#store.put(teamId, keyId, token).catch((error: unknown) => {
      this.#ports.log.warn({ err: error, keyId }, 'the APNs token was not stored: a restart makes a new one')
    })
  }

  #use(token: ProviderToken): void {
    this.#token = token
    this.#events.authorized({ header: headerOf(token), owner: this.#key.teamId })
  }

  /** One of an earlier run, if it is this very key's: a key may be replaced under its name. */
  #kept(): ProviderToken | undefined {
    const { teamId, keyId } = this.#key
    try {
      const kept = this.#store.get(teamId, keyId)
      if (kept === undefined) return undefined
      const content = apnsJwt(this.#key, kept.issuedAtMs / 1000)
      return isSigned(kept.jwt, content, createPublicKey(this.#privateKey)) ? kept : undefined
    } catch (error) {
      this.#ports.log.warn({ err: error, keyId }, 'the stored APNs token cannot be read: a new one is made')
      return undefined
    }
  }
}

function headerOf(token: ProviderToken): string {
  return `bearer ${token.jwt}`
}
