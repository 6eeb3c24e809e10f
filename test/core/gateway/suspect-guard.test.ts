import { expect, test } from 'vitest'
import { SuspectGuard } from '../../../src/core/gateway/suspect-guard.ts'
import type { AttemptOutcome } from '../../../src/core/outcome.ts'

const limits = {
  inRow: 5,
  share: 0.05,
  minAnswers: 100,
  minOwners: 1,
  maxOwners: 1_000,
  windowMs: 600_000,
  maxDevices: 10,
}
/** Each of another one's. */
let owner = 0
const suspect: AttemptOutcome = { kind: 'suspect', reason: 'BadDeviceToken' }
const delivered: AttemptOutcome = { kind: 'delivered' }
const dead: AttemptOutcome = { kind: 'dead_device', reason: 'Unregistered' }

function guardAfter(answers: readonly (readonly [count: number, outcome: AttemptOutcome])[]): SuspectGuard {
  const guard = new SuspectGuard(2, limits)
  for (const [count, outcome] of answers) for (let i = 0; i < count; i++) guard.judge(0, outcome, owner++, 0)
  return guard
}

test('few suspects are suspects', () => {
  expect(guardAfter([[95, delivered]]).judge(0, suspect, owner++, 0)).toBe(suspect)
})

test('of fewer than a hundred answers nothing follows', () => {
  expect(guardAfter([[98, suspect]]).judge(0, suspect, owner++, 0)).toBe(suspect)
})

test('past the share they are the operator’s fault, in the provider’s words', () => {
  const guard = guardAfter([
    [90, delivered],
    [4, dead],
    [5, suspect],
  ])
  expect(guard.judge(0, suspect, owner++, 0)).toEqual({ kind: 'operator_fault', reason: 'BadDeviceToken' })
  expect(guard.misconfigured(0, 0)).toBe(true)
})

test('a pool that is wrong says nothing of another', () => {
  const guard = guardAfter([[100, suspect]])
  expect(guard.judge(1, suspect, owner++, 0)).toBe(suspect)
  expect(guard.misconfigured(1, 0)).toBe(false)
})

test('what is over ten minutes old no longer counts', () => {
  const guard = guardAfter([[200, suspect]])
  expect(guard.judge(0, suspect, owner++, 660_000)).toBe(suspect)
})

test('answers that say nothing of the device do not count, and pass', () => {
  const retry: AttemptOutcome = {
    kind: 'retry',
    cause: 'throttled',
    reason: 'TooManyRequests',
    retryAfterMs: undefined,
    known: true,
  }
  const guard = guardAfter([[1_000, retry]])
  expect(guard.judge(0, retry, owner++, 0)).toBe(retry)
  for (let i = 0; i < 98; i++) guard.judge(0, suspect, owner++, 0)
  expect(guard.judge(0, suspect, owner++, 0)).toBe(suspect)
})
