import { expect, test } from 'vitest'
import { risingClock } from '../../src/main/rising-clock.ts'

test('the clock shows no time twice, and goes on when the one behind it stands still or is set back a little', () => {
  const times = [
    1_700_000_000_000, 1_700_000_000_000, 1_700_000_000_001, 1_699_999_999_500, 1_700_000_000_002,
  ]
  let at = 0
  const clock = risingClock(() => times[at++] ?? 0)
  const shown = times.map(() => clock())
  for (const [i, time] of shown.entries()) if (i > 0) expect(time).toBeGreaterThan(shown[i - 1] ?? 0)
  expect(shown.map(Math.floor)).toEqual([times[0], times[0], times[2], times[2], times[4]])
})

test('set back by much, the clock begins anew', () => {
  const times = [4_000_000_000_000, 1_700_000_000_000, 1_700_000_000_000]
  let at = 0
  const clock = risingClock(() => times[at++] ?? 0)
  expect([clock(), clock()]).toEqual([4_000_000_000_000, 1_700_000_000_000])
  expect(clock()).toBeGreaterThan(1_700_000_000_000)
})
