import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DomainLoads } from '../../../src/main/dispatch/domain-loads.ts'
import { Metrics } from '../../../src/main/metrics/table.ts'

/** All by one sender, and of one size, unless it says so. */
const sender = 0
const bytes = 1

function loadsOf(count: number, maxPending = 1_000, maxPendingBytes = 1e9) {
  const domains = Array.from({ length: count }, (_, i) => `${i}.test`)
  const held = new Set<string>()
  const loads = new DomainLoads(
    { maxPending, maxPendingBytes, domains, urls: ['http://gateway.test'], pools: [] },
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
    while (loads.hasRoom(load)) loads.accepted(load, sender, bytes)
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
    loads.settled(loads.of('a'), sender, bytes, false)
    if (i % 2 === 0) loads.settled(second, sender, bytes, false)
    fill('a')
  }
  const free = 1_000 - loads.of('a').pending - second.pending
  expect(free).toBeGreaterThanOrEqual(1_000 / 7 - 2)
  expect(fill('c')).toBeGreaterThan(100)
})

test('reading is held before the room is used up, and goes on when a quarter of the share is free', () => {
  const { loads, held, fill } = loadsOf(2)
  const load = loads.of('a')
  while (load.pending < 674) loads.accepted(load, sender, bytes)
  expect(held.size).toBe(0)
  loads.accepted(load, sender, bytes)
  expect(held.has('a')).toBe(true)
  fill('a')
  while (load.pending > 563) loads.settled(load, sender, bytes, false)
  expect(held.has('a')).toBe(true)
  loads.settled(load, sender, bytes, false)
  expect(held.has('a')).toBe(false)
})

test('a crowded domain is held while many of its pushes wait for the disk, until half of them are there', () => {
  const { loads, held } = loadsOf(2, 10_000)
  const load = loads.of('a')
  while (!loads.isCrowded(load, sender)) loads.accepted(load, sender, bytes)
  const store = () => {
    loads.accepted(load, sender, bytes)
    loads.storing(load)
  }
  while (load.storing < 127) store()
  expect([...held]).toEqual([])
  store()
  expect([...held]).toEqual(['a'])
  while (load.storing > 65) loads.settled(load, sender, bytes, true)
  loads.tick()
  expect([...held]).toEqual(['a'])
  loads.settled(load, sender, bytes, true)
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
      loads.accepted(load, sender, bytes)
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
  while (loads.of('a').pending > 0) loads.settled(loads.of('a'), sender, bytes, false)
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
          if (takes && loads.hasRoom(load)) loads.accepted(load, sender, bytes)
          else if (!takes && load.pending > 0) loads.settled(load, sender, bytes, false)
        }
      }
      let pending = 0
      for (let domain = 0; domain < 4; domain++) pending += loads.of(`d${domain}`).pending
      expect(pending).toBeLessThan(1_000)
      expect(loads.hasRoom(loads.of('newcomer'))).toBe(true)
      for (let domain = 0; domain < 4; domain++) {
        const load = loads.of(`d${domain}`)
        while (load.pending > 0) loads.settled(load, sender, bytes, false)
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
  loads.used(a, sender, 0)
  expect(loads.othersInUse(a, 0)).toBe(false)
  expect(loads.othersInUse(b, 0)).toBe(true)
  loads.used(b, sender, 1_000)
  loads.used(c, sender, 2_000)
  for (const load of [a, b, c]) expect(loads.othersInUse(load, 2_000)).toBe(true)
  loads.used(c, sender, 61_500)
  expect(loads.othersInUse(c, 61_500)).toBe(false)
  expect(loads.othersInUse(b, 61_500)).toBe(true)
})

describe('the bytes of pushes are shared by domains as their number is', () => {
  test('one domain has three quarters of what the others leave, and is held from nine tenths of that on', () => {
    const { loads, held } = loadsOf(2, 1_000, 100_000)
    const load = loads.of('a')
    while (load.pendingBytes < 67_000) loads.accepted(load, sender, 1_000)
    expect([held.size, loads.pendingBytes]).toEqual([0, 67_000])
    loads.accepted(load, sender, 1_000)
    expect([...held]).toEqual(['a'])
    while (loads.hasRoom(load)) loads.accepted(load, sender, 1_000)
    expect([load.pending, loads.limitFor(load, sender)]).toEqual([75, 'max_pending_bytes'])
    expect(loads.limitFor(loads.of('b'), sender)).toBeUndefined()
    while (load.pendingBytes > 56_000) loads.settled(load, sender, 1_000, false)
    expect(held.size).toBe(0)
  })

  test('large pushes crowd a domain as many small ones do', () => {
    const { loads } = loadsOf(1, 1_000, 100_000)
    const load = loads.of('a')
    loads.accepted(load, sender, 49_000)
    expect(loads.isCrowded(load, sender)).toBe(false)
    loads.accepted(load, sender, 1_001)
    expect(loads.isCrowded(load, sender)).toBe(true)
  })
})

describe('a sender’s crowd costs its own pushes, and its domain goes on being read', () => {
  /** One sender has all that it may have, beside another that was in use of late. */
  function crowd(count: number, bytes = 1) {
    const at = loadsOf(count)
    const load = at.loads.of('a')
    at.loads.used(load, 2, 0)
    at.loads.used(load, 1, 1_000)
    while (at.loads.limitFor(load, 1) === undefined) at.loads.accepted(load, 1, bytes)
    return { ...at, load }
  }

  test.each([
    [1, 667],
    [2, 500],
  ])('of %i domains’ room it has two thirds of what its domain’s other senders leave', (count, most) => {
    const { loads, load, held } = crowd(count)
    expect(load.pending).toBe(most)
    expect(loads.limitFor(load, 1)).toBe('sender_pending')
    expect(loads.limitFor(load, 2)).toBeUndefined()
    expect([...held]).toEqual([])
  })

  test('so it is with bytes', () => {
    const { loads, load, held } = crowd(1, 1e8)
    expect(load.pending).toBe(7)
    expect(loads.limitFor(load, 2)).toBeUndefined()
    expect([...held]).toEqual([])
  })

  test('two such crowds do not have the domain held, and a third sender has room', () => {
    const { loads, load, held } = crowd(1)
    while (loads.limitFor(load, 2) === undefined) loads.accepted(load, 2, bytes)
    expect(load.pending).toBe(889)
    expect([...held]).toEqual([])
    expect(loads.limitFor(load, 3)).toBeUndefined()
  })

  test('the crowd is stored at once, and a small sender’s push is waited for', () => {
    const { loads, load } = crowd(1)
    loads.accepted(load, 2, bytes)
    expect([loads.isCrowded(load, 1), loads.isCrowded(load, 2)]).toEqual([true, false])
  })

  test('where all have as much all are the crowd', () => {
    const { loads } = loadsOf(1)
    const load = loads.of('a')
    for (let i = 0; i < 600; i++) loads.accepted(load, i % 100, bytes)
    for (let i = 0; i < 100; i++) expect(loads.isCrowded(load, i)).toBe(true)
  })

  test('no more than 128 of the crowd are on their way to the disk, and nobody is held for that', () => {
    const { loads, load, held } = crowd(2)
    for (let i = 0; i < 127; i++) loads.storing(load)
    expect(loads.mayStoreAtOnce(load, 1)).toBe(true)
    loads.storing(load)
    expect(loads.mayStoreAtOnce(load, 1)).toBe(false)
    expect([...held]).toEqual([])
  })

  test('alone in use it has all its domain’s room, and its server is held', () => {
    const { loads, held } = loadsOf(1)
    const load = loads.of('a')
    loads.used(load, 2, 0)
    loads.used(load, 1, 61_000)
    while (loads.limitFor(load, 1) === undefined) loads.accepted(load, 1, bytes)
    expect([load.pending, [...held]]).toEqual([1_000, ['a']])
  })

  test('whatever comes and goes of its senders, a domain counts what each has', () => {
    const step = fc.record({ who: fc.nat({ max: 127 }), takes: fc.boolean(), size: fc.nat({ max: 9 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { loads } = loadsOf(1)
        const load = loads.of('a')
        const had: { who: number; size: number }[] = []
        for (const { who, takes, size } of steps) {
          if (takes) {
            loads.accepted(load, who, size)
            had.push({ who, size })
          } else {
            const one = had.pop()
            if (one !== undefined) loads.settled(load, one.who, one.size, false)
          }
        }
        expect(load.senders.busy).toBe(new Set(had.map(({ who }) => who)).size)
        for (const { who } of had) {
          const own = had.filter((one) => one.who === who)
          expect(load.senders.pendingOf(who)).toBe(own.length)
          expect(load.senders.bytesOf(who)).toBe(own.reduce((sum, { size }) => sum + size, 0))
        }
        expect(load.pendingBytes).toBe(had.reduce((sum, { size }) => sum + size, 0))
      }),
    )
  })
})
