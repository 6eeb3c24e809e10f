import { utf8Of } from './bytes.ts'

/** A term of Erlang, as far as a text can hold one. */
export type Term =
  | { readonly kind: 'atom'; readonly name: string }
  | { readonly kind: 'number'; readonly value: number }
  /** `text`: its bytes, taken for UTF-8. */
  | { readonly kind: 'binary'; readonly text: string }
  | { readonly kind: 'tuple'; readonly items: readonly Term[] }
  | { readonly kind: 'list'; readonly items: readonly Term[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [Term, Term])[] }

/** Deeper than any record of a push subscription. */
const maxDepth = 64

/** What `io_lib` writes for characters that are printable, and could be misread. */
const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  d: '\x7f',
  e: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  s: ' ',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
}

const space = /(?:\s|%[^\n]*\n)*/y
const atom = /[a-z][\w@]*/y
const number = /-?\d+(?:\.\d+(?:e[+-]?\d+)?)?/y

/** Reads one term, given as bytes; a text: why it is none. Nothing of it is evaluated. Pure. */
export function readTerm(bytes: string): Term | string {
  try {
    return new TermReader(bytes).whole()
  } catch (error) {
    if (error instanceof TermFault) return error.message
    throw error
  }
}

class TermFault extends Error {}

class TermReader {
  readonly #bytes: string
  #at = 0
  #depth = 0

  constructor(bytes: string) {
    this.#bytes = bytes
  }

  whole(): Term {
    const term = this.#term()
    if (this.#at < this.#bytes.length) throw this.#fault()
    return term
  }

  #term(): Term {
    if (++this.#depth > maxDepth) throw new TermFault('is nested too deep')
    this.#skipSpace()
    const term = this.#begun()
    this.#depth--
    this.#skipSpace()
    return term
  }

  #begun(): Term {
    if (this.#takes('{')) return { kind: 'tuple', items: this.#items('}') }
    if (this.#takes('[')) return { kind: 'list', items: this.#items(']') }
    if (this.#takes('#{')) return { kind: 'map', entries: this.#entries() }
    if (this.#takes('<<')) return this.#binary()
    if (this.#takes('"')) return { kind: 'list', items: this.#characters() }
    if (this.#takes("'")) return { kind: 'atom', name: this.#text(this.#quoted("'")) }
    const digits = this.#match(number)
    if (digits !== undefined) return { kind: 'number', value: Number(digits) }
    const name = this.#match(atom)
    if (name !== undefined) return { kind: 'atom', name }
    // A process, a function, a reference.
    throw this.#fault()
  }

  #items(end: string): Term[] {
    const items: Term[] = []
    this.#skipSpace()
    if (this.#takes(end)) return items
    do items.push(this.#term())
    while (this.#takes(','))
    this.#expect(end)
    return items
  }

  #entries(): [Term, Term][] {
    const entries: [Term, Term][] = []
    this.#skipSpace()
    if (this.#takes('}')) return entries
    do {
      const key = this.#term()
      this.#expect('=>')
      entries.push([key, this.#term()])
    } while (this.#takes(','))
    this.#expect('}')
    return entries
  }

  /** `<<"text">>`, also in pieces and with `/utf8`, or `<<1,2,3>>`. */
  #binary(): Term {
    let bytes = ''
    this.#skipSpace()
    if (this.#takes('"')) {
      do {
        bytes += this.#quoted('"')
        this.#takes('/utf8')
        this.#skipSpace()
      } while (this.#takes('"'))
      this.#expect('>>')
    } else {
      for (const item of this.#items('>>')) {
        if (item.kind !== 'number' || !(item.value >= 0 && item.value <= 0xff)) {
          throw new TermFault('holds a binary that is not of bytes')
        }
        bytes += String.fromCharCode(item.value)
      }
    }
    return { kind: 'binary', text: this.#text(bytes) }
  }

  /** Bytes up to the closing quote. */
  #quoted(quote: '"' | "'"): string {
    let bytes = ''
    for (let start = this.#at; ; this.#at++) {
      const character = this.#bytes[this.#at]
      if (character === undefined) throw this.#fault()
      if (character !== quote && character !== '\\') continue
      bytes += this.#bytes.slice(start, this.#at++)
      if (character === quote) return bytes
      const meant = escapes[this.#bytes[this.#at] ?? '']
      if (meant === undefined) throw this.#fault()
      bytes += meant
      start = this.#at + 1
    }
  }

  /** A string is a list of numbers. */
  #characters(): Term[] {
    return Array.from(this.#quoted('"'), (one) => ({ kind: 'number', value: one.charCodeAt(0) }) as const)
  }

  #text(bytes: string): string {
    const text = utf8Of(bytes)
    if (text === undefined) throw new TermFault('holds bytes that are not UTF-8')
    return text
  }

  #skipSpace(): void {
    this.#match(space)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#bytes)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #takes(text: string): boolean {
    if (!this.#bytes.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #expect(text: string): void {
    if (!this.#takes(text)) throw this.#fault()
  }

  #fault(): TermFault {
    if (this.#at >= this.#bytes.length) return new TermFault('does not end')
    const line = this.#bytes.slice(0, this.#at).split('\n').length
    return new TermFault(`cannot be read at its line ${line}`)
  }
}

export function isAtom(term: Term | undefined, name: string): boolean {
  return term?.kind === 'atom' && term.name === name
}

export function binaryOf(term: Term | undefined): string | undefined {
  return term?.kind === 'binary' ? term.text : undefined
}

/** The items of a tuple of binaries. */
export function binariesOf(term: Term | undefined): readonly string[] | undefined {
  if (term?.kind !== 'tuple') return undefined
  const texts = term.items.map(binaryOf)
  return texts.every((text) => text !== undefined) ? texts : undefined
}

/** The items of a tuple of numbers. */
export function numbersOf(term: Term | undefined): readonly number[] | undefined {
  if (term?.kind !== 'tuple') return undefined
  const numbers = term.items.map((item) => (item.kind === 'number' ? item.value : undefined))
  return numbers.every((number) => number !== undefined) ? numbers : undefined
}

/** The bare JID of a localpart (which may be empty), a domain, and perhaps a resource. */
export function addressOf(parts: readonly string[] | undefined): string | undefined {
  const [local, domain] = parts ?? []
  if (local === undefined || domain === undefined || domain === '') return undefined
  return local === '' ? domain : `${local}@${domain}`
}
