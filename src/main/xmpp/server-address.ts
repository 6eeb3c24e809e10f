import { isIP } from 'node:net'

/** Where an XMPP server listens for components: what `net.connect` takes. */
export type ServerAddress =
  | {
      readonly host: string
      readonly port: number
      /** For SNI and the certificate's name; undefined for an IP address, which SNI cannot carry (RFC 6066 §3). */
      readonly serverName: string | undefined
    }
  | { readonly path: string; readonly serverName: undefined }

/**
 * Reads `host:port`, `[v6]:port` or `unix:/path`.
 *
 * @throws {SyntaxError} when the text is none of these; the message says what is allowed.
 */
export function parseServerAddress(text: string): ServerAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    if (!path.startsWith('/')) throw new SyntaxError(`"${text}": unix: needs an absolute path`)
    return { path, serverName: undefined }
  }
  const colon = text.lastIndexOf(':')
  const bracketed = text.startsWith('[') && text[colon - 1] === ']'
  const host = bracketed ? text.slice(1, colon - 1) : text.slice(0, Math.max(colon, 0))
  const portText = text.slice(colon + 1)
  const port = Number(portText)
  const isHost = bracketed ? isIP(host) === 6 : host !== '' && !/[\s:/[\]]/.test(host)
  if (!isHost || !/^\d{1,5}$/.test(portText) || port < 1 || port > 65535) {
    throw new SyntaxError(`"${text}": not host:port, [IPv6]:port or unix:/path`)
  }
  return { host, port, serverName: isIP(host) === 0 ? host : undefined }
}
