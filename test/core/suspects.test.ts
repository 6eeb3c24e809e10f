import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AnswerWindow, type SuspectLimits, Suspects, suspectDefaults } from '../../src/core/suspects.ts'

const limits: SuspectLimits = { ...suspectDefaults, inRow: 5 }

const ignored = () => undefined

/** Of one owner's after another, unless it is one's. */
let owners = 0

function refuse(suspects: Suspects, device: string, times: number, window: AnswerWindow, nowMs = 0) {
  let verdict = 'none'
  for (let i = 0; i < times; i++) {
    window.count(true, owners++, nowMs)
    verdict = suspects.refused(device, window, nowMs)
  }
  return verdict
}

test('the fifth refusal in a row makes a device dead', () => {
  const suspects = new Suspects(limits, ignored)
  const window = new AnswerWindow(limits)
  expect(refuse(suspects, 'd', 4, window)).toBe('suspect')
  expect(refuse(suspects, 'd', 1, window)).toBe('dead')
  expect(refuse(suspects, 'd', 1, window), 'and it starts anew').toBe('suspect')
})

test('a delivery between refusals starts the row anew', () => {
  const suspects = new Suspects(limits, ignored)
  const window = new AnswerWindow(limits)
  refuse(suspects, 'd', 4, window)
  suspects.delivered('d')
  expect(suspects.none).toBe(true)
  expect(refuse(suspects, 'd', 4, window)).toBe('suspect')
})

test('rows of different devices are apart', () => {
  const suspects = new Suspects(limits, ignored)
  const window = new AnswerWindow(limits)
  for (let i = 0; i < 10; i++) expect(refuse(suspects, `d${i}`, 4, window)).toBe('suspect')
})

test('nobody is dead while devices of more than a twentieth of the owners are refused, with a hundred answers', () => {
  const suspects = new Suspects(limits, ignored)
  const window = new AnswerWindow({ ...limits, minOwners: 1 })
  for (let i = 0; i < 94; i++) window.count(false, owners++, 0)
  expect(refuse(suspects, 'd', 5, window), '99 answers').toBe('dead')
  expect(refuse(suspects, 'e', 5, window), '10 of 104').toBe('spared')
  expect(refuse(suspects, 'e', 1, window), 'still').toBe('spared')
  for (let i = 0; i < 1_000; i++) window.count(false, owners++, 0)
  expect(refuse(suspects, 'e', 1, window), 'few again').toBe('dead')
})

test('exactly a twentieth is not too many', () => {
  const window = new AnswerWindow({ ...limits, minOwners: 1 })
  for (let i = 0; i < 95; i++) window.count(false, owners++, 0)
  for (let i = 0; i < 5; i++) window.count(true, owners++, 0)
  expect(window.misconfigured(0)).toBe(false)
  window.count(true, owners++, 0)
  expect(window.misconfigured(0)).toBe(true)
})

test('answers count for ten minutes', () => {
  const window = new AnswerWindow(limits)
  for (let i = 0; i < 200; i++) window.count(true, owners++, 0)
  expect(window.misconfigured(539_999)).toBe(true)
  expect(window.misconfigured(600_000)).toBe(false)
})

test('the window holds what was counted in the last ten minutes, to a minute', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(120_000), fc.boolean()), { maxLength: 200 }), (steps) => {
      const small = { ...limits, minAnswers: 1, minOwners: 1, share: 0 }
      const window = new AnswerWindow(small)
      let nowMs = 0
      const refusedAt: number[] = []
      for (const [stepMs, refused] of steps) {
        nowMs += stepMs
        window.count(refused, owners++, nowMs)
        if (refused) refusedAt.push(nowMs)
      }
      const expected = refusedAt.some((atMs) => Math.floor(nowMs / 60_000) - Math.floor(atMs / 60_000) < 10)
      expect(window.misconfigured(nowMs)).toBe(expected)
    }),
  )
})

test('past its bound the device refused longest ago is forgotten', () => {
  let forgotten = 0
  const suspects = new Suspects({ ...limits, maxDevices: 2 }, () => forgotten++)
  const window = new AnswerWindow(limits)
  refuse(suspects, 'a', 4, window)
  refuse(suspects, 'b', 1, window)
  refuse(suspects, 'c', 1, window)
  expect(refuse(suspects, 'a', 1, window)).toBe('suspect')
  expect(forgotten).toBe(2)
})

describe('an alarm counts distinct owners, at least 10 of them', () => {
  const answered = (window: AnswerWindow, count: number, nowMs = 0) => {
    for (let i = 0; i < count; i++) window.count(false, owners++, nowMs)
  }

  test('one user’s made-up tokens raise none, however many, and keep no dead device alive', () => {
    const suspects = new Suspects(limits, ignored)
    const window = new AnswerWindow(limits)
    answered(window, 50)
    const user = owners++
    for (let i = 0; i < 10_000; i++) {
      window.count(true, user, 0)
      suspects.refused(`made-up-${i}`, window, 0)
    }
    expect(window.misconfigured(0)).toBe(false)
    expect(refuse(suspects, 'really dead', 5, window)).toBe('dead')
  })

  test('devices of nine owners raise none, those of ten do', () => {
    const window = new AnswerWindow(limits)
    answered(window, 100)
    for (let i = 0; i < 9; i++) window.count(true, owners++, 0)
    expect(window.misconfigured(0)).toBe(false)
    window.count(true, owners++, 0)
    expect(window.misconfigured(0)).toBe(true)
  })

  test('ten owners among many are few', () => {
    const window = new AnswerWindow(limits)
    answered(window, 190)
    for (let i = 0; i < 10; i++) window.count(true, owners++, 0)
    expect(window.misconfigured(0), 'a twentieth').toBe(false)
    window.count(true, owners++, 0)
    expect(window.misconfigured(0)).toBe(true)
  })

  test.each([
    [0.02, false],
    [0.1, true],
  ])('of a million owners a sample tells: %d of them refused → %s', (share, expected) => {
    const window = new AnswerWindow({ ...limits, maxOwners: 512 })
    // Spread as hashes are.
    const hashes = Array.from({ length: 1_000_000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 0)
    for (const [i, hash] of hashes.entries()) window.count((i * 7919) % 1000 < share * 1000, hash, i / 100)
    expect(window.misconfigured(10_000)).toBe(expected)
  })

  test('when most owners are gone, all that are left are told apart again', () => {
    const window = new AnswerWindow({ ...limits, maxOwners: 64 })
    for (let i = 0; i < 1_000; i++) window.count(false, i, 0)
    for (let minute = 11; minute < 20; minute++) window.misconfigured(minute * 60_000)
    for (let i = 0; i < 100; i++) window.count(i < 12, i % 50, 20 * 60_000)
    expect(window.misconfigured(20 * 60_000)).toBe(true)
  })
})
