import { statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LmdbDeadLetterStore } from '../../../src/main/store/dead-letters.ts'
import { notificationTo } from '../dispatch/notifications.ts'
import { openStore, scratchDirectory } from './open-store.ts'
import { add, outboxAt } from './outbox-at.ts'
import { startMs, storedPush } from './stored-push.ts'

describe('a dead letter', () => {
  test('says why and when a push ended, and is read newest first, page by page, after a restart too', async () => {
    using dir = scratchDirectory()
    {
      await using at = await outboxAt(dir.path)
      for (const [i, reason] of (['dead_device', 'expired', 'invalid'] as const).entries()) {
        const id = await add(at.outbox, storedPush(`tok-${i}`))
        at.clock.nowMs += 1
        await at.outbox.remove(id, { reason, detail: `because ${i}` })
      }
    }
    await using at = await outboxAt(dir.path)
    const first = at.letters.list(2, undefined)
    expect(first.letters.map(({ reason, detail, atMs }) => [reason, detail, atMs - startMs])).toEqual([
      ['invalid', 'because 2', 3],
      ['expired', 'because 1', 2],
    ])
    const second = at.letters.list(2, first.next)
    expect(second.letters.map(({ notification }) => notification.device.id)).toEqual(['tok-0'])
    expect(second.next).toBeUndefined()
    const [letter] = second.letters
    expect(at.letters.get(letter?.id ?? '')).toEqual(letter)
  })

  test('goes when it is too old, and the oldest when there are too many', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    for (let i = 0; i < 5; i++) {
      const id = await add(at.outbox, storedPush(`tok-${i}`))
      at.clock.nowMs += 100
      await at.outbox.remove(id, { reason: 'expired', detail: '' })
    }
    const kept = at.letters.list(10, undefined).letters
    expect(kept.map(({ notification }) => notification.device.id)).toEqual(['tok-4', 'tok-3', 'tok-2'])
    at.clock.nowMs = startMs + 1_401
    expect(await at.letters.sweep()).toBe(2)
    expect(at.letters.count()).toBe(1)
  })

  test('goes, the oldest first, when they take too much of the disk', async () => {
    using dir = scratchDirectory()
    await using environment = await openStore(dir.path)
    const limits = { maxAgeMs: 1e9, maxCount: 1e6, maxBytes: 500_000, nowMs: Date.now }
    const letters = new LmdbDeadLetterStore(environment, limits)
    const bytesOf = () => statSync(join(dir.path, 'store.mdb')).size
    const recordMany = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const notification = { ...notificationTo(`tok-${i}`), node: 'x'.repeat(9_000) }
        await environment.queue.write(() => letters.record(notification, 'expired', ''))
      }
    }
    await recordMany(100)
    const few = letters.count()
    expect(few).toBeGreaterThan(30)
    expect(few).toBeLessThan(60)
    const bytes = bytesOf()
    await recordMany(300)
    expect(letters.count()).toBeLessThan(60)
    expect(bytesOf()).toBe(bytes)
    const newest = letters.list(1, undefined).letters[0]?.notification.device.id
    expect(newest).toBe('tok-299')
  })

  test('costs the same however many others end with it, also when there are too many', async () => {
    using dir = scratchDirectory()
    const count = 10_000
    await using environment = await openStore(dir.path)
    const letters = new LmdbDeadLetterStore(environment, {
      maxAgeMs: 1e9,
      maxCount: count,
      maxBytes: 1e12,
      nowMs: Date.now,
    })
    const notification = notificationTo('tok')
    const endAll = () =>
      environment.queue.write(() => {
        for (let i = 0; i < count; i++) letters.record(notification, 'superseded', '')
      })
    await endAll()
    const [newest] = letters.list(1, undefined).letters
    // Were each to look through all that go before it, this would take a minute.
    await endAll()
    expect(letters.count()).toBe(count)
    expect(letters.get(newest?.id ?? ''), 'the oldest go').toBeUndefined()
  }, 10_000)
})
