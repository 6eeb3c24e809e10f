import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type LuaTable, type LuaValue, readLuaTable } from '../../../src/main/imports/lua-table.ts'
import { bytesOf } from './exports.ts'

/** As Prosody's `util.serialization` writes a table, given as JSON. */
function serialized(value: unknown, depth = 1): string {
  if (typeof value === 'string') {
    return `"${bytesOf(value).replaceAll(/[\0-\x1f"'\\\x7f-\xff]/g, (one) => escaped(one))}"`
  }
  if (typeof value !== 'object' || value === null) return String(value)
  const items = Array.isArray(value)
    ? value.map((item) => serialized(item, depth + 1))
    : Object.entries(value).map(([key, item]) => `[${serialized(key)}] = ${serialized(item, depth + 1)}`)
  if (items.length === 0) return '{}'
  const indent = `\n${'\t'.repeat(depth)}`
  return `{${items.map((item) => indent + item).join(';')};\n${'\t'.repeat(depth - 1)}}`
}

const letters = { '\x07': 'a', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '\v': 'v' } as const

function escaped(one: string): string {
  if ('\\"\''.includes(one)) return `\\${one}`
  const letter = letters[one as keyof typeof letters]
  return `\\${letter ?? String(one.charCodeAt(0)).padStart(3, '0')}`
}

/** JSON again: a table is a list when it has no names. */
function plain(value: LuaValue | undefined): unknown {
  if (!(value instanceof Map)) return value
  const keys = [...value.keys()]
  if (keys.every((key) => typeof key === 'number')) return keys.map((key) => plain(value.get(key)))
  return Object.fromEntries(keys.map((key) => [key, plain(value.get(key))]))
}

const { table } = fc.letrec((tie) => ({
  leaf: fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean()),
  any: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('table')),
  table: fc.oneof(
    { maxDepth: 4 },
    fc.array(tie('any'), { minLength: 1, maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary', minLength: 1 }), tie('any'), { minKeys: 1, maxKeys: 4 }),
  ),
}))

describe('a data file of Prosody', () => {
  test('comes back as what was written', () => {
    fc.assert(
      fc.property(table, (value) => {
        const read = readLuaTable(`return ${serialized(value)};\n`)
        expect(plain(read as LuaTable)).toEqual(value)
      }),
    )
  })

  test.each([
    ['nothing', 'return {};\n', []],
    ['bare names and commas', 'return {a="b", c = {1, 2};}', { a: 'b', c: [1, 2] }],
    ['numbers for keys', 'return { [1] = "a"; [2] = "b"; }', ['a', 'b']],
    ['numbers of all kinds', 'return { -1, 1.5, 1e+20 }', [-1, 1.5, 1e20]],
    ['bytes as they are, and a line that goes on', 'return { "ż\\\nx" }', ['ż\nx']],
    ['items without a value', 'return { a = nil; b = true }', { b: true }],
    [
      'names that JavaScript knows',
      'return { constructor = "a"; ["__proto__"] = "b" }',
      { constructor: 'a', ['__proto__']: 'b' },
    ],
  ])('may hold %s', (_, text, value) => {
    expect(plain(readLuaTable(bytesOf(text)) as LuaTable)).toEqual(value)
  })

  test.each([
    ['a call', 'return os.execute("rm -rf /")', 'cannot be read at line 1'],
    ['a call within', 'return {\n\ta = os.time();\n}', 'cannot be read at line 2'],
    ['a statement before it', 'while true do end return {}', 'cannot be read at line 1'],
    ['a statement behind it', 'return {};\nos.exit()', 'cannot be read at line 2'],
    ['an operation', 'return { a = 1 .. 2 }', 'cannot be read at line 1'],
    ['an infinite number', 'return { (1/0) }', 'cannot be read at line 1'],
    ['a comment', 'return { -- a\n}', 'cannot be read at line 1'],
    ['another literal', 'return { [[a]] }', 'cannot be read at line 1'],
    ['a name of a value', 'return { constructor }', 'cannot be read at line 1'],
    ['an escape of no byte', 'return { "\\256" }', 'cannot be read at line 1'],
    ['an escape that nobody writes', 'return { "\\x41" }', 'cannot be read at line 1'],
    ['no end', 'return { a = "b"', 'does not end'],
    ['no end of a text', 'return { a = "b', 'does not end'],
    ['no table', 'return 1', 'cannot be read at line 1'],
    ['nothing at all', '', 'does not end'],
    ['too many tables', `return ${'{'.repeat(100_000)}`, 'is nested too deep'],
    ['a table for a key', 'return { [{}] = 1 }', 'cannot be read at line 1'],
  ])('is not read when it holds %s', (_, text, fault) => {
    expect(readLuaTable(text)).toBe(fault)
  })

  test('is not read when a text is not UTF-8', () => {
    expect(readLuaTable('return { "\\255" }')).toBe('holds a text that is not UTF-8')
  })
})
