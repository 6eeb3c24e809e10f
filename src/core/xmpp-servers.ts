import { bareJid, domainOfBare, hostKey, normalDomain } from './jid.ts'

/**
 * The XMPP servers behind the components, and their addresses. A server guarantees the `from` of its own users and of
 * federated users. So a stream may carry stanzas from its own server's hosts and from hosts of no server here, and never
 * from those of another server here.
 *
 * An address belongs to the server with the most specific host that it is at or below: `rooms.a.example` is that of
 * `a.example`, unless a server has it among its own hosts. The domain of a component counts as a host of its server.
 */

/** The keys of one component that say to which server it belongs. */
export interface ServerComponent {
  readonly domain: string
  /** The address of the server, in one spelling. */
  readonly server: string
  /** XMPP domains of the server. */
  readonly hosts: readonly string[]
}

/** Which addresses the streams of one component may carry stanzas from and to. */
export class StreamScope {
  /** Domains of all components of the server. */
  readonly domains: ReadonlySet<string>
  readonly #domain: string
  /** The domains in the form in which they are compared. */
  readonly #keys: ReadonlySet<string>
  readonly #server: number
  readonly #servers: XmppServers
  /** The host of the last stanza, which is nearly always that of the next one, too. */
  #usualHost: string

  constructor(domain: string, server: number, domains: ReadonlySet<string>, servers: XmppServers) {
    this.domains = domains
    this.#keys = new Set([...domains].map(normalDomain))
    this.#domain = domain
    this.#usualHost = domain
    this.#server = server
    this.#servers = servers
  }

  /** Whether an address is at the component's own domain, or at that of another component of its server. */
  isOurs(to: string): boolean {
    if (to === this.#domain) return true
    const bare = bareJid(to)
    return bare !== undefined && this.#keys.has(hostKey(domainOfBare(bare)))
  }

  /** Whether an address is at a host of another server that has a component here. False for an invalid JID. */
  isForeign(address: string): boolean {
    if (this.#servers.count === 1) return false
    const slash = address.indexOf('/')
    const end = slash === -1 ? address.length : slash
    const at = address.indexOf('@')
    const start = at === -1 || at > end ? 0 : at + 1
    const usual = this.#usualHost
    if (end - start === usual.length && address.startsWith(usual, start)) return false

    const bare = bareJid(address)
    if (bare === undefined) return false
    const host = domainOfBare(bare)
    const server = this.#servers.serverOf(host)
    if (server !== undefined && server !== this.#server) return true
    this.#usualHost = host
    return false
  }

  /** Whether an address is at a subdomain of a host of this component's server: its other components are there. */
  isBelowOwnHost(address: string): boolean {
    const bare = bareJid(address)
    if (bare === undefined) return false
    const host = domainOfBare(bare)
    return this.#servers.serverOf(host) === this.#server && !this.#servers.isHost(host)
  }

  /** Whether a host belongs to this component's server. With only one server every host does. */
  isOwnHost(host: string): boolean {
    return this.#servers.count === 1 || this.#servers.serverOf(host) === this.#server
  }
}

export class XmppServers {
  readonly count: number
  readonly #byHost = new Map<string, number>()
  readonly #scopes = new Map<string, StreamScope>()
  /** The domains of each server, and all domains, in the order of the components. */
  readonly #domains: (readonly string[])[] = []
  readonly #allDomains: string[] = []
  readonly #longestHost: number

  /** Components at one address are of one server, and so are those that share a host. */
  constructor(components: readonly ServerComponent[]) {
    const groups = grouped(components)
    this.count = groups.length
    for (const component of components) {
      const server = groups.findIndex((group) => group.includes(component))
      const domains = new Set(groups[server]?.map(({ domain }) => domain))
      const { domain, hosts } = component
      for (const host of [domain, ...hosts]) this.#byHost.set(normalDomain(host), server)
      this.#scopes.set(domain, new StreamScope(domain, server, domains, this))
      this.#allDomains.push(domain)
      this.#domains[server] = [...(this.#domains[server] ?? []), domain]
    }
    this.#longestHost = Math.max(0, ...[...this.#byHost.keys()].map(({ length }) => length))
  }

  /** The scope of a component's streams. @throws {RangeError} when there is no component of that domain. */
  scopeOf(domain: string): StreamScope {
    const scope = this.#scopes.get(domain)
    if (scope === undefined) throw new RangeError(`${domain} is the domain of no component`)
    return scope
  }

  /** Domains of components, in order, that may send to a host's users: of the host's server, else all. */
  domainsFor(host: string): readonly string[] {
    const server = this.serverOf(host)
    return (server === undefined ? undefined : this.#domains[server]) ?? this.#allDomains
  }

  isHost(host: string): boolean {
    return this.#byHost.has(hostKey(host))
  }

  /** Whether two hosts belong to two servers here. */
  areApart(host: string, other: string): boolean {
    const [one, another] = [this.serverOf(host), this.serverOf(other)]
    return one !== undefined && another !== undefined && one !== another
  }

  /** The number of the server that a host, in normal form, belongs to; undefined: to none here. */
  serverOf(domain: string): number | undefined {
    const host = hostKey(domain)
    // Skips suffixes that are too long to match: a name that a stranger chose may have a thousand labels.
    for (let at = 0; ; ) {
      const server = host.length - at > this.#longestHost ? undefined : this.#byHost.get(host.slice(at))
      if (server !== undefined) return server
      at = host.indexOf('.', at) + 1
      if (at === 0) return undefined
    }
  }
}

/** The components, grouped by server. */
function grouped(components: readonly ServerComponent[]): readonly (readonly ServerComponent[])[] {
  let groups: ServerComponent[][] = []
  for (const component of components) {
    const same = groups.filter((group) => group.some((other) => isSameServer(other, component)))
    groups = [...groups.filter((group) => !same.includes(group)), [...same.flat(), component]]
  }
  return groups
}

function isSameServer(a: ServerComponent, b: ServerComponent): boolean {
  return (
    a.server === b.server ||
    a.hosts.some((host) => b.hosts.some((other) => normalDomain(other) === normalDomain(host)))
  )
}
