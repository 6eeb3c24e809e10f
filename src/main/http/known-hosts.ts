/**
 * The names that a listener goes by, and the web pages that may ask it. A page of any site can have a browser on this
 * machine send requests here: the page's own name may lead to this machine (DNS rebinding, seen by `Host`), or the page
 * asks across sites (seen by `Origin`). Both are refused.
 */
import { isIP, isIPv6 } from 'node:net'
import type { Address } from '../address.ts'

interface Authority {
  /** In lower case, an IPv6 address in its shortest form and without brackets. */
  readonly host: string
  /** '' where none is said. */
  readonly port: string
}

export class KnownHosts {
  readonly #names: ReadonlySet<string>
  readonly #named: ReadonlySet<string>
  /** Listening on every address there is, none of which a page can have as its name. */
  readonly #isWildcard: boolean

  /** `named`: names by which it is known besides its own address and localhost (`http.hosts`). */
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
   * Whether a request's `Origin` is a page of this listener's own: known as it is, and at the port that the request is
   * addressed to; a page of a named host may have any port, since a proxy's is not ours.
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

/** A request's target (RFC 9112 §3.2): its path with the query, and the authority if it says one. */
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
  // With a zone (`fe80::1%eth0`) it is no URL's host, and stays as it is.
  return URL.parse(`http://[${bare}]`)?.hostname.slice(1, -1) ?? bare
}
