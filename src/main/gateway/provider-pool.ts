/** A pool of `[gateway]` as it is used: what it takes, how its provider is reached, and who we are there. */
import type { KeyObject } from 'node:crypto'
import type { ApnsKey } from '../../core/apns/token.ts'
import type { ServiceAccount } from '../../core/fcm/service-account.ts'
import type { ProviderPool } from '../../core/gateway/pools.ts'
import type { ProviderTarget } from '../../core/gateway/provider-target.ts'

interface PoolInUse extends ProviderPool {
  /** Of the metrics' label `pool`, of logs and /admin: no two pools share one. */
  readonly label: string
  readonly target: ProviderTarget
}

export interface FcmGatewayPool extends PoolInUse {
  readonly service: 'fcm'
  readonly projectId: string
  /** See `FcmPool`. */
  readonly compat: boolean
  readonly account: ServiceAccount
  readonly privateKey: KeyObject
}

export interface ApnsGatewayPool extends PoolInUse {
  readonly service: 'apns'
  readonly defaultTopic: string
  /** Undefined: the certificate in `target.tls` stands for it. */
  readonly key: { readonly apnsKey: ApnsKey; readonly privateKey: KeyObject } | undefined
}

export type GatewayPool = FcmGatewayPool | ApnsGatewayPool
