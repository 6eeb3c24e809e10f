import type { Authorization, ProviderTls } from '../../core/gateway/provider-target.ts'
import { AccessTokens } from './access-tokens.ts'
import { ApnsTokens } from './apns-tokens.ts'
import { type Expiring, ExpiryWatch } from './expiry-watch.ts'
import type { ProviderTokenStore, TokenEvents, TokenPorts } from './ports.ts'
import type { GatewayPool } from './provider-pool.ts'

/** Undefined: nothing of the kind. */
export interface PoolFaults {
  /** Why nothing of ours would be taken by the pool's provider. */
  readonly fault: string | undefined
  /** Why there is no next token, or none of a renewed account, while the one in use is still taken. */
  readonly renewalFault: string | undefined
}

/** A certificate of ours. */
export interface OwnCertificate extends Expiring {
  /** The pool that shows it, by its place; undefined: no pool does. */
  readonly pool: number | undefined
}

export interface ProviderDeskPorts extends TokenPorts {
  readonly store: ProviderTokenStore
  /** What requests of the pool bear from now on; undefined: they wait. */
  readonly authorize: (pool: number, authorization: Authorization | undefined) => void
  /** What new connections of the pool show from now on. */
  readonly renewTls: (pool: number, tls: ProviderTls) => void
  /** The metric: whether a pool has what vouches for it. */
  readonly authorized: (pool: number, isAuthorized: boolean) => void
  /** The metric: the end of a certificate, in seconds since the epoch. */
  readonly expiresAt: (name: string, seconds: number) => void
}

/**
 * What vouches for us at providers, pool by pool: one keeper of tokens for each key or account, however many pools use
 * it. A pool's renewed account is taken over when it has got its first token; until then the old one goes on. A renewed
 * APNs key is taken over at once: nobody can be asked about it.
 */
export class ProviderDesk {
  readonly #ports: ProviderDeskPorts
  readonly #watch: ExpiryWatch
  readonly #keepers = new Set<Keeper>()
  readonly #states: readonly PoolState[]
  #certificates: readonly OwnCertificate[]

  constructor(
    pools: readonly GatewayPool[],
    certificates: readonly OwnCertificate[],
    ports: ProviderDeskPorts,
  ) {
    this.#ports = ports
    this.#certificates = certificates
    this.#watch = new ExpiryWatch(ports)
    this.#states = pools.map((pool) => ({
      pool,
      keeper: undefined,
      next: undefined,
      authorization: undefined,
    }))
  }

  /** Returns at once: the first access tokens come later. */
  start(): void {
    this.#states.forEach((state, index) => {
      this.#ports.authorized(index, !state.pool.target.authorized)
      this.#employ(index, state.pool)
    })
    this.#watch.watch(this.#certificates)
  }

  async stop(): Promise<void> {
    this.#watch.stop()
    const keepers = [...this.#keepers]
    this.#keepers.clear()
    await Promise.all(keepers.map((keeper) => keeper.stop()))
  }

  /** A provider has called what the pool's request bore expired. */
  refused(pool: number, header: string): void {
    this.#states[pool]?.keeper?.refused(header)
  }

  /**
   * Takes over what was read anew of the same pools: keys, accounts, certificates and authorities. What did not change
   * goes on as it is.
   */
  renew(pools: readonly GatewayPool[], certificates: readonly OwnCertificate[]): void {
    this.#states.forEach((state, index) => {
      const pool = pools[index]
      if (pool === undefined) return
      const { tls } = state.pool.target
      state.pool = pool
      if (tls.ca !== pool.target.tls.ca || tls.identity !== pool.target.tls.identity) {
        this.#ports.renewTls(index, pool.target.tls)
      }
      this.#employ(index, pool)
    })
    this.#certificates = certificates
    this.#watch.watch(certificates)
    this.#dismiss()
  }

  /** Why nothing of ours would be taken by the pool's provider; undefined: it may be. */
  fault(pool: number): string | undefined {
    const state = this.#states[pool]
    if (state === undefined) return undefined
    const { target } = state.pool
    const ended = this.#certificates.find(
      (certificate) => certificate.pool === pool && certificate.expiresAtMs <= this.#ports.nowMs(),
    )
    if (ended !== undefined) return `${ended.name} has expired`
    if (!target.authorized || state.authorization !== undefined) return undefined
    return `no token: ${state.next?.fault ?? state.keeper?.fault ?? 'it is being asked for'}`
  }

  /** For operators: what is wrong with a pool's key, account or certificate, by the pool's label. */
  faults(label: string): PoolFaults {
    const index = this.#states.findIndex(({ pool }) => pool.label === label)
    const state = this.#states[index]
    const isInUse = state?.authorization !== undefined
    return {
      fault: this.fault(index),
      renewalFault: isInUse ? (state.next?.fault ?? state.keeper?.fault) : undefined,
    }
  }

  /** Sees to it that the keeper of the pool's key or account is, or becomes, the pool's. */
  #employ(index: number, pool: GatewayPool): void {
    const state = this.#states[index]
    if (state === undefined || !pool.target.authorized) return
    let keeper = [...this.#keepers].find((known) => known.isFor(pool))
    if (keeper === state.keeper && keeper !== undefined) {
      state.next = undefined
      return
    }
    const isNew = keeper === undefined
    keeper ??= new Keeper(pool, this.#ports, (told) => this.#told(told))
    this.#keepers.add(keeper)
    if (state.keeper === undefined) state.keeper = keeper
    else state.next = keeper
    if (isNew) keeper.start()
    else if (keeper.authorization !== undefined) this.#told(keeper)
  }

  #told(keeper: Keeper): void {
    this.#states.forEach((state, index) => {
      if (state.next === keeper && keeper.authorization !== undefined) {
        state.keeper = keeper
        state.next = undefined
        this.#ports.log.info({ pool: state.pool.label }, 'a renewed key is in use')
      }
      if (state.keeper !== keeper || state.authorization === keeper.authorization) return
      state.authorization = keeper.authorization
      this.#ports.authorize(index, keeper.authorization)
      this.#ports.authorized(index, keeper.authorization !== undefined)
    })
    this.#dismiss()
  }

  /** Keepers that no pool needs any more. */
  #dismiss(): void {
    for (const keeper of this.#keepers) {
      if (this.#states.some(({ keeper: own, next }) => own === keeper || next === keeper)) continue
      this.#keepers.delete(keeper)
      void keeper.stop()
    }
  }
}

interface PoolState {
  pool: GatewayPool
  keeper: Keeper | undefined
  /** It takes over with its first token. */
  next: Keeper | undefined
  /** What the pool was told. */
  authorization: Authorization | undefined
}

/** The tokens of one key or account. */
class Keeper implements TokenEvents {
  readonly #pool: GatewayPool
  readonly #tokens: ApnsTokens | AccessTokens
  readonly #told: (keeper: Keeper) => void
  authorization: Authorization | undefined

  constructor(pool: GatewayPool, ports: ProviderDeskPorts, told: (keeper: Keeper) => void) {
    this.#pool = pool
    this.#told = told
    this.#tokens = tokensFor(pool, this, ports)
  }

  start(): void {
    this.#tokens.start()
  }

  async stop(): Promise<void> {
    await this.#tokens.stop()
  }

  authorized(authorization: Authorization | undefined): void {
    this.authorization = authorization
    this.#told(this)
  }

  refused(header: string): void {
    this.#tokens.refused(header)
  }

  get fault(): string | undefined {
    return this.#tokens instanceof AccessTokens ? this.#tokens.fault : undefined
  }

  /** Whether a pool's key or account is the same. */
  isFor(pool: GatewayPool): boolean {
    const own = this.#pool
    if (own.service === 'apns' && pool.service === 'apns') {
      if (own.key === undefined || pool.key === undefined) return false
      const [{ keyId, teamId }, other] = [own.key.apnsKey, pool.key.apnsKey]
      return (
        keyId === other.keyId && teamId === other.teamId && own.key.privateKey.equals(pool.key.privateKey)
      )
    }
    if (own.service !== 'fcm' || pool.service !== 'fcm') return false
    const { clientEmail, privateKeyId, tokenUri } = pool.account
    return (
      own.account.clientEmail === clientEmail &&
      own.account.privateKeyId === privateKeyId &&
      own.account.tokenUri === tokenUri &&
      own.target.tls.ca === pool.target.tls.ca &&
      own.privateKey.equals(pool.privateKey)
    )
  }
}

function tokensFor(
  pool: GatewayPool,
  events: TokenEvents,
  ports: ProviderDeskPorts,
): ApnsTokens | AccessTokens {
  if (pool.service === 'fcm') {
    return new AccessTokens(pool.account, pool.privateKey, pool.target.tls.ca, events, ports)
  }
  if (pool.key === undefined) throw new Error(`the pool ${pool.label} has no key`)
  return new ApnsTokens(pool.key.apnsKey, pool.key.privateKey, ports.store, events, ports)
}
