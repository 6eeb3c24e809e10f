import { describe, expect, test } from 'vitest'
import { PoolPause, poolPauseLimits } from '../../../src/core/gateway/pool-pause.ts'

/** Says of each answer whether it makes the pool pause. */
function answersOf(pause: PoolPause, throttled: readonly boolean[], nowMs = 0): boolean[] {
  return throttled.map((isThrottled) => pause.answered(isThrottled, nowMs))
}

const alternating = (count: number) => Array.from({ length: count }, (_, i) => i % 2 === 1)

describe('a pool pauses', () => {
  test('when at least half of 50 answers in 10 s are 429, and not before', () => {
    const pause = new PoolPause(poolPauseLimits)
    const verdicts = answersOf(pause, alternating(50))
    expect(verdicts.slice(0, 49)).not.toContain(true)
    expect(verdicts[49]).toBe(true)
  })

  test('not for less than half of them', () => {
    const pause = new PoolPause(poolPauseLimits)
    answersOf(pause, [false, false])
    expect(answersOf(pause, alternating(200))).not.toContain(true)
  })

  test('not for what is spread over more than 10 s', () => {
    const pause = new PoolPause(poolPauseLimits)
    for (let i = 0; i < 200; i++) expect(pause.answered(true, i * 205)).toBe(false)
  })

  test('for as long as it is asked to, ten minutes at most', () => {
    const pause = new PoolPause(poolPauseLimits)
    expect(pause.begin(60_000, 1_000)).toBe(true)
    expect(pause.untilMs).toBe(61_000)
    expect(pause.begin(3_600_000, 2_000), 'it is pausing already').toBe(false)
    expect(pause.untilMs).toBe(602_000)
    expect(pause.begin(1_000, 3_000)).toBe(false)
    expect(pause.untilMs, 'never shortened by another answer').toBe(602_000)
  })

  test('and is probed each 5 s', () => {
    const pause = new PoolPause(poolPauseLimits)
    pause.begin(60_000, 1_000)
    expect(pause.permits(5_999)).toBe(false)
    expect(pause.permits(6_000)).toBe(true)
    expect(pause.sending(6_000)).toBe(true)
    expect(pause.permits(10_999)).toBe(false)
    expect(pause.permits(11_000)).toBe(true)
    expect([pause.permits(61_000), pause.sending(61_000)], 'it is over').toEqual([true, false])
  })

  test('until a probe is taken: then it begins to count anew', () => {
    const pause = new PoolPause(poolPauseLimits)
    answersOf(pause, alternating(50))
    pause.begin(60_000, 0)
    pause.end(5_000)
    expect(pause.untilMs).toBe(5_000)
    expect(pause.answered(true, 5_000)).toBe(false)
  })
})
