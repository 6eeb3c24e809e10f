import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findJsonFault } from '../../../src/main/http/json-fault.ts'

describe('where a text stops being JSON', () => {
  test.each([
    ['', 0],
    ['{', 1],
    ['[1,]', 3],
    ['[1 2]', 3],
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ['{a:1}', 1],
    ['{,}', 1],
    ['[}', 1],
    ['{]', 1],
    ['01', 1],
    ['+1', 0],
    ['1.', 1],
    ['tru', 0],
    ['"a', 2],
    ['"\n"', 1],
    ['"\\x"', 1],
    ['"\\u12g4"', 1],
    ['{} x', 3],
    [']', 0],
    ['\ufeff{}', 0],
    ['['.repeat(200_000), 200_000],
  ])('%.20j is position %i', (text, offset) => {
    expect(findJsonFault(text)).toBe(offset)
  })

  test('is nowhere exactly when JSON.parse takes it', () => {
    const nearJson = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '}', ']', '"', '\\', ':', '0', ' ', '\n', 'e', '-', '.'),
      )
      .map(([json, at, mutation]) => {
        const offset = at % (json.length + 1)
        return json.slice(0, offset) + mutation + json.slice(offset + (at % 2))
      })
    fc.assert(
      fc.property(fc.oneof(nearJson, fc.string()), (text) => {
        expect(findJsonFault(text) === undefined).toBe(isJson(text))
      }),
      { numRuns: 3000 },
    )
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
