import { createHash } from 'node:crypto'
import type { Element } from '../../core/xml/element.ts'
import { escapeXml } from '../../core/xml/escape.ts'
import type { ServerKind } from './component-options.ts'
import type { StreamFault } from './stream-error.ts'
import { lossByStreamError, type StreamLoss } from './stream-loss.ts'

export const streamNs = 'http://etherx.jabber.org/streams'
export const componentNs = 'jabber:component:accept'

/** What the handshake makes of what the server said. */
export type HandshakeStep =
  | { readonly kind: 'wait' }
  | { readonly kind: 'send'; readonly xml: string }
  | { readonly kind: 'up' }
  /** The server said no, and why. */
  | { readonly kind: 'refused'; readonly loss: StreamLoss }
  /** The server did what XEP-0114 does not foresee; it is told with a stream error. */
  | { readonly kind: 'fault'; readonly fault: StreamFault }

const wait: HandshakeStep = { kind: 'wait' }

/** The first thing on the wire (XEP-0114 §3). Openfire accepts a second stream of a domain only with `allowMultiple`. */
export function streamHeader(domain: string, serverKind: ServerKind): string {
  const several = serverKind === 'openfire' ? " allowMultiple='true'" : ''
  return `<?xml version='1.0'?><stream:stream xmlns='${componentNs}' xmlns:stream='${streamNs}' to='${escapeXml(domain)}'${several}>`
}

/**
 * What a parser that goes on in the middle of a stream has to be given first: the server's header, as far as it says what the
 * names of stanzas mean.
 */
export function headerToGoOn(header: Element): string {
  let prefix = ''
  let declarations = ''
  for (let i = 0; i < header.attributes.length; i += 2) {
    const [name = '', value = ''] = header.attributes.slice(i, i + 2)
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue
    declarations += ` ${name}='${escapeXml(value)}'`
    if (value === header.ns) prefix = name.slice('xmlns:'.length)
  }
  return `<${prefix === '' ? header.name : `${prefix}:${header.name}`}${declarations}>`
}

/** SHA-1 over stream id and secret. Lower-case hex: ejabberd takes no other. */
export function handshakeDigest(streamId: string, secret: string): string {
  return createHash('sha1').update(streamId).update(secret).digest('hex')
}

/**
 * The handshake of XEP-0114 §3, without the socket:
 *
 *   awaiting-header ──header──▶ awaiting-handshake ──<handshake/>──▶ up
 *
 * In every state `<stream:error/>` ends it. A header with an empty id (Prosody, for a domain that it does
 * not know) is followed by one: nothing can be hashed, so nothing is sent.
 */
export class ComponentHandshake {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  streamStart(header: Element): HandshakeStep {
    const id = header.attr('id') ?? ''
    if (id === '') return wait
    return { kind: 'send', xml: `<handshake>${handshakeDigest(id, this.#secret)}</handshake>` }
  }

  /** A child of the stream, while the stream is not up. */
  element(element: Element): HandshakeStep {
    if (element.ns === streamNs) {
      if (element.name === 'error') return { kind: 'refused', loss: lossByStreamError(element, false) }
      return wait // <stream:features/>, which XEP-0114 does not have, asks for nothing.
    }
    if (element.name === 'handshake' && element.ns === componentNs) return { kind: 'up' }
    const text = 'A stanza before the handshake was answered.'
    return { kind: 'fault', fault: { condition: 'not-authorized', text } }
  }
}
