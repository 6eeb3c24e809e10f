import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apnsId } from '../../../src/core/apns/push-id.ts'

test('any id becomes a UUID of version 8, always the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (id) => {
      expect(apnsId(id)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(apnsId(id)).toBe(apnsId(id))
    }),
  )
})

test('an id that is a UUID stays what it is, in lower case', () => {
  expect(apnsId('C0FFEE00-0000-4000-8000-00000000000A')).toBe('c0ffee00-0000-4000-8000-00000000000a')
})

test('ids that hardly differ become different UUIDs', () => {
  const ids = new Set(Array.from({ length: 100_000 }, (_, i) => apnsId(`push.example.com ${i}`)))
  expect(ids.size).toBe(100_000)
})

test('each half of the UUID tells such ids apart by itself', () => {
  const halves = Array.from({ length: 10_000 }, (_, i) => apnsId(String(i)))
  expect(new Set(halves.map((id) => id.slice(0, 18))).size).toBe(10_000)
  expect(new Set(halves.map((id) => id.slice(19))).size).toBe(10_000)
})
