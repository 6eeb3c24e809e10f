/**
 * The host names of a listener, and the sites whose pages may send requests to it. A page of any site can make a browser on
 * this machine send requests here: the name of its site may resolve to this machine (DNS rebinding, which `Host` shows), or
 * the page sends cross-site requests (which `Origin` shows). Both are refused.
 */
import { isIP, isIPv6 } from 'node:net'
import type { Address } from '../address.ts'

interface Authority {
  /** In lower case, an IPv6 address in its shortest form and without brackets. */
  readonly host: string
  /** '' if there is none. */
  readonly port: string
}

export class KnownHosts {
  readonly #names: ReadonlySet<string>
  readonly #named: ReadonlySet<string>
  /** It listens on every address. A literal IP address is safe then: DNS rebinding needs a name. */
  readonly #isWildcard: boolean

  /** `named`: its names besides its own address and localhost (`http.hosts`). */
  constructor(listen: Address, named: readonly string[]) {
    const own = listen.kind === 'tcp' ? canonicalHost(listen.host) : 'localhost'
    this.#named = new Set(named.map(canonicalHost))
    const loopback = own === 'localhost' ? ['127.0.0.1', '::1'] : []
    this.#names = new Set(['localhost', own, ...loopback, ...this.#named])
    this.#isWildcard = own === '0.0.0.0' || own === '::'
  }

  /** `authority`: a request's `Host`, its `:authority`, or that of an absolute-form target (RFC 9112 §3.2.2). */
  has(authority: string | undefined): boolean {
    const parsed = parseAuthority(authority ?? '')
    return parsed !== undefined && this.#hasHost(parsed.host)
  }

  /**
   * Whether a request's `Origin` is this listener itself: one of its names, and the port of the request. A host in
   * `http.hosts` may have any port, because a proxy has a port of its own.
   */
  isOwnOrigin(origin: string, authority: string | undefined): boolean {
    const page = parseAuthority(/^https?:\/\/([^/]+)$/i.exec(origin)?.[1] ?? '')
    if (page === undefined || !this.#hasHost(page.host)) return false
    return this.#named.has(page.host) || page.port === parseAuthority(authority ?? '')?.port
  }

  #hasHost(host: string): boolean {
    return this.#names.has(host) || (this.#isWildcard && isIP(host) !== 0)
  }
}

/** A request's target (RFC 9112 §3.2): its path with the query, and the authority if it has one. */
export function splitTarget(target: string): {
  readonly path: string
  readonly authority: string | undefined
} {
  const [, authority, path = ''] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(target) ?? []
  if (authority === undefined) return { path: target, authority }
  return { path: path.startsWith('/') ? path : `/${path}`, authority }
}

function parseAuthority(text: string): Authority | undefined {
  const [, bracketed, name, port = ''] = /^(?:\[([^\]]+)\]|([^\s:/?#@[\]]+))(?::(\d{0,5}))?$/.exec(text) ?? []
  const host = bracketed ?? name
  if (host === undefined || (bracketed !== undefined && !isIPv6(bracketed))) return undefined
  return { host: canonicalHost(host), port }
}

/** A name, or an address with or without brackets. */
export function canonicalHost(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (!isIPv6(bare)) return bare.replace(/\.$/, '')
  // An address with a zone (`fe80::1%eth0`) cannot be the host of a URL, and stays as it is.
  return URL.parse(`http://[${bare}]`)?.hostname.slice(1, -1) ?? bare
}
