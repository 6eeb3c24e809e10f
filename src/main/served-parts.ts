import { performance } from 'node:perf_hooks'
import type { Logger } from 'pino'
import { choosePool } from '../core/gateway/pools.ts'
import { type Address, isLocal, parseAddress } from './address.ts'
import type { Config } from './config/config.ts'
import type { Dispatcher } from './dispatch/dispatcher.ts'
import type { DispatchOptions } from './dispatch/options.ts'
import { buildRequest } from './dispatch/provider-exit.ts'
import type { DispatchState, GatewayState } from './dispatch/state.ts'
import type { ProviderDesk } from './gateway/provider-desk.ts'
import { KnownHosts } from './http/known-hosts.ts'
import type { Metrics } from './metrics/table.ts'
import { risingClock } from './rising-clock.ts'
import type { AdmissionRules } from './served-api/admission.ts'
import type { PoolState } from './served-api/pool-state.ts'
import { ServedApi } from './served-api/served-api.ts'
import type { ServerCertificate } from './served-api/server-certificate.ts'
import { version } from './version.ts'

/** The parts of the daemon that the served API is put before. */
export interface PartsBehind {
  readonly dispatcher: Dispatcher
  readonly desk: ProviderDesk
  readonly metrics: Metrics
  readonly log: Logger
}

/** Undefined: the gateway's API is not served. `current`: the present configuration. */
export function servedApi(
  config: Config,
  current: () => Config,
  dispatch: DispatchOptions,
  { dispatcher, desk, metrics, log }: PartsBehind,
): ServedApi | undefined {
  const address = parseAddress(config.gateway.listen)
  if (address === undefined) return undefined
  const rules = admissionRules(address)
  return new ServedApi({
    version,
    metrics,
    log,
    // By its time a push to a device is told from the next one: `apns-id` is made of it.
    nowMs: risingClock(Date.now),
    monotonicMs: () => performance.now(),
    pools: () => servedPools(dispatch, dispatcher.state(), (pool) => desk.fault(pool)),
    admission: () => rules(current()),
    isTooLarge: (notification) => {
      const pool = choosePool(dispatch.pools, notification.device, notification.tags)
      if (pool === undefined) return false
      const built = buildRequest(pool, notification, Date.now())
      return built.kind === 'unsendable' && built.outcome.kind === 'too_large'
    },
    hasPool: ({ device, tags }) => choosePool(dispatch.pools, device, tags) !== undefined,
    submitOnce: (notification, settled) => dispatcher.submitOnce(notification, settled),
    revive: (notification) => dispatcher.revive(notification),
  })
}

/** The requirements on callers of the served API at `address`; made once for each configuration. */
function admissionRules(address: Address): (config: Config) => AdmissionRules {
  let made: { readonly of: Config; readonly rules: AdmissionRules } | undefined
  return (config) => {
    if (made?.of !== config) {
      const { open, tokens, tls } = config.gateway
      const onlyByName =
        address.kind === 'tcp' &&
        isLocal(address) &&
        !open &&
        tokens === undefined &&
        tls.client_ca === undefined
      const hosts = new KnownHosts(address, config.http.hosts)
      made = { of: config, rules: { tokens: tokens?.reveal(), hosts, onlyByName } }
    }
    return made.rules
  }
}

/** What the served API shows of its pools. `faultOf`: why what vouches for us there is missing. */
export function servedPools(
  { pools, urls, workers }: Pick<DispatchOptions, 'pools' | 'urls' | 'workers'>,
  state: DispatchState,
  faultOf: (pool: number) => string | undefined,
): PoolState[] {
  return pools.map(({ label, service, target }, index) => {
    // Workers tell of MongoosePush's URLs first.
    const connected = state.workers.reduce(
      (sum, { openConnections }) => sum + (openConnections[urls.length + index] ?? 0),
      0,
    )
    const gateway = state.gateways.find(({ pool }) => pool === label)
    return {
      label,
      service,
      connected,
      connections: target.connections * workers,
      fault: faultOf(index) ?? faultOfProvider(gateway, connected),
    }
  })
}

/** Anyone may ask, so it is in general words: the log and /admin have the details. */
function faultOfProvider(gateway: GatewayState | undefined, connected: number): string | undefined {
  if (gateway?.circuit === 'open') return 'its provider fails, and is left out for now'
  return connected === 0 && gateway?.cannotConnect === true ? 'its provider cannot be reached' : undefined
}

/** What `gateway.listen` shows; undefined: it speaks plain HTTP. */
export function servedCertificate({ gateway }: Config): ServerCertificate | undefined {
  const identity = gateway.tls.identity?.reveal().identity
  if (identity?.kind !== 'pem') return undefined
  return { cert: identity.cert, key: identity.key, clientCa: gateway.tls.client_ca }
}
