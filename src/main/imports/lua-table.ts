import { utf8Of } from './bytes.ts'

/** What Lua's literals stand for. */
export type LuaValue = string | number | boolean | null | LuaTable
/** By key; items without one have the numbers from 1. */
export type LuaTable = ReadonlyMap<string | number, LuaValue>

/** Deeper than a form in a push registration. */
const maxDepth = 64

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
  // Lua's own way to write a string that it can read back.
  '\n': '\n',
}

const space = /[ \t\r\n]*/y
const number = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/y
const name = /[A-Za-z_]\w*/y
const decimal = /\d{1,3}/y
const words = new Map([
  ['true', true],
  ['false', false],
  ['nil', null],
])

/**
 * Reads a data file of Prosody: `return`, one table, and nothing else. It takes what Prosody's serializer writes,
 * literals alone: nothing is evaluated, and anything more is a fault. Given as bytes; a text: why it cannot be read. Pure.
 */
export function readLuaTable(bytes: string): LuaTable | string {
  try {
    return new LuaReader(bytes).whole()
  } catch (error) {
    if (error instanceof LuaFault) return error.message
    throw error
  }
}

class LuaFault extends Error {}

class LuaReader {
  readonly #bytes: string
  #at = 0
  #depth = 0

  constructor(bytes: string) {
    this.#bytes = bytes
  }

  whole(): LuaTable {
    this.#skipSpace()
    this.#expect('return')
    this.#skipSpace()
    this.#expect('{')
    const table = this.#table()
    this.#skipSpace()
    this.#takes(';')
    this.#skipSpace()
    if (this.#at < this.#bytes.length) throw this.#fault()
    return table
  }

  /** From behind its opening brace. */
  #table(): LuaTable {
    if (++this.#depth > maxDepth) throw new LuaFault('is nested too deep')
    const table = new Map<string | number, LuaValue>()
    let items = 0
    for (;;) {
      this.#skipSpace()
      if (this.#takes('}')) break
      const key = this.#key()
      const value = this.#value()
      if (value !== null) table.set(key ?? items + 1, value)
      if (key === undefined) items++
      this.#skipSpace()
      if (this.#takes(';') || this.#takes(',')) continue
      this.#expect('}')
      break
    }
    this.#depth--
    return table
  }

  /** `["key"] =`, `[1] =` or `key =`; undefined: the item has none. */
  #key(): string | number | undefined {
    if (this.#takes('[')) {
      const key = this.#value()
      if (typeof key !== 'string' && typeof key !== 'number') throw this.#fault()
      this.#skipSpace()
      this.#expect(']')
      this.#skipSpace()
      this.#expect('=')
      return key
    }
    const start = this.#at
    const key = this.#match(name)
    this.#skipSpace()
    if (key !== undefined && !words.has(key) && this.#takes('=')) return key
    this.#at = start
    return undefined
  }

  #value(): LuaValue {
    this.#skipSpace()
    if (this.#takes('{')) return this.#table()
    if (this.#takes('"')) return this.#string()
    const digits = this.#match(number)
    if (digits !== undefined) return Number(digits)
    const meant = words.get(this.#match(name) ?? '')
    if (meant === undefined) throw this.#fault()
    return meant
  }

  #string(): string {
    let bytes = ''
    for (let start = this.#at; ; ) {
      const character = this.#bytes[this.#at]
      if (character === undefined || character === '\n') throw this.#fault()
      if (character !== '"' && character !== '\\') {
        this.#at++
        continue
      }
      bytes += this.#bytes.slice(start, this.#at++)
      if (character === '"') return this.#text(bytes)
      bytes += this.#escaped()
      start = this.#at
    }
  }

  /** From behind the backslash. */
  #escaped(): string {
    const digits = this.#match(decimal)
    if (digits !== undefined) {
      if (Number(digits) > 0xff) throw this.#fault()
      return String.fromCharCode(Number(digits))
    }
    const meant = escapes[this.#bytes[this.#at] ?? '']
    if (meant === undefined) throw this.#fault()
    this.#at++
    return meant
  }

  #text(bytes: string): string {
    const text = utf8Of(bytes)
    if (text === undefined) throw new LuaFault('holds a text that is not UTF-8')
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

  #fault(): LuaFault {
    if (this.#at >= this.#bytes.length) return new LuaFault('does not end')
    const line = this.#bytes.slice(0, this.#at).split('\n').length
    return new LuaFault(`cannot be read at line ${line}`)
  }
}
