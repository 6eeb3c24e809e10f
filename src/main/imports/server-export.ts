/**
 * What a server with push of its own has exported: a table of its SQL database, or a dump of Mnesia. Which of the two
 * is seen from the beginning of the text.
 */

import { withoutMark } from './bytes.ts'
import { readTerm, type Term } from './erlang-term.ts'
import { ErlangTerms, type TermText } from './erlang-terms.ts'
import { ExportError, type ExportReader, type Imported, imported } from './export-reader.ts'
import type { Fields } from './imported-subscription.ts'
import { type Row, TableRows } from './table-rows.ts'

/** How a server keeps its push registrations. A text in place of a subscription: why it is none. */
export interface ServerLayout {
  /** Of its SQL table: those that have to be there. */
  readonly columns: readonly string[]
  /** `cell` gives a column's value, '' for one that is not there. */
  readonly fromRow: (cell: (column: string) => string) => Fields | string
  /** The record's name in Mnesia. */
  readonly record: string
  /** The record's fields, without its name. */
  readonly fromRecord: (fields: readonly Term[]) => Fields | string
}

export class ServerExport implements ExportReader {
  readonly #layout: ServerLayout
  readonly #path: string
  /** The beginning, until it says what this is. */
  #beginning = ''
  #reader: TableReader | DumpReader | undefined

  /** @param path as it is named to people */
  constructor(layout: ServerLayout, path: string) {
    this.#layout = layout
    this.#path = path
  }

  push(bytes: string): Imported[] {
    if (this.#reader !== undefined) return this.#reader.push(bytes)
    const beginning = this.#beginning + bytes
    const [first] = withoutMark(beginning).trimStart()
    if (first === undefined) {
      this.#beginning = beginning
      return []
    }
    const isDump = first === '{' || first === '%'
    this.#beginning = ''
    this.#reader = new (isDump ? DumpReader : TableReader)(this.#layout, this.#path)
    return this.#reader.push(beginning)
  }

  end(): Imported[] {
    return this.#reader?.end() ?? []
  }
}

class TableReader implements ExportReader {
  readonly #layout: ServerLayout
  readonly #path: string
  readonly #rows = new TableRows()
  #header: readonly string[] | undefined

  constructor(layout: ServerLayout, path: string) {
    this.#layout = layout
    this.#path = path
  }

  push(bytes: string): Imported[] {
    return this.#take(this.#rows.push(bytes))
  }

  end(): Imported[] {
    return this.#take(this.#rows.end())
  }

  #take(rows: Row[]): Imported[] {
    if (this.#header === undefined) {
      const header = rows.shift()
      if (header === undefined) return []
      this.#header = this.#headerOf(header)
    }
    const names = this.#header
    return rows.map(({ line, cells, fault }) => {
      const place = `${this.#path}:${line}`
      if (fault !== undefined) return { kind: 'fault', place, reason: fault }
      if (cells.length !== names.length) {
        return imported(place, `has ${cells.length} values, and the header names ${names.length}`)
      }
      return imported(
        place,
        this.#layout.fromRow((column) => cells[names.indexOf(column)] ?? ''),
      )
    })
  }

  #headerOf({ cells, fault }: Row): readonly string[] {
    const names = cells.map((name) => name.trim().toLowerCase())
    const missing = this.#layout.columns.filter((column) => !names.includes(column))
    if (fault === undefined && missing.length === 0) return names
    throw new ExportError(
      `${this.#path}: the first line names no column ${missing.join(', ')}: export the table with a header`,
    )
  }
}

class DumpReader implements ExportReader {
  readonly #layout: ServerLayout
  readonly #path: string
  readonly #terms = new ErlangTerms()
  /** How the records begin: a dump may hold other tables too. */
  readonly #beginning: RegExp

  constructor(layout: ServerLayout, path: string) {
    this.#layout = layout
    this.#path = path
    this.#beginning = new RegExp(`^\\{\\s*${layout.record}\\s*,`)
  }

  push(bytes: string): Imported[] {
    return this.#take(this.#terms.push(bytes))
  }

  end(): Imported[] {
    return this.#take(this.#terms.end())
  }

  #take(terms: TermText[]): Imported[] {
    return terms
      .filter(({ text }) => this.#beginning.test(text))
      .map(({ line, text, isTooLong }) =>
        imported(`${this.#path}:${line}`, isTooLong ? 'is too long' : this.#fieldsOf(text)),
      )
  }

  #fieldsOf(text: string): Fields | string {
    const term = readTerm(text)
    if (typeof term === 'string') return term
    if (term.kind !== 'tuple') return 'is no record'
    return this.#layout.fromRecord(term.items.slice(1))
  }
}
