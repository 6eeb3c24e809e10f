import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentRecords } from '../../../src/main/store/recent-records.ts'

test('a record is kept once it is read a second time', () => {
  const recent = new RecentRecords<number>(10)
  recent.read('a', 1)
  expect(recent.get('a')).toBeUndefined()
  recent.read('a', 1)
  expect(recent.get('a')).toBe(1)
  recent.delete('a')
  expect(recent.get('a')).toBeUndefined()
})

test('records that are read again and again stay, whatever else is read once', () => {
  const recent = new RecentRecords<number>(10)
  const readThrough = (key: string) => {
    if (recent.get(key) === undefined) recent.read(key, 1)
  }
  for (let i = 0; i < 1_000; i++) {
    readThrough(`once ${i}`)
    readThrough(`busy ${i % 5}`)
  }
  for (let i = 0; i < 5; i++) expect(recent.get(`busy ${i}`)).toBe(1)
})

test('what is kept is what was read last, at most twice as many as there is room for', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.boolean())), (steps) => {
      const recent = new RecentRecords<number>(3)
      const last = new Map<string, number>()
      for (const [i, [which, isDeleted]] of steps.entries()) {
        const key = `${which}`
        recent.delete(key)
        last.delete(key)
        if (isDeleted) continue
        recent.read(key, i)
        last.set(key, i)
      }
      const kept = Array.from({ length: 21 }, (_, which) => `${which}`).filter(
        (key) => recent.get(key) !== undefined,
      )
      expect(kept.length).toBeLessThanOrEqual(6)
      for (const key of kept) expect(recent.get(key)).toBe(last.get(key))
    }),
  )
})
