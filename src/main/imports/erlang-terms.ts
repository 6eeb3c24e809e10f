import { countLines } from './bytes.ts'
import { maxEntryBytes } from './export-reader.ts'

/**
 * Finds the terms of a text that Erlang can consult (`term.` after `term.`), such as a dump of Mnesia's tables. What is
 * within a term is left to `readTerm`.
 */
export interface TermText {
  /** Where it begins, from 1. */
  readonly line: number
  /** Without the full stop. Of one that is too long only the beginning. */
  readonly text: string
  readonly isTooLong: boolean
}

type Place = 'outside' | 'comment' | '"' | "'"

/** Enough to see what kind of record one that is too long was. */
const keptBytes = 256

export class ErlangTerms {
  #rest = ''
  /** Up to where `#rest` was looked at. */
  #at = 0
  #place: Place = 'outside'
  #line = 1
  /** The beginning of a term that is too long to be kept. */
  #cut: TermText | undefined

  push(bytes: string): TermText[] {
    const text = this.#rest + bytes
    const found: TermText[] = []
    let start = 0
    let at = this.#at
    // Whether a full stop ends a term is seen by what follows it.
    for (; at < text.length - 1; at++) {
      const character = text[at]
      switch (this.#place) {
        case 'comment':
          if (character === '\n') this.#place = 'outside'
          break
        case 'outside':
          if (character === '%') this.#place = 'comment'
          else if (character === '"' || character === "'") this.#place = character
          else if (character === '.' && isSpace(text.charCodeAt(at + 1))) {
            this.#end(text.slice(start, at), found)
            start = at + 1
          }
          break
        default:
          if (character === '\\') at++
          else if (character === this.#place) this.#place = 'outside'
      }
    }
    this.#keep(text.slice(start), at - start)
    return found
  }

  /** What is left over, unless it is space and comments: a term that does not end. */
  end(): TermText[] {
    const found = this.push('\n')
    const left = this.#cut ?? this.#begun(this.#rest)
    if (left.text !== '') found.push(left)
    return found
  }

  #end(text: string, found: TermText[]): void {
    const term = this.#cut ?? this.#begun(text)
    found.push(term.text.length > maxEntryBytes ? cut(term) : term)
    this.#line += countLines(text)
    this.#cut = undefined
  }

  #keep(rest: string, at: number): void {
    if (rest.length <= maxEntryBytes) {
      this.#rest = rest
      this.#at = at
      return
    }
    this.#cut ??= cut(this.#begun(rest))
    this.#line += countLines(rest.slice(0, at))
    this.#rest = rest.slice(at)
    this.#at = 0
  }

  /** Without the space and the comments before it. */
  #begun(text: string): TermText {
    const [before = ''] = /^(?:\s|%[^\n]*(?:\n|$))*/.exec(text) ?? []
    return { line: this.#line + countLines(before), text: text.slice(before.length), isTooLong: false }
  }
}

function cut({ line, text }: TermText): TermText {
  return { line, text: text.slice(0, keptBytes), isTooLong: true }
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0x25
}
