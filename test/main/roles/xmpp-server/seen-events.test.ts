import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeenEvents } from '../../../../src/main/roles/xmpp-server/seen-events.ts'
import { offline } from './xmpp-server-at-work.ts'

const windowMs = 1_000

function event(id: number) {
  return { ...offline, id: `${id}` }
}

test('an event is known again within the window and not behind it, whatever comes between', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ id: fc.nat(5), afterMs: fc.nat(700) }), { maxLength: 100 }), (steps) => {
      const seen = new SeenEvents(1_000)
      const toldAtMs = new Map<number, number>()
      let nowMs = 0
      for (const { id, afterMs } of steps) {
        nowMs += afterMs
        const known = nowMs - (toldAtMs.get(id) ?? Number.NEGATIVE_INFINITY) < windowMs
        expect(seen.meet(event(id), nowMs, windowMs).kind).toBe(known ? 'duplicate' : 'news')
        if (!known) toldAtMs.set(id, nowMs)
      }
    }),
  )
})

test('no more are remembered than there is room for, and it says when some are forgotten too soon', () => {
  const seen = new SeenEvents(100)
  const forgets: number[] = []
  for (let i = 0; i < 300; i++) {
    const meeting = seen.meet(event(i), 0, windowMs)
    if (meeting.kind === 'news' && meeting.forgets) forgets.push(i)
    expect(seen.size).toBeLessThanOrEqual(100)
  }
  expect(forgets).toEqual([100, 150, 200, 250])
  expect(seen.meet(event(299), 0, windowMs).kind).toBe('duplicate')
  expect(seen.meet(event(0), 0, windowMs).kind).toBe('news')
})

describe('an event costs little to remember', () => {
  test.each([
    ['however long the ids are that clients give', (i: number) => `${i}-${'x'.repeat(100_000)}`],
    [
      'however much was read with it',
      (i: number) => `${'x'.repeat(100_000)}-an-id-of-some-length-${i}`.slice(100_000),
    ],
  ])('%s', (_, idOf) => {
    setFlagsFromString('--expose-gc')
    const collectGarbage: () => void = runInNewContext('gc')
    const seen = new SeenEvents(1_000)
    // Compiled with all optimisations it must not be otherwise.
    const warmUp = new SeenEvents(100)
    for (let i = 0; i < 10_000; i++) warmUp.meet(event(i), 0, windowMs)
    collectGarbage()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 500; i++) {
      expect(seen.meet({ ...offline, id: idOf(i) }, 0, windowMs).kind).toBe('news')
    }
    collectGarbage()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000)
    expect(seen.meet({ ...offline, id: idOf(7) }, 0, windowMs).kind).toBe('duplicate')
  })
})
