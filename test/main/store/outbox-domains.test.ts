import { describe, expect, test } from 'vitest'
import type { Notification } from '../../../src/core/notification.ts'
import type { LmdbOutbox } from '../../../src/main/store/outbox.ts'
import { noSpare } from '../../../src/main/store/ports.ts'
import { notificationTo } from '../dispatch/notifications.ts'
import { scratchDirectory } from './open-store.ts'
import { add, none, outboxAt } from './outbox-at.ts'
import { startMs, storedPush } from './stored-push.ts'
import { tamper } from './tamper.ts'

/** For a device of this domain. */
function of(domain: string, device: string): Notification {
  return { ...notificationTo(device), domain }
}

describe('of several domains', () => {
  const shared = { maxStored: 20, domainShare: 0.75 }

  let devices = 0

  /** Stores of a domain's what there is room for; how many. */
  async function fill(outbox: LmdbOutbox, domain: string, spare = noSpare): Promise<number> {
    for (let count = 0; ; count++) {
      const addition = outbox.add(storedPush(of(domain, `tok-${devices++}`)), spare)
      if (typeof addition === 'string') return count
      await addition.durable
    }
  }

  test('one that fills its share leaves room for the others, also after a restart', async () => {
    using dir = scratchDirectory()
    {
      await using at = await outboxAt(dir.path, shared)
      expect(await fill(at.outbox, 'a.test')).toBe(15)
    }
    await using at = await outboxAt(dir.path, shared)
    expect(await fill(at.outbox, 'a.test')).toBe(0)
    expect(await fill(at.outbox, 'b.test')).toBe(4)
    expect(await fill(at.outbox, 'c.test')).toBe(1)
    expect(at.outbox.size, 'never more than there is room for in all').toBe(20)
  })

  test('one has room again for what has ended', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path, shared)
    await fill(at.outbox, 'a.test')
    await fill(at.outbox, 'b.test')
    const ended = at.outbox.from('0', 9).map(([id]) => at.outbox.remove(id, undefined))
    await Promise.all(ended)
    expect(await fill(at.outbox, 'b.test'), 'six are left of the first').toBeGreaterThan(4)
    expect(await fill(at.outbox, 'c.test')).toBeGreaterThan(0)
  })

  test('one that is full takes newer pushes in the place of older ones, and what was accepted before a crash', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path, shared)
    await add(at.outbox, storedPush(of('a.test', 'phone')))
    await fill(at.outbox, 'a.test')
    expect(at.outbox.add(storedPush(of('a.test', 'phone')))).toMatchObject({ superseded: expect.any(String) })
    expect(await fill(at.outbox, 'a.test', { pushes: 4, bytes: 0 })).toBeGreaterThan(0)
  })

  test('alone in being served, one has all the room', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path, { ...shared, domainShare: 1 })
    expect(await fill(at.outbox, 'a.test')).toBe(20)
  })

  test('as many of each are due, as far as there are, whoever was first', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    const domainOf = new Map<string, string>()
    const store = async (domain: string, count: number) => {
      for (let i = 0; i < count; i++) {
        const push = storedPush(of(domain, `tok-${i}`), { dueAtMs: startMs + domainOf.size })
        domainOf.set(await add(at.outbox, push), domain)
      }
    }
    await store('crowd.test', 100)
    await store('b.test', 3)
    await store('c.test', 30)
    const taken = new Set<string>()
    const due = (limit: number) => {
      const found = at.outbox.due('fcm', startMs + 1_000, limit, (id) => taken.has(id))
      for (const id of found) taken.add(id)
      const counts: Record<string, number> = {}
      for (const id of found) {
        const domain = domainOf.get(id) ?? ''
        counts[domain] = (counts[domain] ?? 0) + 1
      }
      return counts
    }
    expect(due(6)).toEqual({ 'crowd.test': 2, 'b.test': 2, 'c.test': 2 })
    expect(due(21), 'what one does not need the others have').toEqual({
      'crowd.test': 10,
      'b.test': 1,
      'c.test': 10,
    })
    const one = Object.keys({ ...due(1), ...due(1), ...due(1) })
    expect(one.length, 'each has its turn to be the first').toBeGreaterThan(1)
    expect(due(1_000)).toMatchObject({ 'crowd.test': expect.any(Number) })
    expect([taken.size, due(1_000)]).toEqual([133, {}])
  })
})

test('of more domains than are asked for all have their turn, whatever else is asked meanwhile', async () => {
  using dir = scratchDirectory()
  await using at = await outboxAt(dir.path)
  const domainOf = new Map<string, string>()
  for (const shelf of ['fcm', 'apns']) {
    for (let i = 0; i < 30; i++) {
      const domain = `${i % 10}.test`
      domainOf.set(await add(at.outbox, storedPush(of(domain, `${shelf}-${i}`), { shelf })), domain)
    }
  }
  const taken = new Set<string>()
  const seen: Record<string, Set<string | undefined>> = { fcm: new Set(), apns: new Set() }
  for (let turn = 0; turn < 10; turn++) {
    for (const shelf of ['fcm', 'apns']) {
      for (const id of at.outbox.due(shelf, startMs + 1, 1, (one) => taken.has(one))) {
        taken.add(id)
        seen[shelf]?.add(domainOf.get(id))
      }
    }
  }
  expect([seen.fcm?.size, seen.apns?.size]).toEqual([10, 10])
})

test('what an earlier version stored is due, on stray shelves too, and leaves nothing behind', async () => {
  using dir = scratchDirectory()
  const ids: string[] = []
  {
    await using at = await outboxAt(dir.path)
    for (const [i, shelf] of ['fcm', 'fcm', 'old pool'].entries()) {
      ids.push(await add(at.outbox, storedPush(`tok-${i}`, { shelf, dueAtMs: startMs + i })))
    }
  }
  await tamper(dir.path, async (table) => {
    const due = table('outbox_due')
    for (const key of [...due.getKeys({})]) {
      // Without its domain.
      await due.put(key.replace(/h.{10}(?=.{26}$)/, ''), true)
      await due.remove(key)
    }
    await table('outbox_domain').clearAsync()
  })
  await using at = await outboxAt(dir.path)
  const added = await add(at.outbox, storedPush('tok-new', { dueAtMs: startMs }))
  expect(at.outbox.due('fcm', startMs + 9, 9, none).sort()).toEqual([ids[0], ids[1], added])
  const [stray = '', ...more] = at.outbox.strayShelves(['fcm', 'apns'])
  expect(more).toEqual([])
  expect(await at.outbox.clear(stray, () => 'apns', 9)).toBe(1)
  expect(at.outbox.due('apns', startMs + 9, 9, none)).toEqual([ids[2]])
  expect(at.outbox.strayShelves(['fcm', 'apns'])).toEqual([])
  for (const id of [...ids, added]) await at.outbox.remove(id, undefined)
  for (const shelf of ['fcm', 'apns', 'old pool'])
    expect(at.outbox.due(shelf, startMs + 9, 9, none)).toEqual([])
  expect(at.outbox.strayShelves([])).toEqual([])
})

describe('of several senders of a domain', () => {
  /** Stores so many of a sender's. */
  async function store(outbox: LmdbOutbox, sender: number | undefined, count: number): Promise<string[]> {
    const ids: string[] = []
    for (let i = 0; i < count; i++) ids.push(await add(outbox, storedPush(`tok-${devices++}`, { sender })))
    return ids
  }
  let devices = 0

  test('as many of each are due, as far as there are, whoever was first', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    const crowd = await store(at.outbox, 1, 100)
    const few = await store(at.outbox, 2, 3)
    const old = await store(at.outbox, undefined, 4)
    const found = at.outbox.due('fcm', startMs + 1, 9, none)
    const count = (ids: string[]) => found.filter((id) => ids.includes(id)).length
    expect([count(crowd), count(few), count(old)]).toEqual([3, 3, 3])
    // What a look has passed over is looked at again a second later.
    expect(at.outbox.due('fcm', startMs + 2_000, 1_000, none)).toHaveLength(107)
    const first = new Set([1, 2, 3].flatMap(() => at.outbox.due('fcm', startMs + 4_000, 1, none)))
    expect(first.size, 'each has its turn to be the first').toBe(3)
  })

  test('of more senders than are asked at a time all have their turn', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    for (let sender = 0; sender < 128; sender++) await store(at.outbox, sender, 2)
    const taken = new Set<string>()
    const seen = new Set<number | undefined>()
    for (let tick = 0; tick < 8; tick++) {
      for (const id of at.outbox.due('fcm', startMs + 1, 16, (one) => taken.has(one))) {
        taken.add(id)
        seen.add(at.outbox.get(id)?.sender)
      }
    }
    expect(seen.size).toBe(128)
  })

  test('one that is due is found among many that are not', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    for (let sender = 0; sender < 128; sender++) {
      await add(at.outbox, storedPush(`later-${sender}`, { sender, dueAtMs: startMs + 9_000 }))
    }
    const id = await add(at.outbox, storedPush('now', { sender: 77 }))
    const found = [1, 2, 3, 4].flatMap(() => at.outbox.due('fcm', startMs + 1, 1, none))
    expect(found).toEqual([id])
  })

  test('one may have three quarters of its domain’s room, in pushes and in bytes, also after a restart', async () => {
    using dir = scratchDirectory()
    {
      await using at = await outboxAt(dir.path, { maxStored: 20 })
      await store(at.outbox, 1, 15)
      expect(at.outbox.add(storedPush('more', { sender: 1 }))).toBe('sender_stored')
    }
    await using at = await outboxAt(dir.path, { maxStored: 20 })
    expect(at.outbox.add(storedPush('more', { sender: 1 }))).toBe('sender_stored')
    await store(at.outbox, 2, 4)
    expect(at.outbox.add(storedPush('more', { sender: 2 }))).toBe('sender_stored')
    await store(at.outbox, undefined, 1)
    expect(at.outbox.add(storedPush('more', { sender: 3 }))).toBe('max_stored')
  })
})
