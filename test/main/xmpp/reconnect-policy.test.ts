import fc from 'fast-check'
import { expect, test } from 'vitest'
import { planReconnect } from '../../../src/main/xmpp/reconnect-policy.ts'
import type { LossCause } from '../../../src/main/xmpp/stream-loss.ts'

const limits = { baseMs: 250, capMs: 15_000, standbyMs: 60_000 }
/** As good as 1: the longest delay. */
const most = 1

test('after the first loss the next attempt is at once, then each waits twice as long, up to the cap', () => {
  const delays = Array.from({ length: 9 }, (_, attempt) =>
    planReconnect('network', attempt, false, limits, most),
  )
  expect(delays.map(({ delayMs }) => delayMs)).toEqual([0, 250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000])
})

test('a refused stream is tried again at the slowest pace from the first time', () => {
  expect(planReconnect('refused', 0, false, limits, most)).toEqual({ state: 'waiting', delayMs: 15_000 })
})

test('a conflict while another stream is up makes a standby', () => {
  expect(planReconnect('conflict', 7, true, limits, most)).toEqual({ state: 'standby', delayMs: 60_000 })
})

test('a conflict while no other stream is up is retried as a loss, but never at once', () => {
  expect(planReconnect('conflict', 0, false, limits, most)).toEqual({ state: 'waiting', delayMs: 250 })
})

test('whatever happens there is a next attempt, after no longer than the pace of its state', () => {
  const cause = fc.constantFrom<LossCause>('network', 'stream-error', 'conflict', 'refused')
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(cause, fc.nat(), fc.boolean(), random, (why, attempt, othersUp, chance) => {
      const { state, delayMs } = planReconnect(why, attempt, othersUp, limits, chance)
      return delayMs >= 0 && delayMs <= (state === 'standby' ? limits.standbyMs : limits.capMs)
    }),
  )
})

test('the jitter takes up to half of a delay away', () => {
  expect(planReconnect('network', 3, false, limits, 0).delayMs).toBe(500)
  expect(planReconnect('network', 3, false, limits, 0.5).delayMs).toBe(750)
})
