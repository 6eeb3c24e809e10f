import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Vitals, Watchdog, watchdogIntervalMs } from '../../src/main/watchdog.ts'

const intervalMs = 30_000
const well: Vitals = { workersUp: 2, commitAtDisk: undefined }

/** When signs of life are given, if one looks every second and finds this. */
function beats(seconds: number, vitalsAt: (second: number) => Vitals): number[] {
  const watchdog = new Watchdog(intervalMs)
  return Array.from({ length: seconds }, (_, second) => second).filter((second) =>
    watchdog.beats(vitalsAt(second), second * 1000),
  )
}

describe('a sign of life', () => {
  test('is given at once, and then every half interval', () => {
    expect(beats(60, () => well)).toEqual([0, 15, 30, 45])
  })

  test('is held back while no worker lives, and given as soon as one does', () => {
    const lost = (second: number) => second >= 10 && second < 22
    expect(beats(60, (second) => ({ ...well, workersUp: lost(second) ? 0 : 1 }))).toEqual([0, 22, 37, 52])
  })

  test('is given while one worker of several is being replaced', () => {
    expect(beats(30, () => ({ ...well, workersUp: 1 }))).toEqual([0, 15])
  })

  test('is held back when one commit has been at the disk for a whole interval, until it is over', () => {
    const commitAt = (second: number) => (second >= 5 && second < 50 ? 7 : undefined)
    expect(beats(70, (second) => ({ ...well, commitAtDisk: commitAt(second) }))).toEqual([0, 15, 30, 50, 65])
  })

  test('is given however long the disk is busy, as long as one commit follows another', () => {
    expect(beats(60, (second) => ({ ...well, commitAtDisk: Math.floor(second / 20) }))).toEqual([
      0, 15, 30, 45,
    ])
  })

  test('never comes later than half an interval and one look after the last, whenever it was looked at', () => {
    const looks = fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 100, maxLength: 200 })
    fc.assert(
      fc.property(looks, (gapsMs) => {
        const watchdog = new Watchdog(intervalMs)
        let [nowMs, lastMs] = [0, 0]
        for (const gapMs of gapsMs) {
          nowMs += gapMs
          if (watchdog.beats(well, nowMs)) lastMs = nowMs
          expect(nowMs - lastMs).toBeLessThan(intervalMs / 2)
        }
      }),
    )
  })
})

describe('the interval', () => {
  test.each([
    ['is what the environment says', { WATCHDOG_USEC: '30000000' }, 30_000],
    ['is for the process that it names', { WATCHDOG_USEC: '3000000', WATCHDOG_PID: '42' }, 3_000],
    ['is not for one that has inherited it', { WATCHDOG_USEC: '3000000', WATCHDOG_PID: '41' }, undefined],
    ['is not there without a watchdog', {}, undefined],
    ['is not there when it is 0', { WATCHDOG_USEC: '0' }, undefined],
    ['is not there when it is no number', { WATCHDOG_USEC: 'soon' }, undefined],
  ])('%s', (_what, env, expected) => {
    expect(watchdogIntervalMs(env, 42)).toBe(expected)
  })
})
