import { isIP } from 'node:net'
import { isTopic } from '../../core/apns/request.ts'
import { foldedDomain } from '../../core/jid.ts'
import { parseAddress } from '../address.ts'

/** What `format` means in the schema: whether a text has that form. */
export const formats = {
  address: (text: string) => isAddress(text, 1),
  'listen-address': (text: string) => isAddress(text, 0),
  domain: isDomain,
  'domain-pattern': (text: string) => isDomain(text.replaceAll('@HOST@', 'host')),
  host: (text: string) => isIP(text) !== 0 || /^(?:[a-z0-9_-]+\.)*[a-z0-9_-]+$/.test(text),
  origin: isOrigin,
  'https-origin': isHttpsOrigin,
  'https-origin-or-none': (text: string) => text === '' || isHttpsOrigin(text),
  'listen-address-or-none': (text: string) => text === '' || isAddress(text, 0),
  'apple-id': (text: string) => /^([A-Z0-9]{10})?$/.test(text),
  topic: (text: string) => text === '' || isTopic(text),
  language: (text: string) => /^([A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*)?$/.test(text),
  'path-prefix': (text: string) => /^\/[^\s?#]*$/.test(text),
} as const

function isAddress(text: string, lowestPort: number): boolean {
  const address = parseAddress(text)
  return address !== undefined && (address.kind === 'unix' || address.port >= lowestPort)
}

/**
 * A domain as it stands in a JID (RFC 7622 §3.2), in the form in which servers write it. None has parentheses, so that
 * what comes in otherwise may be told by them.
 */
function isDomain(text: string): boolean {
  return (
    text !== '' &&
    Buffer.byteLength(text) <= 1023 &&
    text === foldedDomain(text) &&
    !/[\s@/<>&'"()\p{Cc}]/u.test(text)
  )
}

function isHttpsOrigin(text: string): boolean {
  return isOrigin(text) && text.startsWith('https:')
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  return (
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.username === '' &&
    url.password === '' &&
    url.pathname === '/' &&
    !/[?#\s]/.test(text)
  )
}
