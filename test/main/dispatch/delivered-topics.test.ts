import { expect, test } from 'vitest'
import { DeliveredTopics } from '../../../src/main/dispatch/delivered-topics.ts'

const device = { service: 'apns', mode: undefined, id: 'tok' }

test('a topic is known for the device that it was delivered to, at its mode, and for no other', () => {
  const topics = new DeliveredTopics(Math.random, () => undefined)
  topics.note(device, 'com.example.a')
  expect(topics.has(device, 'com.example.a')).toBe(true)
  expect(topics.has({ ...device, mode: 'prod' }, 'com.example.a'), 'no mode is prod').toBe(true)
  expect(topics.has(device, 'com.example.b')).toBe(false)
  expect(topics.has({ ...device, id: 'tok2' }, 'com.example.a')).toBe(false)
  expect(topics.has({ ...device, mode: 'dev' }, 'com.example.a')).toBe(false)
  expect(topics.has({ ...device, service: 'fcm' }, 'com.example.a')).toBe(false)
})

test('it holds a bounded number, of which newer ones drive out older ones, and says so', () => {
  let forgotten = 0
  const topics = new DeliveredTopics(Math.random, () => forgotten++)
  const known = (i: number) => topics.has({ ...device, id: `tok-${i}` }, 'com.example.a')
  for (let i = 0; i < 400_000; i++) topics.note({ ...device, id: `tok-${i}` }, 'com.example.a')
  const left = Array.from({ length: 400_000 }, (_, i) => known(i)).filter((isKnown) => isKnown).length
  expect(left).toBeLessThanOrEqual(131_072)
  expect(left).toBeGreaterThan(110_000)
  expect(left + forgotten).toBe(400_000)
  expect(known(399_999)).toBe(true)
})
