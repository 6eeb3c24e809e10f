import { normalDomain } from '../../core/jid.ts'
import type { ServerComponent } from '../../core/xmpp-servers.ts'
import { type Faults, shownValue } from './faults.ts'
import { serverComponents } from './hosts.ts'
import { type ConfigFile, componentTables } from './schema.ts'

/** Checks that each XMPP domain belongs to one server, which keeps the streams of several servers apart. */
export function checkHosts(file: ConfigFile, faults: Faults): void {
  const tables = componentTables(file)
  const needed = tables.flatMap(({ path }) => [`${path}.domain`, `${path}.server`, `${path}.hosts`])
  if (!needed.every((key) => faults.sound(key))) return
  const component = tables.map(({ table }) => table)
  // Without the default, which applies only with a single server.
  const servers = serverComponents({ component, push: { served_hosts: [] } })
  const addresses = new Set(servers.map(({ server }) => server)).size
  if (addresses === 1) return

  tables.forEach(({ path, table }, i) => {
    if (table.hosts.length === 0) {
      const example = table.domain.slice(table.domain.indexOf('.') + 1)
      faults.add(
        `${path}.hosts`,
        `is empty while the components name ${addresses} servers, allowed: the XMPP domains of the server behind each component, such as hosts = [${shownValue(example)}]`,
      )
      return
    }
    const own = servers[i]
    for (const [j, other] of servers.slice(0, i).entries()) {
      const host = own === undefined ? undefined : contestedHost(own, other)
      if (host === undefined) continue
      faults.add(
        `${path}.hosts`,
        `has ${shownValue(host)}, which also belongs to ${tables[j]?.path} at another server, allowed: each host at one server; components of one server have the same server`,
      )
    }
  })
}

/** Hosts that components at two addresses share, so that they count as one server; `check` notes it. */
export function sharedHosts(a: ServerComponent, b: ServerComponent): string[] {
  if (a.server === b.server) return []
  return a.hosts.filter(
    (host) =>
      b.hosts.some((other) => isSame(host, other)) && isBelow(a.domain, host) && isBelow(b.domain, host),
  )
}

/**
 * A host that both components list, although it can belong to only one server. One server may listen at two addresses; then
 * its components are subdomains of the host that they share. Any other shared host is a conflict.
 */
function contestedHost(a: ServerComponent, b: ServerComponent): string | undefined {
  if (a.server === b.server) return undefined
  const shared = sharedHosts(a, b)
  const theirs = [b.domain, ...b.hosts]
  return [...a.hosts, a.domain].find(
    (host) => theirs.some((other) => isSame(host, other)) && !shared.includes(host),
  )
}

function isSame(host: string, other: string): boolean {
  return normalDomain(host) === normalDomain(other)
}

function isBelow(domain: string, host: string): boolean {
  return normalDomain(domain).endsWith(`.${normalDomain(host)}`)
}
