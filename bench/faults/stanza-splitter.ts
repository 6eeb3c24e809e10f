import { StringDecoder } from 'node:string_decoder'

/** What a component sends, one thing at a time. Attribute values of ours never hold a raw `>`. */
export interface StreamParts {
  /** `<stream:stream …>` */
  header(tag: string): void
  /** A complete child of the stream: the handshake, a stanza, a stream error. */
  element(xml: string, name: string): void
  /** `</stream:stream>` */
  end(): void
  /** Neither of these: what follows cannot be read. */
  garbage(text: string): void
}

/** Cuts a component's stream into its stanzas, without reading what they hold. */
export class StanzaSplitter {
  readonly #parts: StreamParts
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #broken = false

  constructor(parts: StreamParts) {
    this.#parts = parts
  }

  write(chunk: Buffer): void {
    if (this.#broken) return
    const text = this.#rest + this.#decoder.write(chunk)
    let at = 0
    for (;;) {
      while (at < text.length && text.charCodeAt(at) <= 32) at++
      const next = at === text.length ? at : this.#take(text, at)
      if (next <= at) break
      at = next
    }
    this.#rest = text.slice(at)
  }

  /** Where it ends; `at` itself while it is not complete. */
  #take(text: string, at: number): number {
    const tagEnd = text.indexOf('>', at) + 1
    if (text[at] !== '<') return this.#giveUp(text, at)
    if (tagEnd === 0) return at
    const tag = text.slice(at, tagEnd)
    if (tag.startsWith('<?')) return tagEnd
    if (tag.startsWith('<stream:stream')) {
      this.#parts.header(tag)
      return tagEnd
    }
    if (tag === '</stream:stream>') {
      this.#parts.end()
      return tagEnd
    }
    const [, name] = /^<([a-z][\w:.-]*)[\s/>]/i.exec(tag) ?? []
    if (name === undefined) return this.#giveUp(text, at)
    if (tag.endsWith('/>')) {
      this.#parts.element(tag, name)
      return tagEnd
    }
    const closing = `</${name}>`
    const end = text.indexOf(closing, tagEnd)
    if (end === -1) return at
    this.#parts.element(text.slice(at, end + closing.length), name)
    return end + closing.length
  }

  #giveUp(text: string, at: number): number {
    this.#broken = true
    this.#parts.garbage(text.slice(at, at + 200))
    return at
  }
}

/** An attribute of the first tag; undefined when it has none of this name. */
export function attributeOf(xml: string, name: string): string | undefined {
  const tag = xml.slice(0, xml.indexOf('>'))
  const match = new RegExp(`\\s${name}=(?:'([^']*)'|"([^"]*)")`).exec(tag)
  return match?.[1] ?? match?.[2]
}
