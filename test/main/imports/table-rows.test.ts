import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TableRows } from '../../../src/main/imports/table-rows.ts'
import { bytesOf } from './exports.ts'

interface Read {
  readonly line: number
  readonly cells: readonly string[]
  readonly fault: string | undefined
}

function read(text: string, partSize = text.length): Read[] {
  const bytes = bytesOf(text)
  const table = new TableRows()
  const rows: Read[] = []
  for (let at = 0; at < bytes.length; at += partSize) rows.push(...table.push(bytes.slice(at, at + partSize)))
  return [...rows, ...table.end()]
}

function cells(text: string): (readonly string[])[] {
  return read(text).map((row) => row.cells)
}

/** As PostgreSQL writes CSV. */
function commaLine(row: readonly string[]): string {
  return row
    .map((cell) => (/[",\r\n]/.test(cell) || cell === '' ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join()
}

/** As PostgreSQL writes its text form. */
function tabbedLine(row: readonly string[]): string {
  const escaped = {
    '\\': '\\\\',
    '\b': '\\b',
    '\f': '\\f',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\v': '\\v',
  }
  return row.map((cell) => cell.replaceAll(/[\\\b\f\n\r\t\v]/g, (one) => escaped[one as '\\'])).join('\t')
}

/** Texts full of what has a meaning in one of the forms. */
const cell = fc.oneof(
  fc.string({ unit: fc.constantFrom('"', ',', '\t', '\n', '\r', '\\', 'n', 'ż', '🚀', ' ') }),
  fc.string({ unit: 'binary' }).filter((text) => !text.startsWith('\ufeff')),
)
const table = fc.array(fc.tuple(cell, cell, cell), { maxLength: 5 })
const partSize = fc.integer({ min: 1, max: 20 })

describe('the rows of a table', () => {
  test('of values with commas, quotes and line ends come back, in whatever parts they come', () => {
    fc.assert(
      fc.property(table, partSize, (rows, size) => {
        const text = [['a', 'b', 'c'], ...rows].map((row) => `${commaLine(row)}\n`).join('')
        expect(read(text, size).map((row) => row.cells)).toEqual([['a', 'b', 'c'], ...rows])
      }),
    )
  })

  test('of values parted by tabs come back too', () => {
    fc.assert(
      fc.property(table, partSize, (rows, size) => {
        const text = [['a', 'b', 'c'], ...rows].map((row) => `${tabbedLine(row)}\n`).join('')
        expect(read(text, size).map((row) => row.cells)).toEqual([['a', 'b', 'c'], ...rows])
      }),
    )
  })

  test.each([
    [
      'without a last line end',
      'a,b\n1,"2"',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'with line ends of two characters',
      'a,b\r\n1,"2"\r\n"3",4\r\n',
      [
        ['a', 'b'],
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'with empty lines',
      'a,b\n\n1,2\n\r\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'with empty values',
      'a,b\n,\n"",""\n',
      [
        ['a', 'b'],
        ['', ''],
        ['', ''],
      ],
    ],
    [
      'with a byte order mark',
      '\ufeffa,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'with a quote within a value',
      'a,b\n1"2,3\n',
      [
        ['a', 'b'],
        ['1"2', '3'],
      ],
    ],
    ['of one column', 'a\n1\n', [['a'], ['1']]],
    [
      'with an empty value of the text form',
      'a\tb\n\\N\t1\n',
      [
        ['a', 'b'],
        ['', '1'],
      ],
    ],
  ])('%s are read', (_, text, rows) => {
    expect(cells(text)).toEqual(rows)
  })

  test('know the line that they begin in', () => {
    expect(read('a,b\n"1\n2",x\n3,y\n').map(({ line }) => line)).toEqual([1, 2, 4])
  })

  test.each([
    ['a quote that does not close', 'a,b\n"1,2\n3,4\n', 'has a quote that does not close'],
    ['text behind a closing quote', 'a,b\n"1"x,2\n3,4\n', 'has text behind a closing quote'],
    ['an escape that stands for nothing', 'a\tb\n\\x\t2\n3\t4\n', 'has \\x, which stands for nothing'],
  ])('with %s are faulty, and those behind are read', (_, text, fault) => {
    expect(read(text).map((row) => row.fault ?? row.cells)).toEqual([['a', 'b'], fault, ['3', '4']])
  })

  test('that are not UTF-8 are faulty', () => {
    const rows = new TableRows()
    expect(rows.push('a,b\n1,\xff\n2,3\n').map(({ fault }) => fault)).toEqual([
      undefined,
      'is not UTF-8',
      undefined,
    ])
  })

  test('without end are faulty, and those behind are read', () => {
    const line = 'x'.repeat(3_000_000)
    const rows = read(`${line}\na,b\n${line}\n1,2\n${line}`, 100_000)
    expect(rows.map(({ line, cells, fault }) => [line, fault ?? cells])).toEqual([
      [1, 'is too long'],
      [2, ['a', 'b']],
      [3, 'is too long'],
      [4, ['1', '2']],
      [5, 'is too long'],
    ])
  })

  test('that are too long are faulty, and those behind are read', () => {
    const long = 'x'.repeat(1024 * 1024)
    const rows = read(`a,b\n"${long}",1\n2,3\n`, 100_000)
    expect(rows.map(({ line, cells, fault }) => [line, fault ?? cells])).toEqual([
      [1, ['a', 'b']],
      [2, 'is too long'],
      [3, ['2', '3']],
    ])
  })
})
