import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decideRetry, type RetryLimits } from '../../src/core/retry.ts'

const limits: RetryLimits = { baseMs: 500, capMs: 60_000, maxAttempts: 0 }
const long = 1e9

test.each([
  [1, 500],
  [2, 1_000],
  [3, 2_000],
  [7, 32_000],
  [8, 60_000],
  [1_000, 60_000],
])('after %i attempts the delay is anything up to %i ms', (attempts, mostMs) => {
  expect(decideRetry(attempts, undefined, long, limits, 0)).toEqual({ action: 'retry', delayMs: 0 })
  expect(decideRetry(attempts, undefined, long, limits, 0.5)).toEqual({
    action: 'retry',
    delayMs: mostMs / 2,
  })
})

test('Retry-After is a floor, above the cap too', () => {
  expect(decideRetry(1, 90_000, long, limits, 0.5)).toEqual({ action: 'retry', delayMs: 90_000 })
  expect(decideRetry(1, 100, long, limits, 0.5)).toEqual({ action: 'retry', delayMs: 250 })
})

test('an attempt that would come too late is not made', () => {
  expect(decideRetry(1, undefined, 250, limits, 0.5)).toEqual({
    action: 'stop',
    cause: 'expired',
    delayMs: 250,
  })
  expect(decideRetry(1, 10_000, 9_000, limits, 0)).toEqual({
    action: 'stop',
    cause: 'expired',
    delayMs: 10_000,
  })
})

test('attempts may be limited', () => {
  const three = { ...limits, maxAttempts: 3 }
  expect(decideRetry(2, undefined, long, three, 0).action).toBe('retry')
  expect(decideRetry(3, undefined, long, three, 0)).toEqual({
    action: 'stop',
    cause: 'exhausted',
    delayMs: 0,
  })
})

test('a retry is never later than what remains, nor sooner than Retry-After', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.option(fc.nat(100_000), { nil: undefined }),
      fc.nat(100_000),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempts, retryAfterMs, remainingMs, random) => {
        const decision = decideRetry(attempts, retryAfterMs, remainingMs, limits, random)
        if (decision.action === 'stop') return
        expect(decision.delayMs).toBeLessThan(remainingMs)
        expect(decision.delayMs).toBeGreaterThanOrEqual(retryAfterMs ?? 0)
      },
    ),
  )
})
