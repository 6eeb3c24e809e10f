import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { LmdbDeadDeviceStore } from '../../../src/main/store/dead-devices.ts'
import { StoreInspection } from '../../../src/main/store/inspection.ts'
import { openStore, scratchDirectory } from './open-store.ts'

/**
 * A store.mdb as commit 352d6ef writes it, by its own `LmdbDeadDeviceStore`: `dead-0` to `dead-199` (FCM), each met at
 * its node `n0` to `n199` of push.example.com; `crowded` (APNs, dev), met at `c0` to `c9`, of which the last 8 are
 * remembered; `twice` (APNs), met at `one` of push.example.com and at the node '' of virtual.example.com.
 */
const packed = readFileSync(new URL('../../fixtures/stores/dead-devices-352d6ef.mdb.gz', import.meta.url))
const domain = 'push.example.com'
const twice = { service: 'apns', mode: undefined, id: 'twice' }
const crowded = { service: 'apns', mode: 'dev', id: 'crowded' }
const writer = new URL('./dead-writer.ts', import.meta.url).pathname

function placeOldStore(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  writeFileSync(join(dataDir, 'store.mdb'), gunzipSync(packed), { mode: 0o600 })
}

async function openOld(path: string) {
  const environment = await openStore(path)
  const dead = new LmdbDeadDeviceStore(environment, { ttlS: 1e9, nowMs: () => 1_700_000_001_000 })
  return { dead, [Symbol.asyncDispose]: () => environment.close() }
}

function fcm(i: number) {
  return { service: 'fcm', mode: undefined, id: `dead-${i}` }
}

async function faultsOf(path: string): Promise<string[]> {
  await using inspection = new StoreInspection(path)
  return inspection.tableNames.flatMap((table) => [...inspection.check(table)])
}

describe('a mark that an earlier version made, which does not say who called the device dead,', () => {
  test('holds at the nodes where the device was met, and at no other', async () => {
    using dir = scratchDirectory()
    placeOldStore(dir.path)
    await using store = await openOld(dir.path)
    expect(store.dead.count()).toBe(202)
    for (let i = 0; i < 200; i++) {
      expect(store.dead.isDead(fcm(i), domain, `n${i}`)).toBe(true)
      expect(store.dead.isDead(fcm(i), domain, 'elsewhere')).toBe(false)
    }
    expect(store.dead.isDead(crowded, domain, 'c1')).toBe(false)
    expect(store.dead.isDead(crowded, domain, 'c2')).toBe(true)
    expect(store.dead.isDead(twice, domain, 'one')).toBe(true)
    expect(store.dead.isDead(twice, 'virtual.example.com', '')).toBe(true)
    expect(store.dead.isDead(twice, 'virtual.example.com', 'one')).toBe(false)
  })

  test('is there beside what is marked since, and goes with its node, its device and its time', async () => {
    using dir = scratchDirectory()
    placeOldStore(dir.path)
    {
      await using store = await openOld(dir.path)
      await store.dead.add(twice, domain, 'three', 'suspect_limit')
      await store.dead.add(fcm(1), domain, 'n1', 'provider')
      expect(await store.dead.forgetNode(domain, 'one')).toBe(1)
      expect(await store.dead.forgetNode(domain, 'n2')).toBe(1)
      expect(await store.dead.forget(crowded)).toBe(true)
    }
    await using store = await openOld(dir.path)
    const at = (node: string) => store.dead.isDead(twice, domain, node)
    expect([at('one'), at('three'), at('elsewhere')]).toEqual([false, true, false])
    expect(store.dead.isDead(twice, 'virtual.example.com', '')).toBe(true)
    expect(store.dead.isDead(fcm(1), domain, 'elsewhere')).toBe(true)
    expect(store.dead.isDead(fcm(2), domain, 'n2')).toBe(false)
    expect(store.dead.isDead(crowded, domain, 'c9')).toBe(false)
    expect(store.dead.count()).toBe(200)
  })

  test('survives kill -9 at any moment of its being written anew, with nothing torn', async () => {
    using dir = scratchDirectory()
    placeOldStore(dir.path)
    for (let round = 0; round < 4; round++) {
      const child = fork(writer, [dir.path], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      let told = 0
      child.on('message', () => {
        told++
        if (told === 1 + round) setTimeout(() => child.kill('SIGKILL'), round)
      })
      await once(child, 'exit')
      expect(told).toBeGreaterThan(0)
      await using store = await openOld(dir.path)
      for (let i = 100; i < 200; i++) {
        const here = store.dead.isDead(fcm(i), domain, `n${i}`)
        // At most 8 nodes of a device are remembered: the oldest give way.
        if (i % 2 === 1 && round === 0) expect(here, `dead-${i}`).toBe(true)
        if (i % 2 === 1) expect(store.dead.isDead(fcm(i), domain, 'other-0'), `dead-${i}`).toBe(true)
      }
      expect(store.dead.isDead(twice, domain, 'one')).toBe(true)
    }
    expect(await faultsOf(dir.path)).toEqual([])
  })
})
