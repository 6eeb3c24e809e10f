import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import type { Dispatcher } from './dispatch/dispatcher.ts'
import type { ProviderTokenStore } from './gateway/ports.ts'
import { ProviderDesk } from './gateway/provider-desk.ts'
import { gatewayPools, ownCertificates } from './gateway-pools.ts'
import type { Metrics } from './metrics/table.ts'

/** What vouches for us, for the pools of the configuration. */
export function providerDesk(
  config: Config,
  dispatcher: Pick<Dispatcher, 'authorize' | 'renewTls'>,
  store: ProviderTokenStore,
  metrics: Metrics,
  log: Logger,
): ProviderDesk {
  const pools = gatewayPools(config)
  const authorized = pools.map(({ label }) => metrics.providerAuthorized.child(label))
  return new ProviderDesk(pools, ownCertificates(config), {
    nowMs: Date.now,
    random: Math.random,
    log,
    store,
    authorize: (pool, authorization) => dispatcher.authorize(pool, authorization),
    renewTls: (pool, tls) => dispatcher.renewTls(pool, tls),
    authorized: (pool, isAuthorized) => authorized[pool]?.set(isAuthorized ? 1 : 0),
    expiresAt: (name, seconds) => metrics.certificateExpiry.child(name).set(seconds),
  })
}
