import { Secret } from '../secret.ts'
import type { ComponentConfig, Config } from './config.ts'
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
}

/** Takes over from `next` what may change while running. Pure. */
export function changedKeys(running: Config, next: Config): Reload {
  const applied = new Set<string>()
  const needsRestart = new Set<string>()

  /** `path`: as shown; `key`: without the component's domain. */
  function merge(old: unknown, fresh: unknown, path: string, key: string): unknown {
    if (isTable(old) && isTable(fresh)) {
      const entries = Object.keys(old).map((name) => {
        const inner = key === '' ? name : `${key}.${name}`
        const shown = path === '' ? name : `${path}.${readFrom[inner]?.slice(key.length + 1) ?? name}`
        return [name, merge(old[name], fresh[name], shown, inner)] as const
      })
      return Object.freeze(Object.fromEntries(entries))
    }
    if (same(old, fresh)) return old
    const reloadable = keyAt(readFrom[key] ?? key)?.reload === true
    const changed = reloadable ? applied : needsRestart
    changed.add(path)
    return reloadable ? fresh : old
  }

  function mergeComponents(): readonly ComponentConfig[] {
    for (const { domain } of next.component) {
      if (!running.component.some((old) => old.domain === domain)) needsRestart.add(componentPath(domain))
    }
    return running.component.map((old) => {
      const path = componentPath(old.domain)
      const fresh = next.component.find(({ domain }) => domain === old.domain)
      if (fresh !== undefined) return merge(old, fresh, path, 'component') as ComponentConfig
      needsRestart.add(path)
      return old
    })
  }

  const { component: _old, ...oldRest } = running
  const { component: _fresh, ...freshRest } = next
  const rest = merge(oldRest, freshRest, '', '') as Omit<Config, 'component'>
  const config = Object.freeze({ ...rest, component: Object.freeze(mergeComponents()) }) as Config
  return { config, applied: [...applied], needsRestart: [...needsRestart] }
}

function componentPath(domain: string): string {
  return `component(${domain})`
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Secret)
}

function same(old: unknown, fresh: unknown): boolean {
  if (old instanceof Secret && fresh instanceof Secret) return old.equals(fresh.reveal())
  if (Array.isArray(old) && Array.isArray(fresh)) {
    return old.length === fresh.length && old.every((item, i) => item === fresh[i])
  }
  return old === fresh
}
