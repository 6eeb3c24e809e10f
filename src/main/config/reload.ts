import { Hidden, Secret, SecretContent } from '../secret.ts'
import type { ApnsPoolConfig, ComponentConfig, Config, FcmPoolConfig, GatewayConfig } from './config.ts'
import { keyAt } from './schema.ts'

/** What a reread configuration changes. */
export interface Reload {
  /** The running configuration with the new values of what may change now, deeply frozen. */
  readonly config: Config
  /** Keys that are taken over. */
  readonly applied: readonly string[]
  /** Keys that changed in the file, and stay as they are until the next start. */
  readonly needsRestart: readonly string[]
}

/** Which key stands behind what was read from its file. */
const readFrom: Readonly<Record<string, string>> = {
  'http.token': 'http.token_file',
  'mongoosepush.tls.ca': 'mongoosepush.tls.ca_file',
  'component.tls_ca': 'component.tls_ca_file',
  'gateway.tokens': 'gateway.token_file',
  'gateway.tls.identity': 'gateway.tls.cert_file',
  'gateway.tls.client_ca': 'gateway.tls.client_ca_file',
  'gateway.fcm.account': 'gateway.fcm.service_account_file',
  'gateway.fcm.tls.ca': 'gateway.fcm.tls.ca_file',
  'gateway.apns.key': 'gateway.apns.key_file',
  'gateway.apns.identity': 'gateway.apns.cert_file',
  'gateway.apns.tls.ca': 'gateway.apns.tls.ca_file',
}

/** Takes over from `next` what may change while running. Pure. */
export function changedKeys(running: Config, next: Config): Reload {
  const changes = new Changes()
  const { component: oldComponents, gateway: oldGateway, ...oldRest } = running
  const { component: newComponents, gateway: newGateway, ...newRest } = next
  const { fcm: oldFcm, apns: oldApns, ...oldRole } = oldGateway
  const { fcm: newFcm, apns: newApns, ...newRole } = newGateway
  const config = Object.freeze({
    ...changes.merge(oldRest, newRest, '', ''),
    component: mergeComponents(oldComponents, newComponents, changes),
    gateway: Object.freeze({
      ...changes.merge(oldRole, sameListener(oldRole, newRole, changes), 'gateway', 'gateway'),
      fcm: mergePools(oldFcm, newFcm, 'gateway.fcm', isSameProject, changes),
      apns: mergePools(oldApns, newApns, 'gateway.apns', isSameKind, changes),
    }),
  })
  return { config, applied: [...changes.applied], needsRestart: [...changes.needsRestart] }
}

class Changes {
  readonly applied = new Set<string>()
  readonly needsRestart = new Set<string>()

  /** `path`: as shown; `key`: without a component's domain or an index. */
  merge<T>(old: T, fresh: T, path: string, key: string): T {
    if (isTable(old) && isTable(fresh)) {
      const entries = Object.keys(old).map((name) => {
        const inner = key === '' ? name : `${key}.${name}`
        const shown = path === '' ? name : `${path}.${readFrom[inner]?.slice(key.length + 1) ?? name}`
        return [name, this.merge(old[name], fresh[name], shown, inner)] as const
      })
      return Object.freeze(Object.fromEntries(entries)) as T
    }
    if (same(old, fresh)) return old
    const reloadable = keyAt(readFrom[key] ?? key)?.reload === true
    const changed = reloadable ? this.applied : this.needsRestart
    changed.add(path)
    return reloadable ? fresh : old
  }
}

/**
 * What `gateway.listen` may change on a reload: its certificates and authorities. Switching TLS or client certificates on or
 * off needs a restart.
 */
function sameListener<Role extends Pick<GatewayConfig, 'tls'>>(
  old: Role,
  fresh: Role,
  changes: Changes,
): Role {
  const isSame = (['identity', 'client_ca'] as const).every(
    (part) => (old.tls[part] === undefined) === (fresh.tls[part] === undefined),
  )
  if (isSame) return fresh
  changes.needsRestart.add('gateway.tls')
  return { ...fresh, tls: old.tls }
}

/** They are told by their domains. */
function mergeComponents(
  running: readonly ComponentConfig[],
  next: readonly ComponentConfig[],
  changes: Changes,
): readonly ComponentConfig[] {
  for (const { domain } of next) {
    if (!running.some((old) => old.domain === domain)) changes.needsRestart.add(componentPath(domain))
  }
  const merged = running.map((old) => {
    const path = componentPath(old.domain)
    const fresh = next.find(({ domain }) => domain === old.domain)
    if (fresh !== undefined) return changes.merge(old, fresh, path, 'component')
    changes.needsRestart.add(path)
    return old
  })
  return Object.freeze(merged)
}

function componentPath(domain: string): string {
  return `component(${domain})`
}

/**
 * Pools are told by their place. A key that is renewed belongs to the pool that it is written in only as long as that
 * is the same one: where anything else of the pools changes too, all of it waits.
 */
function mergePools<Pool extends FcmPoolConfig | ApnsPoolConfig>(
  running: readonly Pool[],
  next: readonly Pool[],
  path: string,
  isSame: (old: Pool, fresh: Pool) => boolean,
  changes: Changes,
): readonly Pool[] {
  const own = new Changes()
  if (running.length !== next.length) own.needsRestart.add(path)
  const merged = running.map((old, i) => {
    const fresh = next[i]
    const at = `${path}[${i}]`
    if (fresh === undefined) return old
    if (!isSame(old, fresh)) own.needsRestart.add(at)
    return own.merge(old, fresh, at, path)
  })
  for (const key of own.needsRestart) changes.needsRestart.add(key)
  const taken = own.needsRestart.size === 0
  for (const key of own.applied) (taken ? changes.applied : changes.needsRestart).add(key)
  return taken ? Object.freeze(merged) : running
}

/** What requests are addressed to. */
function isSameProject(old: FcmPoolConfig, fresh: FcmPoolConfig): boolean {
  return old.account.reveal().account.projectId === fresh.account.reveal().account.projectId
}

/** A key and a certificate are used in different ways. */
function isSameKind(old: ApnsPoolConfig, fresh: ApnsPoolConfig): boolean {
  return (old.key === undefined) === (fresh.key === undefined)
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Hidden)
}

function same(old: unknown, fresh: unknown): boolean {
  if (old instanceof Secret && fresh instanceof Secret) return old.equals(fresh.reveal())
  if (old instanceof SecretContent && fresh instanceof SecretContent) return old.equals(fresh)
  if (Array.isArray(old) && Array.isArray(fresh)) {
    return old.length === fresh.length && old.every((item, i) => item === fresh[i])
  }
  return old === fresh
}
