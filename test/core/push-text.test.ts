import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fitText, fitValues, isWithin, maxTextBytes, maxValuesBytes } from '../../src/core/push-text.ts'

const long = fc
  .tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }), fc.nat(2000))
  .map(([text, times]) => text.repeat(times))

function bytes(text: string): number {
  return Buffer.byteLength(text)
}

describe('texts of a push are cut by whole graphemes', () => {
  test('a text is within its limit when its bytes of UTF-8 are', () => {
    fc.assert(
      fc.property(long, fc.nat(6000), (text, limit) => {
        expect(isWithin(text, limit)).toBe(bytes(text) <= limit)
      }),
    )
  })

  test('a text of 4 KiB stays as it is, a longer one keeps its beginning and an ellipsis within 4 KiB', () => {
    expect(fitText('x'.repeat(maxTextBytes))).toBe('x'.repeat(maxTextBytes))
    expect(fitText('x'.repeat(maxTextBytes + 1))).toBe(`${'x'.repeat(maxTextBytes - 3)}…`)
    fc.assert(
      fc.property(long, (text) => {
        const fitting = fitText(text)
        if (bytes(text) <= maxTextBytes) expect(fitting).toBe(text)
        else {
          expect(bytes(fitting)).toBeLessThanOrEqual(maxTextBytes)
          expect(text.startsWith(fitting.slice(0, -1))).toBe(true)
          const ends = [...new Intl.Segmenter('und').segment(text)].map(({ index }) => index)
          expect(ends).toContain(fitting.length - 1)
        }
      }),
    )
  })

  test('a flag, a family and a letter with its accents are never cut in two, wherever the limit falls', () => {
    for (const grapheme of ['🇩🇪', '👨‍👩‍👧‍👦', 'e\u0301\u0302', '각', 'क्ष']) {
      for (let shift = 0; shift < 30; shift++) {
        const fitting = fitText('x'.repeat(shift) + grapheme.repeat(2000))
        expect(fitting.slice(shift, -1).replaceAll(grapheme, '')).toBe('')
      }
    }
  })

  test('values are within 4 KiB each and 8 KiB together, and a short one keeps what it says', () => {
    fc.assert(
      fc.property(fc.array(long, { maxLength: 64 }), (values) => {
        const fitting = fitValues(values)
        const total = values.reduce((sum, value) => sum + bytes(value), 0)
        expect(fitting.reduce((sum, value) => sum + bytes(value), 0)).toBeLessThanOrEqual(maxValuesBytes)
        for (const [i, value] of values.entries()) {
          expect(bytes(fitting[i] ?? '')).toBeLessThanOrEqual(maxTextBytes)
          // 64 of them have 128 bytes each.
          if (bytes(value) <= 128) expect(fitting[i]).toBe(value)
        }
        if (total <= maxValuesBytes && values.every((value) => bytes(value) <= maxTextBytes)) {
          expect(fitting).toBe(values)
        }
      }),
    )
  })

  test('the longest values are cut, all to one length', () => {
    const fitting = fitValues(['x'.repeat(9000), 'id-1', 'y'.repeat(9000), 'z'.repeat(1000)])
    expect(fitting.map(bytes)).toEqual([3594, 4, 3594, 1000])
  })
})
