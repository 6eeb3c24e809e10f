import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { LmdbOutbox } from '../../../src/main/store/outbox.ts'
import { alertOf, notificationTo } from '../dispatch/notifications.ts'
import { scratchDirectory } from './open-store.ts'
import { add, outboxAt } from './outbox-at.ts'
import { startMs, storedPush } from './stored-push.ts'
import { tamper } from './tamper.ts'

/** To a device of its own, with a text of so many bytes. */
function large(device: string, bytes: number, domain = 'push.example.com') {
  return storedPush({ ...notificationTo(device), node: 'x'.repeat(bytes), domain }, { sender: 1 })
}

let devices = 0

async function fill(outbox: LmdbOutbox, domain: string): Promise<number> {
  for (let count = 0; ; count++) {
    const addition = outbox.add({ ...large(`tok-${devices++}`, 9_000, domain), sender: undefined })
    if (typeof addition === 'string') {
      expect(addition).toBe('max_stored_bytes')
      return count
    }
    await addition.durable
  }
}

describe('what is stored takes queue.max_stored_bytes of the disk at most', () => {
  test('past it a push is refused as past max_stored, and has room again when others have ended', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path, { maxStoredBytes: 100_000 })
    expect(await fill(at.outbox, 'a.test')).toBe(11)
    expect(at.outbox.bytes()).toBeGreaterThan(100_000)
    for (const [id] of at.outbox.from('0', 5)) await at.outbox.remove(id, undefined)
    expect(await fill(at.outbox, 'a.test')).toBe(5)
  })

  test('domains share them as they share the places, also after a restart', async () => {
    using dir = scratchDirectory()
    const shared = { maxStoredBytes: 200_000, domainShare: 0.75 }
    {
      await using at = await outboxAt(dir.path, shared)
      expect(await fill(at.outbox, 'a.test')).toBe(16)
    }
    await using at = await outboxAt(dir.path, shared)
    expect(await fill(at.outbox, 'a.test')).toBe(0)
    expect(await fill(at.outbox, 'b.test')).toBeGreaterThan(2)
    expect(await fill(at.outbox, 'c.test')).toBeGreaterThan(0)
  })

  test('a sender has three quarters of its domain’s', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path, { maxStoredBytes: 100_000 })
    for (let i = 0; i < 8; i++) await add(at.outbox, large(`tok-${i}`, 9_000))
    expect(at.outbox.add(large('more', 9_000))).toBe('sender_stored')
    await add(at.outbox, { ...large('other', 9_000), sender: 2 })
  })

  test('one that takes the place of a smaller one needs room, and of one as large none', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path, { maxStoredBytes: 100_000 })
    const body = (bytes: number) => alertOf({ body: 'x'.repeat(bytes) })
    const to = (device: string, bytes: number, sender = 1) =>
      storedPush({ ...notificationTo(device), content: body(bytes) }, { sender })
    for (let i = 0; i < 100; i++) await add(at.outbox, to(`tok-${i}`, 100))
    const isTaken = async (i: number, bytes: number) => {
      const addition = at.outbox.add(to(`tok-${i}`, bytes))
      if (typeof addition === 'string') return addition
      await addition.durable
      return 'taken'
    }
    const grown = []
    for (let i = 0; i < 100; i++) grown.push(await isTaken(i, 8_000))
    expect(new Set(grown)).toEqual(new Set(['taken', 'sender_stored']))
    expect(at.outbox.bytes()).toBeGreaterThan(75_000)
    expect(at.outbox.bytes()).toBeLessThan(100_000)
    expect([await isTaken(0, 8_000), await isTaken(99, 100)]).toEqual(['taken', 'taken'])
  })

  test('they count each as it is: shortened, superseded, put elsewhere, ended', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    const id = await add(at.outbox, large('tok', 9_000))
    const whole = at.outbox.bytes()
    await at.outbox.reschedule(id, { ...large('tok', 1_000), sender: 2 })
    expect(whole - at.outbox.bytes()).toBe(8_000)
    const newer = await add(at.outbox, large('tok', 1_000))
    expect(at.outbox.bytes(), 'to another node').toBe(2 * (whole - 8_000))
    const again = await add(at.outbox, large('tok', 1_000))
    expect(at.outbox.get(newer), 'superseded').toBeUndefined()
    await at.outbox.clear('f', () => 'apns', 9)
    await at.outbox.remove(again, undefined)
    await at.outbox.remove(id, undefined)
    expect(at.outbox.bytes()).toBe(0)
  })
})

describe('a store of an earlier version, which counted no bytes', () => {
  /** As the version before wrote it: records without sender and bytes, due keys without sender, no `outbox_use`. */
  async function asBefore(path: string, count: number): Promise<void> {
    {
      await using at = await outboxAt(path)
      for (let i = 0; i < count; i++) {
        await add(at.outbox, storedPush(`tok-${i}`, { sender: undefined, dueAtMs: startMs + i }))
      }
    }
    await tamper(path, async (table) => {
      const outbox = table('outbox')
      for (const { key, value } of [...outbox.getRange({})]) {
        await outbox.put(key, (value as unknown[]).slice(0, 10))
      }
      await table('outbox_use').clearAsync()
    })
  }

  test('is counted, a part at a time, while it works', async () => {
    using dir = scratchDirectory()
    await asBefore(dir.path, 600)
    await using at = await outboxAt(dir.path)
    expect(at.outbox.bytes()).toBe(0)
    const counting = at.outbox.countOld()
    const [first = '', second = ''] = at.outbox.from('0', 2).map(([id]) => id)
    await at.outbox.remove(first, undefined)
    await at.outbox.reschedule(second, storedPush('tok-1'))
    const added = await add(at.outbox, storedPush('new'))
    await counting
    const each = at.outbox.bytes() / 600
    expect(each).toBeGreaterThan(500)
    expect(each).toBeLessThan(700)
    for (const [id] of at.outbox.from('0', 700)) await at.outbox.remove(id, undefined)
    expect(at.outbox.get(added)).toBeUndefined()
    expect([at.outbox.size, at.outbox.bytes()]).toEqual([0, 0])
  })

  test('is counted in the end when it was cut short, wherever that was', async () => {
    using dir = scratchDirectory()
    await asBefore(join(dir.path, 'old'), 600)
    const whole = join(dir.path, 'whole')
    cpSync(join(dir.path, 'old'), whole, { recursive: true })
    let bytes: number
    {
      await using at = await outboxAt(whole)
      await at.outbox.countOld()
      bytes = at.outbox.bytes()
      await at.outbox.countOld()
      expect(at.outbox.bytes(), 'none twice').toBe(bytes)
    }
    const cut = join(dir.path, 'cut')
    {
      await using at = await outboxAt(join(dir.path, 'old'))
      const counting = at.outbox.countOld()
      // After one transaction of several, as a kill would leave it.
      while (at.outbox.bytes() === 0 || at.outbox.bytes() === bytes) await new Promise(setImmediate)
      await at.environment.queue.write(() => undefined)
      cpSync(join(dir.path, 'old'), cut, { recursive: true })
      await counting
    }
    await using at = await outboxAt(cut)
    const before = at.outbox.bytes()
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(bytes)
    await at.outbox.countOld()
    expect(at.outbox.bytes()).toBe(bytes)
  })

  test('a start that finds all counted does not look at them', async () => {
    using dir = scratchDirectory()
    await asBefore(dir.path, 10)
    {
      await using at = await outboxAt(dir.path)
      await at.outbox.countOld()
    }
    await using at = await outboxAt(dir.path)
    const before = at.environment.transactions
    await at.outbox.countOld()
    expect(at.environment.transactions).toBe(before)
  })
})
