import { countLines, utf8Of, withoutMark } from './bytes.ts'
import { maxEntryBytes } from './export-reader.ts'

/**
 * The rows of a table that a database's client has written, in one of two forms, told apart by the first line:
 *
 *   comma   CSV (RFC 4180): values with commas, quotes or line ends stand in double quotes
 *   tab     values are parted by tabs, and `\t \n \\ …` stand for what would be misread (`mysql --batch`, PostgreSQL's
 *           text form, whose `\N` is an empty value here)
 *
 * After a faulty row it goes on with the next line.
 */
export interface Row {
  /** Where it begins, from 1. */
  readonly line: number
  readonly cells: readonly string[]
  /** Why it cannot be read. */
  readonly fault: string | undefined
}

export class TableRows {
  #rest = ''
  #line = 1
  #isBegun = false
  #isTabbed: boolean | undefined
  /** Within a line that is too long to be kept. */
  #isSkipping = false

  push(bytes: string): Row[] {
    return this.#take(this.#rest + bytes, false)
  }

  end(): Row[] {
    const rest = this.#rest
    return rest === '' ? [] : this.#take(rest.endsWith('\n') ? rest : `${rest}\n`, true)
  }

  #take(given: string, isLast: boolean): Row[] {
    let bytes = given
    if (!this.#isBegun && (bytes.length >= 3 || isLast)) {
      this.#isBegun = true
      bytes = withoutMark(bytes)
    }
    const rows: Row[] = []
    let start = 0
    for (;;) {
      const lineEnd = bytes.indexOf('\n', start)
      if (lineEnd === -1) break
      const row = this.#isSkipping ? rowOf([], lineEnd) : this.#rowAt(bytes, start, lineEnd, isLast)
      if (row === undefined) break
      this.#isSkipping = false
      if (row.cells.length > 0 || row.fault !== undefined) {
        rows.push({ line: this.#line, cells: row.cells, fault: row.fault })
      }
      this.#line += countLines(bytes.slice(start, row.end + 1))
      start = row.end + 1
    }
    this.#rest = bytes.slice(start)
    // A row that is not complete has a line end in it, and a limit.
    if (this.#rest.length > maxEntryBytes && !this.#rest.includes('\n')) {
      if (!this.#isSkipping) rows.push({ line: this.#line, cells: [], fault: tooLong })
      this.#isSkipping = true
      this.#rest = ''
    }
    return rows
  }

  /** Undefined: more has to come. */
  #rowAt(bytes: string, start: number, lineEnd: number, isLast: boolean): ReadRow | undefined {
    this.#isTabbed ??= bytes.slice(start, lineEnd).includes('\t')
    const row = this.#isTabbed ? tabbedRow(bytes, start, lineEnd) : commaRow(bytes, start, lineEnd, isLast)
    const length = (row?.end ?? bytes.length) - start
    return length > maxEntryBytes ? faulty(tooLong, lineEnd) : row
  }
}

const tooLong = 'is too long'

interface ReadRow {
  /** None: the line is empty. */
  readonly cells: readonly string[]
  readonly fault: string | undefined
  /** Where its line end stands. */
  readonly end: number
}

function faulty(fault: string, end: number): ReadRow {
  return { cells: [], fault, end }
}

function rowOf(raw: readonly string[], end: number): ReadRow {
  const cells: string[] = []
  for (const bytes of raw) {
    const cell = utf8Of(bytes)
    if (cell === undefined) return faulty('is not UTF-8', end)
    cells.push(cell)
  }
  return { cells, fault: undefined, end }
}

const escapes: Readonly<Record<string, string>> = {
  '0': '\0',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
}

function tabbedRow(bytes: string, start: number, lineEnd: number): ReadRow {
  const line = withoutReturn(bytes, start, lineEnd)
  if (line === '') return rowOf([], lineEnd)
  let fault: string | undefined
  const cells = line.split('\t').map((cell) => {
    if (!cell.includes('\\')) return cell
    if (cell === '\\N') return ''
    return cell.replaceAll(/\\(.?)/gs, (_, letter: string) => {
      const meant = escapes[letter]
      if (meant === undefined) fault = `has \\${letter}, which stands for nothing`
      return meant ?? ''
    })
  })
  return fault === undefined ? rowOf(cells, lineEnd) : faulty(fault, lineEnd)
}

/** Undefined: more has to come. `lineEnd`: the first behind `start`. */
function commaRow(bytes: string, start: number, lineEnd: number, isLast: boolean): ReadRow | undefined {
  const line = withoutReturn(bytes, start, lineEnd)
  if (line === '') return rowOf([], lineEnd)
  if (!line.includes('"')) return rowOf(line.split(','), lineEnd)

  const cells: string[] = []
  for (let at = start; ; ) {
    let end: number
    if (bytes[at] === '"') {
      const quote = closingQuote(bytes, at + 1)
      if (quote === undefined) return isLast ? faulty('has a quote that does not close', lineEnd) : undefined
      cells.push(bytes.slice(at + 1, quote).replaceAll('""', '"'))
      end = quote + 1
      if (bytes[end] === '\r' && bytes[end + 1] === '\n') end++
    } else {
      const comma = bytes.indexOf(',', at)
      const next = bytes.indexOf('\n', at)
      end = comma === -1 || comma > next ? next : comma
      cells.push(bytes[end] === '\n' ? withoutReturn(bytes, at, end) : bytes.slice(at, end))
    }
    if (end >= bytes.length - 1 && bytes[end] !== '\n') return undefined
    if (bytes[end] === '\n') return rowOf(cells, end)
    if (bytes[end] !== ',') return faulty('has text behind a closing quote', lineEnd)
    at = end + 1
    if (bytes.indexOf('\n', at) === -1) return undefined
  }
}

/** The quote that closes a value, from within it; undefined: there is none. */
function closingQuote(bytes: string, from: number): number | undefined {
  for (let at = from; ; at += 2) {
    at = bytes.indexOf('"', at)
    if (at === -1) return undefined
    if (bytes[at + 1] !== '"') return at
  }
}

function withoutReturn(bytes: string, start: number, lineEnd: number): string {
  return bytes.slice(start, bytes[lineEnd - 1] === '\r' && lineEnd > start ? lineEnd - 1 : lineEnd)
}
