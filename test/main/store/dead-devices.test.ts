import { describe, expect, test } from 'vitest'
import type { Device } from '../../../src/core/notification.ts'
import { LmdbDeadDeviceStore } from '../../../src/main/store/dead-devices.ts'
import { openStore, scratchDirectory } from './open-store.ts'

const domain = 'push.example.com'
const phone: Device = { service: 'apns', mode: undefined, id: 'tok-1' }
const tablet: Device = { service: 'apns', mode: 'prod', id: 'tok-2' }

/** A store at a time that the test sets. */
async function deadDevicesAt(path: string, clock: { nowMs: number }, ttlS = 100) {
  const environment = await openStore(path)
  const dead = new LmdbDeadDeviceStore(environment, { ttlS, nowMs: () => clock.nowMs })
  return { dead, [Symbol.asyncDispose]: () => environment.close() }
}

test('a dead device is known after close and reopen, by service, mode and id together', async () => {
  using dir = scratchDirectory()
  const clock = { nowMs: 1_000_000 }
  {
    await using store = await deadDevicesAt(dir.path, clock)
    expect(store.dead.isDead(phone, domain, 'elsewhere')).toBe(false)
    const added = store.dead.add(phone, domain, 'n1', 'provider')
    expect(store.dead.isDead(phone, domain, 'elsewhere')).toBe(true)
    await added
  }
  await using store = await deadDevicesAt(dir.path, clock)
  expect(store.dead.count()).toBe(1)
  expect(store.dead.isDead(phone, domain, 'elsewhere')).toBe(true)
  expect(store.dead.isDead({ ...phone, mode: 'prod' }, domain, 'elsewhere'), 'no mode is prod').toBe(true)
  expect(store.dead.isDead({ ...phone, mode: 'dev' }, domain, 'elsewhere')).toBe(false)
  expect(store.dead.isDead({ ...phone, service: 'fcm' }, domain, 'elsewhere')).toBe(false)
  expect(store.dead.isDead({ ...phone, id: 'tok' }, domain, 'elsewhere')).toBe(false)
})

test('forgetting a device says whether it was known', async () => {
  using dir = scratchDirectory()
  await using store = await deadDevicesAt(dir.path, { nowMs: 1 })
  await store.dead.add(phone, domain, 'n1', 'provider')
  expect(await store.dead.forget(phone)).toBe(true)
  expect(store.dead.isDead(phone, domain, 'elsewhere')).toBe(false)
  expect(await store.dead.forget(phone)).toBe(false)
  expect(await store.dead.forgetNode(domain, 'n1')).toBe(0)
  expect(store.dead.count()).toBe(0)
})

test('a node that is made anew forgets the devices that were met there, and no others', async () => {
  using dir = scratchDirectory()
  await using store = await deadDevicesAt(dir.path, { nowMs: 1 })
  const other = { ...phone, id: 'tok-3' }
  await store.dead.add(phone, domain, 'n1', 'provider')
  await store.dead.add(tablet, domain, 'n1', 'provider')
  await store.dead.add(other, domain, 'n11', 'provider')
  expect(await store.dead.forgetNode(domain, 'n1')).toBe(2)
  expect([phone, tablet, other].map((device) => store.dead.isDead(device, domain, 'elsewhere'))).toEqual([
    false,
    false,
    true,
  ])
  expect(store.dead.count()).toBe(1)
})

test('a device met at two nodes is forgotten with either, and leaves nothing behind at the other', async () => {
  using dir = scratchDirectory()
  await using store = await deadDevicesAt(dir.path, { nowMs: 1 })
  await store.dead.add(phone, domain, 'n1', 'provider')
  await store.dead.add(phone, domain, 'n2', 'provider')
  expect(store.dead.count()).toBe(1)
  expect(await store.dead.forgetNode(domain, 'n1')).toBe(1)
  expect(store.dead.isDead(phone, domain, 'elsewhere')).toBe(false)
  expect(await store.dead.forgetNode(domain, 'n2')).toBe(0)
})

test('a mark ends with its ttl even before it is swept, and the sweep removes just those that have ended', async () => {
  using dir = scratchDirectory()
  const clock = { nowMs: 1_000_000 }
  await using store = await deadDevicesAt(dir.path, clock, 100)
  await store.dead.add(phone, domain, 'n1', 'provider')
  clock.nowMs += 50_000
  await store.dead.add(tablet, domain, 'n1', 'provider')
  clock.nowMs += 49_999
  expect(store.dead.isDead(phone, domain, 'elsewhere')).toBe(true)
  expect(await store.dead.sweep()).toBe(0)
  clock.nowMs += 1
  expect(store.dead.isDead(phone, domain, 'elsewhere')).toBe(false)
  expect(store.dead.isDead(tablet, domain, 'elsewhere')).toBe(true)
  expect(await store.dead.sweep()).toBe(1)
  expect(store.dead.count()).toBe(1)
  expect(await store.dead.forgetNode(domain, 'n1')).toBe(1)
})

test('a device marked again is dead for the ttl from then', async () => {
  using dir = scratchDirectory()
  const clock = { nowMs: 1_000_000 }
  await using store = await deadDevicesAt(dir.path, clock, 100)
  await store.dead.add(phone, domain, 'n1', 'provider')
  clock.nowMs += 90_000
  await store.dead.add(phone, domain, 'n1', 'provider')
  clock.nowMs += 90_000
  expect(await store.dead.sweep()).toBe(0)
  expect(store.dead.isDead(phone, domain, 'elsewhere')).toBe(true)
})

test('a sweep of more than one transaction removes all that has ended', async () => {
  using dir = scratchDirectory()
  const clock = { nowMs: 1_000_000 }
  await using store = await deadDevicesAt(dir.path, clock, 1)
  const devices = Array.from({ length: 1234 }, (_, i) => ({ ...phone, id: `old-${i}` }))
  await Promise.all(devices.map((device, i) => store.dead.add(device, domain, `n${i}`, 'provider')))
  clock.nowMs += 5000
  await store.dead.add(tablet, domain, 'n1', 'provider')
  expect(await store.dead.sweep()).toBe(1234)
  expect(store.dead.count()).toBe(1)
})

test('a device id of 4 KiB, at a node and a domain as long as they may be, is kept and forgotten', async () => {
  using dir = scratchDirectory()
  await using store = await deadDevicesAt(dir.path, { nowMs: 1 })
  const long = { service: 's'.repeat(300), mode: 'm'.repeat(300), id: 'é'.repeat(2048) }
  for (const [device, place] of [
    [long, 'd'.repeat(1023)],
    [{ ...long, id: 'i'.repeat(320) }, 'd'.repeat(320)],
  ] as const) {
    await store.dead.add(device, place, place, 'provider')
    expect(store.dead.isDead(device, domain, 'elsewhere')).toBe(true)
    expect(await store.dead.forgetNode(place, place)).toBe(1)
    expect(store.dead.isDead(device, domain, 'elsewhere')).toBe(false)
  }
})

describe('a mark made by suspicion holds for the domain, the node and the device that it came by', () => {
  test('one made by the provider’s own word holds for the device', async () => {
    using dir = scratchDirectory()
    await using store = await deadDevicesAt(dir.path, { nowMs: 1 })
    const at = (host: string, node: string) => store.dead.isDead(phone, host, node)
    await store.dead.add(phone, domain, 'n1', 'suspect_limit')
    expect([at(domain, 'n1'), at(domain, 'n2'), at('other.example.com', 'n1')]).toEqual([true, false, false])
    expect(store.dead.marksOf(phone)).toEqual({ gone: false, suspectedAt: 1 })
    await store.dead.add(phone, domain, 'n2', 'provider')
    expect([at(domain, 'n1'), at(domain, 'n2'), at('other.example.com', 'n1')]).toEqual([true, true, true])
    expect(store.dead.marksOf(phone)).toEqual({ gone: true, suspectedAt: 1 })
  })

  test('a node that is made anew forgets its own suspicion alone, and what the provider said there', async () => {
    using dir = scratchDirectory()
    await using store = await deadDevicesAt(dir.path, { nowMs: 1 })
    const at = (node: string) => store.dead.isDead(phone, domain, node)
    await store.dead.add(phone, domain, 'n1', 'suspect_limit')
    await store.dead.add(phone, domain, 'n2', 'suspect_limit')
    await store.dead.add(phone, domain, 'n3', 'provider')
    expect(await store.dead.forgetNode(domain, 'n1')).toBe(1)
    expect([at('n1'), at('n2')], 'it is gone all the same').toEqual([true, true])
    expect(await store.dead.forgetNode(domain, 'n3')).toBe(1)
    expect([at('n1'), at('n2'), at('n3')]).toEqual([false, true, false])
    expect(await store.dead.forgetNode(domain, 'n2')).toBe(1)
    expect(store.dead.count()).toBe(0)
  })

  test('each has a time of its own: to be suspected elsewhere makes none last longer', async () => {
    using dir = scratchDirectory()
    const clock = { nowMs: 1_000_000 }
    await using store = await deadDevicesAt(dir.path, clock, 100)
    await store.dead.add(phone, domain, 'n1', 'suspect_limit')
    clock.nowMs += 60_000
    await store.dead.add(phone, domain, 'n2', 'suspect_limit')
    clock.nowMs += 60_000
    expect(await store.dead.sweep()).toBe(0)
    expect(store.dead.isDead(phone, domain, 'n1')).toBe(false)
    expect(store.dead.isDead(phone, domain, 'n2')).toBe(true)
    expect(store.dead.marksOf(phone)).toEqual({ gone: false, suspectedAt: 1 })
  })

  test('however many nodes a stranger has it suspected at, what its provider said stays', async () => {
    using dir = scratchDirectory()
    await using store = await deadDevicesAt(dir.path, { nowMs: 1 })
    await store.dead.add(phone, domain, 'n1', 'provider')
    for (let i = 0; i < 20; i++) await store.dead.add(phone, domain, `s${i}`, 'suspect_limit')
    expect(store.dead.marksOf(phone)).toEqual({ gone: true, suspectedAt: 8 })
    expect(await store.dead.forgetNode(domain, 's19')).toBe(1)
    expect(store.dead.isDead(phone, domain, 'n1')).toBe(true)
  })
})
