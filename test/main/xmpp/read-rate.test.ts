import { expect, test } from 'vitest'
import { ReadRate } from '../../../src/main/xmpp/read-rate.ts'

const megabyte = 1_000_000

test('a ping that comes back late, behind much, tells how fast the server reads', () => {
  const rate = new ReadRate(0)
  rate.pinged('a', megabyte, 10_000)
  expect(rate.bytesPerSecond).toBeUndefined()
  rate.answered('a', 20_000)
  expect(rate.bytesPerSecond).toBe(50_000)
  expect(rate.delayMs(2 * megabyte, 20_000)).toBe(20_000)
  expect(rate.delayMs(2 * megabyte, 35_000)).toBe(5_000)
  expect(rate.delayMs(2 * megabyte, 60_000)).toBe(0)

  rate.pinged('b', 2 * megabyte, 25_000)
  expect(rate.pingDelayMs).toBe(15_000)
})

test.each([
  ['at once, behind much', megabyte, 900],
  ['late, behind little', 60_000, 9_000],
])('a ping that comes back %s tells nothing', (_name, bytes, afterMs) => {
  const rate = new ReadRate(0)
  rate.pinged('a', bytes, 10_000)
  rate.answered('a', 10_000 + afterMs)
  rate.pinged('b', bytes + megabyte, 30_000)
  expect(rate.bytesPerSecond).toBeUndefined()
  expect(rate.pingDelayMs).toBe(0)
})

test('of several pings in a row each tells what was read since the rate was last measured', () => {
  const rate = new ReadRate(0)
  for (let i = 0; i < 20; i++) rate.pinged(`p${i}`, megabyte + i * 20_000, 10_000 + i * 400)
  for (let i = 0; i < 20; i++) {
    rate.answered(`p${i}`, 20_000 + i * 400)
    expect(rate.bytesPerSecond).toBe(50_000)
  }
})

test('a server that has caught up is not slow any more', () => {
  const rate = new ReadRate(0)
  rate.pinged('a', megabyte, 10_000)
  rate.answered('a', 20_000)
  rate.pinged('b', megabyte + 100, 35_000)
  rate.answered('b', 35_001)
  expect(rate.bytesPerSecond).toBeUndefined()
  expect(rate.delayMs(2 * megabyte, 35_001)).toBe(0)
})

test('what the operating system takes of what is unsent tells it before any ping is back', () => {
  const rate = new ReadRate(0)
  rate.pinged('a', 4 * megabyte, 1_000)
  rate.looked(4 * megabyte, 2 * megabyte, 2_000)
  expect(rate.pingDelayMs).toBe(0)
  rate.looked(4 * megabyte, 2 * megabyte + 100_000, 4_000)
  expect(rate.bytesPerSecond).toBe(50_000)
  // 4 MB from 0 on at 50 kB/s.
  expect(rate.pingDelayMs).toBe(79_000)
})

test('a server that takes nothing is not slow: it does not read', () => {
  const rate = new ReadRate(0)
  rate.pinged('a', 4 * megabyte, 1_000)
  for (let atMs = 2_000; atMs < 10_000; atMs += 2_000) rate.looked(4 * megabyte, 2 * megabyte, atMs)
  expect(rate.pingDelayMs).toBe(0)
})

test('no ping waits for more than two minutes', () => {
  const rate = new ReadRate(0)
  rate.pinged('a', 100_000, 1_000)
  rate.answered('a', 101_000)
  rate.pinged('b', 16 * megabyte, 101_000)
  expect(rate.pingDelayMs).toBe(120_000)
})

test('while the stream was not read by our own doing, a late ping tells nothing', () => {
  const rate = new ReadRate(0)
  rate.pinged('a', megabyte, 10_000)
  rate.excused()
  rate.answered('a', 20_000)
  expect(rate.bytesPerSecond).toBeUndefined()
})
