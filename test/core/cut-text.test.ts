import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutText, jsonTextBytes, utf8Bytes } from '../../src/core/cut-text.ts'
import { heldBytes } from '../support/held-memory.ts'

test('bytes are those of the encoder', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(utf8Bytes(text)).toBe(Buffer.byteLength(text))
      expect(jsonTextBytes(text)).toBe(Buffer.byteLength(JSON.stringify(text)) - 2)
    }),
  )
})

test('a text is cut to the limit at most, between two characters, and has nothing but an ellipsis added', () => {
  const counts = fc.constantFrom(utf8Bytes, jsonTextBytes)
  const texts = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }))
  fc.assert(
    fc.property(texts, fc.nat(200), counts, (text, limitBytes, bytesOf) => {
      fc.pre(bytesOf(text) > limitBytes)
      const cut = cutText(text, limitBytes, bytesOf)
      if (cut === undefined) {
        expect(limitBytes).toBeLessThan(3)
        return
      }
      expect(bytesOf(cut)).toBeLessThanOrEqual(limitBytes)
      const ends = [...new Intl.Segmenter('und').segment(text)].map(({ index }) => index)
      expect(ends).toContain(cut.length - 1)
      expect(cut).toBe(`${text.slice(0, cut.length - 1)}…`)
    }),
  )
})

test('no room for an ellipsis is no room', () => {
  expect(cutText('abcdef', 2, utf8Bytes)).toBeUndefined()
  expect(cutText('abcdef', 3, utf8Bytes)).toBe('…')
  expect(cutText('abcdef', 4, utf8Bytes)).toBe('a…')
})

test('what is cut from a text does not keep it alive', () => {
  // A megabyte each, if it did.
  expect(heldBytes((i) => cutText(`${'é'.repeat(500_000)}${i}`, 4096, utf8Bytes))).toBeLessThan(100_000)
})
