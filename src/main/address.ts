import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Where a socket listens or connects to. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** `host:port`, `[IPv6]:port` or `unix:/path`; undefined for anything else. Port 0 is left to the caller. */
export function parseAddress(text: string): Address | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    return path.startsWith('/') && path.length > 1 ? { kind: 'unix', path } : undefined
  }
  const parts = /^(?:\[([^\]]+)\]|([^\s:/?#@[\]]+)):(\d{1,5})$/.exec(text)
  if (parts === null) return undefined
  const [, bracketed, name, digits] = parts
  const host = bracketed ?? name ?? ''
  const port = Number(digits)
  if (port > 65_535 || (bracketed !== undefined && !isIPv6(bracketed))) return undefined
  return { kind: 'tcp', host, port }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine reaches it: a loopback address or a unix socket. */
export function isLocal(address: Address): boolean {
  if (address.kind === 'unix' || address.host === 'localhost') return true
  if (isIPv4(address.host)) return loopback.check(address.host, 'ipv4')
  return isIPv6(address.host) && loopback.check(address.host, 'ipv6')
}

/** @throws {SyntaxError} when the text is no address. */
export function requireAddress(text: string): Address {
  const address = parseAddress(text)
  if (address === undefined) throw new SyntaxError(`"${text}": not host:port, [IPv6]:port or unix:/path`)
  return address
}
