import { expect, test } from 'vitest'
import { Route } from '../../../src/main/dispatch/route.ts'

test('pushes wait two seconds for what vouches for us: when the daemon starts it is on its way', () => {
  const route = new Route('apns-prod', 0, undefined, 1_000)
  route.lockedSinceMs = 1_000
  expect(route.deliversBy(10_000, 2_999)).toBe(true)
  expect(route.deliversBy(10_000, 3_000)).toBe(false)
  expect(route.deliversBy(2_999, 2_000), 'too late for that').toBe(false)
  route.lockedSinceMs = undefined
  expect(route.deliversBy(10_000, 3_000)).toBe(true)
})

test('a pool that asked for a pause delivers when that is over', () => {
  const route = new Route('apns-prod', 0, undefined, 0)
  for (const device of ['a', 'b', 'c']) route.askedToPause(device, 5_000, 1_000)
  expect(route.deliversBy(5_999, 1_000)).toBe(false)
  expect(route.deliversBy(6_000, 1_000)).toBe(true)
})
