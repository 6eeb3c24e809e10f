import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LossCause } from '../../../src/main/metrics/table.ts'
import { type LostStream, planReconnect } from '../../../src/main/xmpp/reconnect-policy.ts'

const limits = { isLocal: false, baseMs: 500, capMs: 15_000, standbyMs: 1_000 }
const local = { ...limits, isLocal: true }
/** As good as 1: the longest delay. */
const most = 1

function lost(cause: LossCause, changes: Partial<LostStream> = {}): LostStream {
  return { cause, wasUp: false, attempt: 0, lostForMs: 0, othersUp: false, ...changes }
}

test.each(['network', 'timeout', 'stream-error', 'invalid-from'] as const)(
  'after the first loss (%s) the next attempt is at once, then each waits twice as long, up to the cap',
  (cause) => {
    const delays = Array.from({ length: 8 }, (_, attempt) =>
      planReconnect(lost(cause, { attempt }), limits, most),
    )
    expect(delays.map(({ delayMs }) => delayMs)).toEqual([0, 500, 1000, 2000, 4000, 8000, 15_000, 15_000])
  },
)

test('a server on this machine that takes no connection is tried every 250 ms for two minutes, then every second', () => {
  const delayAt = (lostForMs: number) =>
    planReconnect(lost('network', { attempt: 1, lostForMs }), local, 0).delayMs
  expect(planReconnect(lost('network'), local, 0).delayMs).toBe(0)
  expect([0, 119_999, 120_000, 1e9].map(delayAt)).toEqual([250, 250, 1000, 1000])
  expect(planReconnect(lost('network', { attempt: 4, wasUp: true }), local, most).delayMs).toBe(4000)
})

test('a refused stream is tried again at the slowest pace from the first time', () => {
  expect(planReconnect(lost('refused'), limits, most)).toEqual({ state: 'waiting', delayMs: 15_000 })
})

test('on this machine only after two minutes: a server that starts may not know the domain yet', () => {
  const delayAt = (lostForMs: number) => planReconnect(lost('refused', { lostForMs }), local, most).delayMs
  expect([0, 119_999, 120_000].map(delayAt)).toEqual([1000, 1000, 15_000])
})

test('a conflict while another stream is up makes a standby, which waits for the end of that one', () => {
  for (const wasUp of [false, true]) {
    const plan = planReconnect(lost('conflict', { attempt: 7, othersUp: true, wasUp }), limits, most)
    expect(plan).toEqual({ state: 'standby', delayMs: undefined })
  }
})

test('while another daemon holds the domain each attempt comes at the pace of a standby', () => {
  for (const attempt of [0, 1, 100]) {
    expect(planReconnect(lost('conflict', { attempt }), local, most).delayMs).toBe(1000)
  }
})

test('a stream that is thrown out by another daemon comes back ever more slowly, never at once', () => {
  const delays = [0, 1, 2, 9].map(
    (attempt) => planReconnect(lost('conflict', { attempt, wasUp: true }), local, most).delayMs,
  )
  expect(delays).toEqual([500, 1000, 2000, 15_000])
})

test('whatever happens there is a next attempt within the cap, or it is a standby', () => {
  const cause = fc.constantFrom<LossCause>('network', 'timeout', 'stream-error', 'conflict', 'refused')
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  const stream = fc.record({
    cause,
    wasUp: fc.boolean(),
    attempt: fc.nat(),
    lostForMs: fc.nat(),
    othersUp: fc.boolean(),
  })
  fc.assert(
    fc.property(stream, fc.boolean(), random, (of, isLocal, chance) => {
      const { state, delayMs } = planReconnect(of, { ...limits, isLocal }, chance)
      if (state === 'standby') return of.othersUp && delayMs === undefined
      return delayMs !== undefined && delayMs >= 0 && delayMs <= limits.capMs
    }),
  )
})

test('the jitter takes up to half of a delay away', () => {
  const delayAt = (random: number) => planReconnect(lost('network', { attempt: 2 }), limits, random).delayMs
  expect(delayAt(0)).toBe(500)
  expect(delayAt(0.5)).toBe(750)
})
