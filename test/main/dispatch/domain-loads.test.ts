import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DomainLoads } from '../../../src/main/dispatch/domain-loads.ts'
import { Metrics } from '../../../src/main/metrics/table.ts'

function loadsOf(count: number, maxPending = 1_000) {
  const domains = Array.from({ length: count }, (_, i) => `${i}.test`)
  const held = new Set<string>()
  const loads = new DomainLoads(
    { maxPending, domains, urls: ['http://gateway.test'], pools: [] },
    new Metrics('test'),
    (domain, isHeld) => {
      if (isHeld === held.has(domain)) throw new Error(`${domain}: told twice`)
      if (isHeld) held.add(domain)
      else held.delete(domain)
    },
  )
  /** As many as there is room for. */
  function fill(name: string): number {
    const load = loads.of(name)
    while (loads.hasRoom(load)) loads.accepted(load)
    return load.pending
  }
  return { loads, held, fill }
}

test('served alone a domain has all the room', () => {
  expect(loadsOf(1).fill('a')).toBe(1_000)
})

test('one crowd leaves a quarter of the room, two a seventh', () => {
  const { loads, fill } = loadsOf(3)
  expect(fill('a')).toBe(750)
  const second = loads.of('b')
  // As both come on and on, each takes what the other lets go.
  for (let i = 0; i < 2_000; i++) {
    fill('b')
    loads.settled(loads.of('a'))
    if (i % 2 === 0) loads.settled(second)
    fill('a')
  }
  const free = 1_000 - loads.of('a').pending - second.pending
  expect(free).toBeGreaterThanOrEqual(1_000 / 7 - 2)
  expect(fill('c')).toBeGreaterThan(100)
})

test('reading is held before the room is used up, and goes on when a quarter of the share is free', () => {
  const { loads, held, fill } = loadsOf(2)
  const load = loads.of('a')
  while (load.pending < 674) loads.accepted(load)
  expect(held.size).toBe(0)
  loads.accepted(load)
  expect(held.has('a')).toBe(true)
  fill('a')
  while (load.pending > 563) loads.settled(load)
  expect(held.has('a')).toBe(true)
  loads.settled(load)
  expect(held.has('a')).toBe(false)
})

test('a crowded domain is held while many of its pushes wait for the disk, until half of them are there', () => {
  const { loads, held } = loadsOf(2, 10_000)
  const load = loads.of('a')
  while (!loads.isCrowded(load)) loads.accepted(load)
  const store = () => {
    loads.accepted(load)
    loads.storing(load)
  }
  while (load.storing < 127) store()
  expect([...held]).toEqual([])
  store()
  expect([...held]).toEqual(['a'])
  while (load.storing > 65) loads.settled(load, true)
  loads.tick()
  expect([...held]).toEqual(['a'])
  loads.settled(load, true)
  expect([...held]).toEqual([])
})

test('a domain that is not crowded, or served alone, is read however many of its pushes wait for the disk', () => {
  for (const [count, most] of [
    [2, 3_750],
    [1, 8_999],
  ] as const) {
    const { loads, held } = loadsOf(count, 10_000)
    const load = loads.of('a')
    while (load.pending < most) {
      loads.accepted(load)
      loads.storing(load)
    }
    expect([...held]).toEqual([])
  }
})

test('room that others make is enough to go on', () => {
  const { loads, held, fill } = loadsOf(2)
  fill('a')
  fill('b')
  const load = loads.of('b')
  expect(held.has('b')).toBe(true)
  while (loads.of('a').pending > 0) loads.settled(loads.of('a'))
  loads.tick()
  expect(held.has('b')).toBe(false)
  expect(loads.hasRoom(load)).toBe(true)
})

test('whatever comes and goes of four domains, there is room for a fifth', () => {
  const step = fc.record({ domain: fc.nat({ max: 3 }), takes: fc.boolean(), count: fc.nat({ max: 400 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { loads, held } = loadsOf(5)
      for (const { domain, takes, count } of steps) {
        const load = loads.of(`d${domain}`)
        for (let i = 0; i < count; i++) {
          if (takes && loads.hasRoom(load)) loads.accepted(load)
          else if (!takes && load.pending > 0) loads.settled(load)
        }
      }
      let pending = 0
      for (let domain = 0; domain < 4; domain++) pending += loads.of(`d${domain}`).pending
      expect(pending).toBeLessThan(1_000)
      expect(loads.hasRoom(loads.of('newcomer'))).toBe(true)
      for (let domain = 0; domain < 4; domain++) {
        const load = loads.of(`d${domain}`)
        while (load.pending > 0) loads.settled(load)
      }
      loads.tick()
      expect(held.size).toBe(0)
    }),
  )
})

test('another domain is in use for a minute after its last push', () => {
  const { loads } = loadsOf(3)
  const [a, b, c] = ['a', 'b', 'c'].map((name) => loads.of(name))
  if (a === undefined || b === undefined || c === undefined) throw new Error('three domains')
  loads.used(a, 0)
  expect(loads.othersInUse(a, 0)).toBe(false)
  expect(loads.othersInUse(b, 0)).toBe(true)
  loads.used(b, 1_000)
  loads.used(c, 2_000)
  for (const load of [a, b, c]) expect(loads.othersInUse(load, 2_000)).toBe(true)
  loads.used(c, 61_500)
  expect(loads.othersInUse(c, 61_500)).toBe(false)
  expect(loads.othersInUse(b, 61_500)).toBe(true)
})
