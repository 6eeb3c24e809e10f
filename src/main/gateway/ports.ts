import type { Authorization } from '../../core/gateway/provider-target.ts'

/** Who is told what vouches for a pool: every worker is to have it. */
export interface TokenEvents {
  /** From now on this. Undefined: what there was is no longer taken, and there is no other. */
  authorized(authorization: Authorization | undefined): void
}

/** What the keeping of tokens needs of the world. */
export interface TokenPorts {
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
  /** 0 ≤ r < 1 */
  readonly random: () => number
  readonly log: TokenLog
}

export interface TokenLog {
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
  error(fields: object, text: string): void
}

/** A provider token that is in use. */
export interface ProviderToken {
  /** The signed JWT. */
  readonly jwt: string
  /** Milliseconds since the epoch, whole seconds. */
  readonly issuedAtMs: number
}

/** Provider tokens over restarts: APNs refuses owners that make new ones too often. */
export interface ProviderTokenStore {
  get(teamId: string, keyId: string): ProviderToken | undefined
  /** Settled when it is on disk. Rejects with a StoreError. */
  put(teamId: string, keyId: string, token: ProviderToken): Promise<void>
}
