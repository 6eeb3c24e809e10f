/**
 * Bytes to stanzas for the sandbox's server end, with saxes: on purpose not the daemon's own parser, so that
 * what the one writes is read by another.
 */
import { SaxesParser } from 'saxes'
import { SandboxElement } from './element.ts'

/** Called from `write`, in the order of the bytes; after `end` or `fault` nothing is called any more. */
export interface ReaderEvents {
  /** The stream's opening tag, with the `xml` that came with it (an XML declaration). */
  header(element: SandboxElement): void
  /** A complete child of the stream, with its `xml`. */
  stanza(element: SandboxElement): void
  /** `</stream:stream>`. */
  end(): void
  /** What came is not what RFC 6120 §11 allows; `condition` is a stream error's. */
  fault(condition: 'not-well-formed' | 'restricted-xml' | 'bad-format', text: string): void
}

export class StreamReader {
  readonly #events: ReaderEvents
  readonly #parser = new SaxesParser({ xmlns: true })
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  /** Open elements; the stream itself is the first. */
  readonly #open: SandboxElement[] = []
  #done = false
  /** The text from `#keptFrom` (a position of the parser) on: what stanzas are cut out of. */
  #kept = ''
  #keptFrom = 0

  constructor(events: ReaderEvents) {
    this.#events = events
    const parser = this.#parser
    parser.on('error', (error) => this.#fault('not-well-formed', error.message))
    parser.on('doctype', () => this.#fault('restricted-xml', 'document type'))
    parser.on('processinginstruction', () => this.#fault('restricted-xml', 'processing instruction'))
    parser.on('comment', () => this.#fault('restricted-xml', 'comment'))
    parser.on('text', (text) => this.#text(text))
    parser.on('cdata', (text) => this.#text(text))
    parser.on('opentag', ({ local, uri, attributes }) => {
      const values = Object.values(attributes).map(({ name, value }) => [name, value] as const)
      this.#openTag(new SandboxElement(local, uri, new Map(values)))
    })
    parser.on('closetag', ({ name, isSelfClosing }) => {
      // saxes closes an element before it complains that the tag was another's.
      if (isSelfClosing || this.#closingName() === name) this.#closeTag()
      else this.#fault('not-well-formed', `the tag that closes ${name} is another's`)
    })
  }

  write(bytes: Uint8Array): void {
    if (this.#done) return
    let text: string
    try {
      text = this.#decoder.decode(bytes, { stream: true })
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      this.#fault('not-well-formed', 'not UTF-8')
      return
    }
    this.#kept += text
    this.#parser.write(text)
  }

  #openTag(element: SandboxElement): void {
    if (this.#done) return
    const parent = this.#open.at(-1)
    this.#open.push(element)
    if (parent === undefined) {
      element.xml = this.#forget()
      this.#events.header(element)
    } else parent.children.push(element)
  }

  #closeTag(): void {
    if (this.#done) return
    const element = this.#open.pop()
    if (element === undefined) return
    if (this.#open.length === 0) {
      this.#done = true
      this.#events.end()
    } else if (this.#open.length === 1) {
      element.xml = this.#forget().trim()
      // A stream lives long: its stanzas are not kept in it.
      ;(this.#open[0] as SandboxElement).children.length = 0
      this.#events.stanza(element)
    }
  }

  #text(text: string): void {
    if (this.#done) return
    if (this.#open.length > 1) (this.#open.at(-1) as SandboxElement).children.push(text)
    else if (text.trim() !== '') this.#fault('bad-format', 'text between stanzas')
  }

  /** The name in the closing tag that the parser has just read. */
  #closingName(): string {
    const end = this.#parser.position - this.#keptFrom - 1
    return this.#kept.slice(this.#kept.lastIndexOf('</', end) + 2, end).trim()
  }

  /** The text up to where the parser is, which is dropped. */
  #forget(): string {
    const { position } = this.#parser
    const text = this.#kept.slice(0, position - this.#keptFrom)
    this.#kept = this.#kept.slice(position - this.#keptFrom)
    this.#keptFrom = position
    return text
  }

  #fault(condition: 'not-well-formed' | 'restricted-xml' | 'bad-format', text: string): void {
    if (this.#done) return
    this.#done = true
    this.#events.fault(condition, text)
  }
}

/** Reads one complete element that stands alone, as in a component's stream; throws when it is none. */
export function parseStanza(xml: string): SandboxElement {
  let found: SandboxElement | undefined
  let problem = 'not one complete element'
  const reader = new StreamReader({
    header: () => undefined,
    stanza: (element) => {
      found = element
    },
    end: () => undefined,
    fault: (_, text) => {
      problem = text
      found = undefined
    },
  })
  const header = `<stream:stream xmlns='${componentNs}' xmlns:stream='${streamsNs}'>`
  reader.write(new TextEncoder().encode(`${header}${xml}</stream:stream>`))
  if (found === undefined || found.xml !== xml.trim())
    throw new SyntaxError(`${problem}: ${xml.slice(0, 200)}`)
  return found
}

export const componentNs = 'jabber:component:accept'
export const streamsNs = 'http://etherx.jabber.org/streams'
