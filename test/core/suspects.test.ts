import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AnswerWindow, type SuspectLimits, Suspects, suspectDefaults } from '../../src/core/suspects.ts'

const limits: SuspectLimits = { ...suspectDefaults, inRow: 5 }

function refuse(suspects: Suspects, device: string, times: number, window: AnswerWindow, nowMs = 0) {
  let verdict = 'none'
  for (let i = 0; i < times; i++) {
    window.count(true, nowMs)
    verdict = suspects.refused(device, window, nowMs)
  }
  return verdict
}

test('the fifth refusal in a row makes a device dead', () => {
  const suspects = new Suspects(limits)
  const window = new AnswerWindow(limits)
  expect(refuse(suspects, 'd', 4, window)).toBe('suspect')
  expect(refuse(suspects, 'd', 1, window)).toBe('dead')
  expect(refuse(suspects, 'd', 1, window), 'and it starts anew').toBe('suspect')
})

test('a delivery between refusals starts the row anew', () => {
  const suspects = new Suspects(limits)
  const window = new AnswerWindow(limits)
  refuse(suspects, 'd', 4, window)
  suspects.delivered('d')
  expect(suspects.none).toBe(true)
  expect(refuse(suspects, 'd', 4, window)).toBe('suspect')
})

test('rows of different devices are apart', () => {
  const suspects = new Suspects(limits)
  const window = new AnswerWindow(limits)
  for (let i = 0; i < 10; i++) expect(refuse(suspects, `d${i}`, 4, window)).toBe('suspect')
})

test('nobody is dead while more than a twentieth of at least a hundred answers are refusals', () => {
  const suspects = new Suspects(limits)
  const window = new AnswerWindow(limits)
  for (let i = 0; i < 94; i++) window.count(false, 0)
  expect(refuse(suspects, 'd', 5, window), '99 answers').toBe('dead')
  expect(refuse(suspects, 'e', 5, window), '10 of 104').toBe('spared')
  expect(refuse(suspects, 'e', 1, window), 'still').toBe('spared')
  for (let i = 0; i < 1_000; i++) window.count(false, 0)
  expect(refuse(suspects, 'e', 1, window), 'few again').toBe('dead')
})

test('exactly a twentieth is not too many', () => {
  const window = new AnswerWindow(limits)
  for (let i = 0; i < 95; i++) window.count(false, 0)
  for (let i = 0; i < 5; i++) window.count(true, 0)
  expect(window.misconfigured(0)).toBe(false)
  window.count(true, 0)
  expect(window.misconfigured(0)).toBe(true)
})

test('answers count for ten minutes', () => {
  const window = new AnswerWindow(limits)
  for (let i = 0; i < 200; i++) window.count(true, 0)
  expect(window.misconfigured(539_999)).toBe(true)
  expect(window.misconfigured(600_000)).toBe(false)
})

test('the window holds what was counted in the last ten minutes, to a minute', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(120_000), fc.boolean()), { maxLength: 200 }), (steps) => {
      const small = { ...limits, minAnswers: 1, share: 0 }
      const window = new AnswerWindow(small)
      let nowMs = 0
      const refusedAt: number[] = []
      for (const [stepMs, refused] of steps) {
        nowMs += stepMs
        window.count(refused, nowMs)
        if (refused) refusedAt.push(nowMs)
      }
      const expected = refusedAt.some((atMs) => Math.floor(nowMs / 60_000) - Math.floor(atMs / 60_000) < 10)
      expect(window.misconfigured(nowMs)).toBe(expected)
    }),
  )
})

test('past its bound the device refused longest ago is forgotten', () => {
  const suspects = new Suspects({ ...limits, maxDevices: 2 })
  const window = new AnswerWindow(limits)
  refuse(suspects, 'a', 4, window)
  refuse(suspects, 'b', 1, window)
  refuse(suspects, 'c', 1, window)
  expect(refuse(suspects, 'a', 1, window)).toBe('suspect')
})
