import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allowed } from '../../src/main/config/allowed.ts'
import type { SchemaNode } from '../../src/main/config/keys.ts'
import { valueKeys } from '../../src/main/config/schema.ts'
import { component, load } from '../main/config/loading.ts'
import { runs } from './stream-documents.ts'

/** Compiled once, a check still takes a while. */
const loadRuns = Math.ceil(runs / 10)

const keys = [...valueKeys()].filter(([path]) => !path.startsWith('component.'))
const typed = (type: string) => keys.filter(([, key]) => key.type === type && key.enum === undefined)

function anyOf(
  list: readonly (readonly [string, SchemaNode])[],
): fc.Arbitrary<readonly [string, SchemaNode]> {
  return fc.integer({ min: 0, max: list.length - 1 }).map((i) => list[i] ?? fail())
}

function fail(): never {
  throw new Error('no such key')
}

/** A key in a list of tables: the list, and its own path. */
const listed = /^(gateway\.(?:fcm|apns))\.(.+)$/

/** How a fault names it. */
function named(path: string): string {
  return path.replace(listed, '$1[0].$2')
}

function faultsOf(path: string, written: string): readonly string[] {
  const line = `${path} = ${written}`.replace(listed, '[[$1]]\n$2')
  const loaded = load(`${line}\n${component}`)
  return loaded.kind === 'loaded' ? [] : loaded.faults
}

test('a whole number within its range is taken, and one beyond it is a fault of its key and of no other', () => {
  fc.assert(
    fc.property(
      anyOf(typed('integer')),
      fc.maxSafeInteger(),
      fc.boolean(),
      ([path, key], number, isInside) => {
        const low = key.minimum ?? 0
        const high = key.maximum ?? Number.MAX_SAFE_INTEGER
        const value = isInside ? low + (Math.abs(number) % (high - low + 1)) : number
        const faults = faultsOf(path, String(value))
        const ofKey = faults.filter((fault) => fault.startsWith(`pushd.toml: ${named(path)}: `))
        const ofRange = ofKey.filter((fault) => fault.endsWith(`, allowed: ${allowed(key)}`))
        // Keys that must fit together may complain of each other beside it.
        expect(ofRange).toHaveLength(value < low || value > high ? 1 : 0)
      },
    ),
    { numRuns: loadRuns },
  )
})

test('a value of another type is a fault of its key, whatever the key', () => {
  const values = {
    integer: ['"1"', 'true', '1.5', '[1]', '{ a = 1 }', '2024-01-01', 'nan'],
    boolean: ['"true"', '1', '[true]', 'inf'],
    string: ['1', 'false', '[ "a" ]', '{ a = "b" }', '12:00:00'],
    array: ['"a"', '1', '[ 1 ]', '[ [ "a" ] ]', '[ "a", "a" ]'],
  } as const
  const wrong = fc
    .constantFrom(...(Object.keys(values) as (keyof typeof values)[]))
    .chain((type) => fc.tuple(anyOf(typed(type)), fc.constantFrom(...values[type])))
  fc.assert(
    fc.property(wrong, ([[path], written]) => {
      expect(faultsOf(path, written).some((fault) => fault.includes(named(path)))).toBe(true)
    }),
    { numRuns: loadRuns },
  )
})

test('an unknown key is a fault that names it, wherever it stands', () => {
  const tables = [
    '',
    'log.',
    'http.',
    'push.',
    'push.wpool.',
    'content.',
    'mongoosepush.tls.',
    'queue.retry.',
    'gateway.',
    'gateway.tls.',
  ]
  const known = new Set(keys.flatMap(([path]) => path.split('.')))
  const name = fc.stringMatching(/^[a-z_]{1,12}$/).filter((text) => !known.has(text) && text !== 'component')
  fc.assert(
    fc.property(
      fc.constantFrom(...tables),
      name,
      fc.constantFrom('1', '"x"', 'true', '[]'),
      (table, key, written) => {
        expect(faultsOf(table + key, written).some((fault) => fault.includes(table + key))).toBe(true)
      },
    ),
    { numRuns: loadRuns },
  )
})

test('a secret in a faulty file is in none of its faults', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9]{12,20}$/)
  const line = fc.constantFrom(
    'queue.max_pending = -1',
    'log.level = "loud"',
    'nonsense = 1',
    'x = [',
    '[[component]]',
  )
  fc.assert(
    fc.property(secret, fc.array(line, { minLength: 1, maxLength: 3 }), (text, lines) => {
      const loaded = load(`${lines.join('\n')}\n[[component]]\ndomain = "a.example"\nsecret = "${text}"\n`)
      expect(JSON.stringify(loaded.kind === 'faulty' ? loaded.faults : loaded.notes)).not.toContain(text)
    }),
    { numRuns: loadRuns },
  )
})
