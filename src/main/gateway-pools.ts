import type { ProviderPool } from '../core/gateway/pools.ts'
import type { ApnsPoolConfig, Config, FcmPoolConfig } from './config/config.ts'
import type { OwnCertificate } from './gateway/provider-desk.ts'
import type { ApnsGatewayPool, FcmGatewayPool, GatewayPool } from './gateway/provider-pool.ts'

/** A connection to a provider is given this long to be there. */
const connectTimeoutMs = 5_000
/** Below what firewalls and load balancers forget a silent connection after. */
const pingIntervalMs = 60_000
const pongTimeoutMs = 10_000

const appleHosts = { prod: 'api.push.apple.com', dev: 'api.sandbox.push.apple.com' } as const

/** The pools of `[gateway]`, in the order in which a push is offered to them; none where there is no such table. Pure. */
export function gatewayPools(config: Config): readonly GatewayPool[] {
  const { fcm, apns } = config.gateway
  return [
    ...fcm.map((table) => fcmPool(table, config)),
    ...apns.map((table) => apnsPool(table, config.gateway.request_timeout_ms)),
  ]
}

/** How the configuration's words name each of `gatewayPools`. */
export function poolPaths({ gateway }: Config): readonly string[] {
  return [
    ...gateway.fcm.map((_, i) => `gateway.fcm[${i}]`),
    ...gateway.apns.map((_, i) => `gateway.apns[${i}]`),
  ]
}

/** The certificates that we show, to providers and to those who come to `gateway.listen`. Pure. */
export function ownCertificates(config: Config): readonly OwnCertificate[] {
  const { fcm, apns, tls } = config.gateway
  const shown = [
    { name: 'gateway.tls.cert_file', identity: tls.identity, pool: undefined },
    ...apns.map(({ identity }, i) => ({
      name: `gateway.apns[${i}].cert_file`,
      identity,
      pool: fcm.length + i,
    })),
  ]
  return shown.flatMap(({ name, identity, pool }) =>
    identity === undefined ? [] : [{ name, pool, expiresAtMs: identity.reveal().expiresAtMs }],
  )
}

function fcmPool(table: FcmPoolConfig, { gateway }: Config): FcmGatewayPool {
  const { account, privateKey } = table.account.reveal()
  return {
    service: 'fcm',
    mode: table.mode,
    tags: table.tags,
    label: labelOf({ service: 'fcm', mode: table.mode, tags: table.tags }),
    target: {
      origin: new URL(table.endpoint).origin,
      connections: table.connections,
      requestTimeoutMs: gateway.request_timeout_ms,
      connectTimeoutMs,
      pingIntervalMs,
      pongTimeoutMs,
      authorized: true,
      tls: { ca: table.tls.ca, identity: undefined },
    },
    projectId: account.projectId,
    compat: gateway.compat,
    account,
    privateKey,
  }
}

function apnsPool(table: ApnsPoolConfig, requestTimeoutMs: number): ApnsGatewayPool {
  const { mode, tags, endpoint, port, key_id: keyId, team_id: teamId } = table
  const privateKey = table.key?.reveal()
  return {
    service: 'apns',
    mode,
    tags,
    label: labelOf({ service: 'apns', mode, tags }),
    target: {
      origin: new URL(endpoint === '' ? `https://${appleHosts[mode]}:${port}` : endpoint).origin,
      connections: table.connections,
      requestTimeoutMs,
      connectTimeoutMs,
      pingIntervalMs,
      pongTimeoutMs,
      authorized: privateKey !== undefined,
      tls: { ca: table.tls.ca, identity: table.identity?.reveal().identity },
    },
    defaultTopic: table.default_topic,
    key: privateKey === undefined ? undefined : { apnsKey: { keyId, teamId }, privateKey },
  }
}

/** `apns-prod`, `fcm[tag1,tag2]`. No two pools that are ever chosen have the same mode and tags. */
function labelOf({ service, mode, tags }: ProviderPool): string {
  const name = mode === '' ? service : `${service}-${mode}`
  return tags.length === 0 ? name : `${name}[${tags.map(encodeURIComponent).join(',')}]`
}
