/**
 * The server's side of one component stream (XEP-0114), without its socket.
 *
 * States: `header` (waiting for the opening tag) → `handshake` (waiting for the digest) → `open` → `closed`.
 * Only an open stream takes and gets stanzas; `closed` is final and told once.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { SandboxElement } from './element.ts'
import { escapeXml } from './stanzas.ts'
import { componentNs, StreamReader, streamsNs } from './xmpp-reader.ts'

export interface StreamPorts {
  write(xml: string): void
  /** Ends the connection once what was written is out. */
  end(): void
  /** The secret of a domain; undefined: no such domain here. */
  secretOf(domain: string): string | undefined
  /** Whether another stream keeps this one out. */
  isTaken(domain: string): boolean
  /** From that look to the stream being there, in milliseconds; 0: none. */
  readonly acceptMs: number
  /** The handshake was right: what is to follow `<handshake/>` in the same write; '' when nothing is. */
  opened(domain: string): string
  /** A stanza with right addresses. */
  stanza(element: SandboxElement): void
  /** The component ended the stream, or a stream error did. */
  closed(reason: 'ended' | 'error'): void
  /** A tag that is no stanza came in or went out. */
  sawTag(direction: 'in' | 'out', xml: string): void
}

export class ServerStream {
  domain = ''
  readonly #ports: StreamPorts
  readonly #id = randomUUID()
  readonly #reader: StreamReader
  #state: 'header' | 'handshake' | 'open' | 'closed' = 'header'

  constructor(ports: StreamPorts) {
    this.#ports = ports
    this.#reader = new StreamReader({
      header: (element) => this.#header(element),
      stanza: (element) => this.#stanza(element),
      end: () => {
        this.#ports.sawTag('in', '</stream:stream>')
        this.#end('ended')
      },
      fault: (condition, text) => this.fail(condition, text),
    })
  }

  read(bytes: Uint8Array): void {
    if (this.#state !== 'closed') this.#reader.write(bytes)
  }

  /** Ends the stream with a stream error (RFC 6120 §4.9). */
  fail(condition: string, text: string): void {
    if (this.#state === 'closed') return
    if (this.#state === 'header') this.#writeTag(openingTag('', this.domain))
    const textElement = text === '' ? '' : `<text xmlns='${streamErrorsNs}'>${escapeXml(text)}</text>`
    this.#writeTag(`<stream:error><${condition} xmlns='${streamErrorsNs}'/>${textElement}</stream:error>`)
    this.#end('error')
  }

  #header(header: SandboxElement): void {
    this.#ports.sawTag('in', header.xml)
    if (header.name !== 'stream' || header.ns !== streamsNs || header.attr('xmlns') !== componentNs) {
      this.fail('invalid-namespace', '')
      return
    }
    const domain = header.attr('to')
    if (domain === undefined || domain === '') {
      this.fail('improper-addressing', "Missing 'to' attribute")
      return
    }
    this.domain = domain
    if (this.#ports.secretOf(domain) === undefined) {
      // As Prosody: before any handshake, in a stream without an id.
      this.fail('host-unknown', `${domain} does not match any configured external components`)
      return
    }
    this.#state = 'handshake'
    this.#writeTag(openingTag(this.#id, domain))
  }

  #stanza(element: SandboxElement): void {
    if (this.#state === 'handshake') this.#handshake(element)
    else if (this.#state === 'open' && this.#hasRightAddresses(element)) this.#ports.stanza(element)
  }

  #handshake(element: SandboxElement): void {
    this.#ports.sawTag('in', element.xml)
    const secret = this.#ports.secretOf(this.domain) ?? ''
    const digest = createHash('sha1').update(this.#id).update(secret).digest('hex')
    // To the letter, like ejabberd: upper case hex is refused.
    if (element.name !== 'handshake' || element.text() !== digest) {
      this.fail('not-authorized', 'Given token does not match calculated token')
    } else if (this.#ports.isTaken(this.domain)) {
      this.fail('conflict', 'Component already connected')
    } else if (this.#ports.acceptMs === 0) {
      this.#accept()
    } else {
      setTimeout(() => this.#accept(), this.#ports.acceptMs)
    }
  }

  #accept(): void {
    if (this.#state !== 'handshake') return
    this.#state = 'open'
    this.#ports.sawTag('out', '<handshake/>')
    this.#ports.write(`<handshake/>${this.#ports.opened(this.domain)}`)
  }

  /** ejabberd's rules: an address is missing or another's → the stream ends. */
  #hasRightAddresses(element: SandboxElement): boolean {
    if (!['iq', 'message', 'presence'].includes(element.name) || element.ns !== componentNs) {
      this.fail('unsupported-stanza-type', '')
      return false
    }
    for (const name of ['to', 'from']) {
      if (element.attr(name)) continue
      this.fail('improper-addressing', `Missing '${name}' attribute`)
      return false
    }
    // From any component of the listener, as ejabberd 23.01 lets each of them.
    if (this.#ports.secretOf(domainOf(element.attr('from') ?? '')) === undefined) {
      this.fail('invalid-from', '')
      return false
    }
    return true
  }

  #writeTag(xml: string): void {
    this.#ports.sawTag('out', xml)
    this.#ports.write(xml)
  }

  #end(reason: 'ended' | 'error'): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#writeTag('</stream:stream>')
    this.#ports.end()
    this.#ports.closed(reason)
  }
}

/** The domain part of a JID (RFC 7622 §3.1), as written. */
export function domainOf(jid: string): string {
  const slash = jid.indexOf('/')
  const bare = slash === -1 ? jid : jid.slice(0, slash)
  return bare.slice(bare.indexOf('@') + 1)
}

function openingTag(id: string, domain: string): string {
  const from = domain === '' ? '' : ` from='${escapeXml(domain)}'`
  return `<?xml version='1.0'?><stream:stream xmlns='${componentNs}' xmlns:stream='${streamsNs}' id='${id}'${from}>`
}

const streamErrorsNs = 'urn:ietf:params:xml:ns:xmpp-streams'
