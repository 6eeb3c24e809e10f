import { expect, test } from 'vitest'
import { PausedDevices } from '../../../src/core/gateway/paused-devices.ts'

test('a device is left alone until its pause is over, and no other is', () => {
  const paused = new PausedDevices(10)
  expect(paused.none).toBe(true)
  paused.pause('a', 61_000, 1_000)
  expect(paused.none).toBe(false)
  expect([paused.leftMs('a', 1_000), paused.leftMs('a', 60_999), paused.leftMs('a', 61_000)]).toEqual([
    60_000, 1, 0,
  ])
  expect(paused.leftMs('b', 1_000)).toBe(0)
})

test('it is remembered past its pause, until something is delivered to it', () => {
  const paused = new PausedDevices(10)
  paused.pause('a', 10, 0)
  expect([paused.has('a'), paused.count(5), paused.count(20)]).toEqual([true, 1, 0])
  paused.delivered('a')
  expect([paused.has('a'), paused.none]).toEqual([false, true])
})

test('of more than it holds the one paused longest ago is forgotten, and said to be when it still had to wait', () => {
  const paused = new PausedDevices(2)
  expect(paused.pause('a', 100, 0)).toBe(false)
  expect(paused.pause('b', 5, 1)).toBe(false)
  expect(paused.pause('a', 101, 2), 'the same again is no other').toBe(false)
  expect(paused.pause('c', 100, 10), 'b is over').toBe(false)
  expect(paused.has('b')).toBe(false)
  expect(paused.pause('d', 100, 10)).toBe(true)
  expect([paused.has('a'), paused.has('c'), paused.has('d')]).toEqual([false, true, true])
})
