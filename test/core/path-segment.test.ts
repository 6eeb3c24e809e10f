import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeSegment } from '../../src/core/path-segment.ts'

/** Halves of surrogate pairs, too. */
const anyCodeUnit = fc.nat(0xffff).map((unit) => String.fromCharCode(unit))

describe('a device id is one path segment', () => {
  test.each([
    ['fGx9_A-b:APA91b.x~', 'fGx9_A-b:APA91b.x~'],
    ['../../x?y#z', '..%2F..%2Fx%3Fy%23z'],
    ['.', '%2E'],
    ['..', '%2E%2E'],
    ['', ''],
    ['a\r\nb', 'a%0D%0Ab'],
    ['😀', '%F0%9F%98%80'],
    ['\ud83d', '%EF%BF%BD'],
    ['100%', '100%25'],
  ])('%j is %s', (id, expected) => {
    expect(encodeSegment(id)).toBe(expected)
  })

  test('that holds nothing but it, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCodeUnit }), (id) => {
        const segment = encodeSegment(id)
        expect(segment).toMatch(/^[A-Za-z0-9\-._~%!'()*:]*$/)
        expect(segment === '.' || segment === '..').toBe(false)
        expect(decodeURIComponent(segment)).toBe(id.toWellFormed())
      }),
    )
  })
})
