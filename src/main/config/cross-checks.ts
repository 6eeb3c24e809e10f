import { normalDomain } from '../../core/jid.ts'
import { isVirtualDomain } from '../../core/served-domains.ts'
import { type Faults, shownValue } from './faults.ts'
import { checkGateway } from './gateway-checks.ts'
import { gatewayOrigins } from './gateway-origins.ts'
import { checkHosts } from './host-checks.ts'
import { patternHosts } from './hosts.ts'
import { type ConfigFile, componentTables } from './schema.ts'

/** Checks what keys must have to do with one another. Each check runs only where its keys are sound alone. */
export function checkTogether(file: ConfigFile, faults: Faults): void {
  checkDomains(file, faults)
  checkSpellings(file, faults)
  checkHosts(file, faults)
  checkVirtualHosts(file, faults)
  checkLimits(file, faults)
  checkConnections(file, faults)
  checkGateway(file, faults)
}

function checkDomains(file: ConfigFile, faults: Faults): void {
  const seen = new Map<string, string>()
  for (const { path, table } of componentTables(file)) {
    if (!faults.sound(`${path}.domain`)) continue
    const first = seen.get(normalDomain(table.domain))
    if (first === undefined) seen.set(normalDomain(table.domain), path)
    else faults.add(`${path}.domain`, `is that of ${first} too, allowed: each domain once`)
  }
}

/** Reports lists that have both spellings of an international name. */
function checkSpellings(file: ConfigFile, faults: Faults): void {
  checkSpellingsOf(() => file.push.served_hosts, 'push.served_hosts', faults)
  for (const { path, table } of componentTables(file)) {
    checkSpellingsOf(() => table.hosts, `${path}.hosts`, faults)
    checkSpellingsOf(() => [table.publishers].flat(), `${path}.publishers`, faults)
  }
}

function checkSpellingsOf(hosts: () => readonly string[], path: string, faults: Faults): void {
  if (!faults.sound(path)) return
  const seen = new Map<string, string>()
  for (const host of hosts()) {
    const other = seen.get(normalDomain(host))
    if (other === undefined) seen.set(normalDomain(host), host)
    else
      faults.add(
        path,
        `has ${shownValue(other)} and ${shownValue(host)}, which are one host, allowed: one of the two`,
      )
  }
}

function checkVirtualHosts(file: ConfigFile, faults: Faults): void {
  if (!faults.sound('push.virtual_pubsub_hosts') || !faults.sound('push.served_hosts')) return
  const tables = componentTables(file)
  if (!tables.every(({ path }) => faults.sound(`${path}.hosts`))) return
  const { virtual_pubsub_hosts: patterns } = file.push
  const hosts = patternHosts({ component: tables.map(({ table }) => table), push: file.push })
  if (hosts.length === 0 && patterns.some((pattern) => pattern.includes('@HOST@'))) {
    faults.add(
      'push.served_hosts',
      'is empty while push.virtual_pubsub_hosts has @HOST@, allowed: the domains it stands for',
    )
    return
  }
  for (const { path: component, table } of tables) {
    const path = `${component}.pubsub`
    if (!faults.sound(path) || !faults.sound(`${component}.domain`)) continue
    if (table.pubsub || isVirtualDomain(table.domain, patterns, hosts)) continue
    faults.add(
      path,
      `is false and push.virtual_pubsub_hosts does not match ${table.domain}, so nothing could be published there, allowed: true, or a pattern that matches`,
    )
  }
}

/** A text is somebody else's, and what stands behind it in a publish, the device, is to be kept. */
function checkLimits({ limits }: ConfigFile, faults: Faults): void {
  if (!faults.sound('limits.max_text_bytes') || !faults.sound('limits.max_stanza_bytes')) return
  const most = Math.floor(limits.max_stanza_bytes / 2)
  if (limits.max_text_bytes <= most) return
  faults.add(
    'limits.max_text_bytes',
    `is ${limits.max_text_bytes}, allowed: ${most} or less, half of limits.max_stanza_bytes`,
  )
}

function checkConnections({ push, mongoosepush }: ConfigFile, faults: Faults): void {
  const keys = ['push.gateway', 'push.wpool.workers', 'mongoosepush.url', 'mongoosepush.max_http_connections']
  if (!keys.every((key) => faults.sound(key)) || push.gateway === 'direct') return
  const origins = gatewayOrigins(mongoosepush).length
  const least = push.wpool.workers * origins
  if (mongoosepush.max_http_connections >= least) return
  faults.add(
    'mongoosepush.max_http_connections',
    `is ${mongoosepush.max_http_connections}, allowed: ${least} or more, one for each of ${push.wpool.workers} workers and ${origins} URLs`,
  )
}
