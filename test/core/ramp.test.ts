import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ramp, rampLimits } from '../../src/core/ramp.ts'

/** Takes what it may every 10 ms for a second; how much that was. */
function second(ramp: Ramp, startMs: number, works: boolean): number {
  let taken = 0
  for (let ms = 10; ms <= 1000; ms += 10) {
    const count = ramp.allowance(startMs + ms)
    ramp.took(count)
    taken += count
    for (let i = 0; i < count; i++) works ? ramp.succeeded() : ramp.failed()
  }
  return taken
}

test('it doubles with each second that works', () => {
  const ramp = new Ramp(rampLimits, 0)
  const taken = [0, 1, 2, 3, 4].map((s) => second(ramp, s * 1000, true))
  for (const [i, count] of taken.entries()) {
    expect(count).toBeGreaterThan(200 * 2 ** i * 0.95)
    expect(count).toBeLessThan(200 * 2 ** i * 1.1)
  }
})

test('it halves with each second that does not, down to the least', () => {
  const ramp = new Ramp(rampLimits, 0)
  for (let s = 0; s < 5; s++) second(ramp, s * 1000, true)
  const before = ramp.ratePerS
  second(ramp, 5_000, false)
  expect(ramp.ratePerS).toBe(before / 2)
  for (let s = 6; s < 30; s++) second(ramp, s * 1000, false)
  expect(ramp.ratePerS).toBe(rampLimits.leastPerS)
})

test('a pause earns no burst and no speed', () => {
  const ramp = new Ramp(rampLimits, 0)
  expect(ramp.allowance(3_600_000)).toBe(20)
  expect(ramp.ratePerS).toBe(200)
})

test('it starts anew after the gateway was away', () => {
  const ramp = new Ramp(rampLimits, 0)
  for (let s = 0; s < 5; s++) second(ramp, s * 1000, true)
  ramp.restart(5_000)
  expect(ramp.ratePerS).toBe(200)
  expect(ramp.allowance(5_000)).toBe(0)
})

test('whatever is asked whenever, no more goes than the rate allows', () => {
  const steps = fc.array(fc.record({ afterMs: fc.nat(500), works: fc.boolean() }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (all) => {
      const ramp = new Ramp(rampLimits, 0)
      let nowMs = 0
      for (const { afterMs, works } of all) {
        nowMs += afterMs
        const count = ramp.allowance(nowMs)
        expect(count).toBeGreaterThanOrEqual(0)
        expect(count).toBeLessThanOrEqual(Math.max(1, ramp.ratePerS / 10))
        ramp.took(count)
        works ? ramp.succeeded() : ramp.failed()
        expect(ramp.ratePerS).toBeGreaterThanOrEqual(rampLimits.leastPerS)
        expect(ramp.ratePerS).toBeLessThanOrEqual(rampLimits.mostPerS)
      }
    }),
  )
})
