import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { valueKeys } from '../../../src/main/config/schema.ts'
import { load } from './loading.ts'

describe('whatever stands in the file', () => {
  const scalar = fc.oneof(
    fc.boolean().map(String),
    fc.integer().map(String),
    fc.constantFrom(
      '1.5',
      'nan',
      '-inf',
      '1979-05-27',
      '07:32:00',
      '9007199254740993',
      '0x1f',
      'true false',
      '"',
    ),
    fc.string({ unit: 'binary', maxLength: 20 }).map((text) => JSON.stringify(text)),
    fc.constantFrom('""', '"any"', '"unix:/x"', '"https://a"', '"a.example"', '"secret"'),
  )
  const value = fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    scalar.map((item) => `{ x = ${item} }`),
  )
  const key = fc.oneof(
    fc.constantFrom(...[...valueKeys()].map(([path]) => path)),
    fc.constantFrom('push', 'log', 'component', 'queue.retry', '__proto__', 'constructor', 'toString'),
    fc.string({ unit: 'binary', maxLength: 8 }).map((text) => JSON.stringify(text)),
  )
  const line = fc.oneof(
    fc.tuple(key, value).map(([name, written]) => `${name} = ${written}`),
    fc.constantFrom('[[component]]', '[push]', '[http]', '[component]', 'domain = "a.example"'),
  )

  test('it loads or has faults of one line each, and never throws', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const loaded = load(lines.join('\n'))
        if (loaded.kind === 'loaded') return
        expect(loaded.faults.length).toBeGreaterThan(0)
        for (const fault of loaded.faults) expect(fault).toMatch(/^pushd\.toml: [^\r\n]+$/)
      }),
      { numRuns: 500 },
    )
  })

  test('bytes of any kind do not make it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void load(bytes)),
      { numRuns: 500 },
    )
  })
})
