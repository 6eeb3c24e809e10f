import { describe, expect, test } from 'vitest'
import type { Notification } from '../../../src/core/notification.ts'
import { notificationTo } from '../dispatch/notifications.ts'
import { scratchDirectory } from './open-store.ts'
import { add, none, outboxAt } from './outbox-at.ts'
import { given, startMs, storedPush } from './stored-push.ts'

const call: Notification = { ...notificationTo('tok', { service: 'apns', mode: 'dev' }), collapsible: false }
const silent: Notification = {
  ...notificationTo('tok-2', { service: 'web' }),
  priority: 'high',
  mutableContent: true,
  timeToLiveS: 30,
  topic: 'app',
  tags: ['a', 'b'],
  content: {
    kind: 'silent',
    data: [
      ['message-count', 3],
      ['other', 'text 🚀'],
    ],
  },
}

describe('a stored push', () => {
  test.each([
    ['an alert', notificationTo('tok')],
    ['a call', call],
    ['a silent one', silent],
  ])('%s comes back as it was, after a restart too', async (_, notification) => {
    using dir = scratchDirectory()
    const push = storedPush(notification, {
      attempts: 3,
      shortened: true,
      retryCause: 'timeout',
      lastReason: 'no answer',
      unknownReason: 'Odd',
      unknownCount: 2,
    })
    let id: string
    {
      await using at = await outboxAt(dir.path)
      id = await add(at.outbox, push)
      expect(at.outbox.get(id)).toMatchObject(push)
    }
    await using at = await outboxAt(dir.path)
    expect(at.outbox.get(id)).toMatchObject(push)
    expect(at.outbox.count()).toBe(1)
  })

  test('is counted once it is on disk, and gone once removed, leaving nothing behind', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    const addition = given(at.outbox.add(storedPush('tok')))
    expect(at.outbox.count()).toBe(0)
    await addition.durable
    expect(at.outbox.count()).toBe(1)
    expect(await at.outbox.remove(addition.id ?? '', undefined)).toBe(true)
    expect(await at.outbox.remove(addition.id ?? '', undefined)).toBe(false)
    expect(at.outbox.count()).toBe(0)
    expect(at.letters.count()).toBe(0)
    expect(at.outbox.due('fcm', startMs, 10, none)).toEqual([])
  })

  test('is due by its service and time, in due order, but for those that are taken', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    const ids: string[] = []
    for (const [i, dueIn] of [50, 10, 30].entries()) {
      ids.push(await add(at.outbox, storedPush(`fcm-${i}`, { dueAtMs: startMs + dueIn })))
    }
    const apns = await add(at.outbox, storedPush(call))
    const [at50, at10, at30] = ids
    expect(at.outbox.due('fcm', startMs + 9, 10, none)).toEqual([])
    expect(at.outbox.due('fcm', startMs + 10, 10, none)).toEqual([at10])
    expect(at.outbox.due('fcm', startMs + 60, 10, none)).toEqual([at10, at30, at50])
    expect(at.outbox.due('fcm', startMs + 60, 2, none)).toEqual([at10, at30])
    expect(at.outbox.due('fcm', startMs + 60, 1, (id) => id === at10)).toEqual([at30])
    expect(at.outbox.due('apns', startMs + 60, 10, none)).toEqual([apns])
  })

  test('that was passed over is not looked at again at once, but within a second', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    const ids: string[] = []
    for (let i = 0; i < 6; i++)
      ids.push(await add(at.outbox, storedPush(`tok-${i}`, { dueAtMs: startMs + i })))
    const [first = '', second = '', third = '', fourth = '', fifth = '', sixth = ''] = ids
    const taken = new Set<string>()
    const asked: string[] = []
    const due = (nowMs: number) => {
      const found = at.outbox.due('fcm', nowMs, 2, (id) => {
        asked.push(id)
        return taken.has(id)
      })
      for (const id of found) taken.add(id)
      return found
    }
    expect(due(startMs + 10)).toEqual([first, second])
    expect(due(startMs + 10)).toEqual([third, fourth])
    expect(asked).toEqual([first, second, second, third, fourth])
    taken.delete(first)
    expect(due(startMs + 10)).toEqual([fifth, sixth])
    expect(due(startMs + 1_010), 'a second is over').toEqual([first])
    taken.delete(second)
    expect(due(startMs + 1_010), 'there was nothing behind').toEqual([second])
    taken.delete(third)
    expect(due(startMs + 20), 'the clock was set back').toEqual([third])
  })

  test('that is rescheduled is due then, and only then', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    const push = storedPush('tok')
    const id = await add(at.outbox, push)
    expect(await at.outbox.reschedule(id, { ...push, attempts: 1, dueAtMs: startMs + 500 })).toBe(true)
    expect(at.outbox.due('fcm', startMs + 499, 10, none)).toEqual([])
    expect(at.outbox.due('fcm', startMs + 500, 10, none)).toEqual([id])
    await at.outbox.remove(id, undefined)
    expect(await at.outbox.reschedule(id, push)).toBe(false)
    expect(at.outbox.count()).toBe(0)
  })

  test('has an age, by which the oldest is known, also when the clock is set back', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    expect(at.outbox.oldestAtMs()).toBeUndefined()
    const first = await add(at.outbox, storedPush('a'))
    at.clock.nowMs -= 60_000
    const second = await add(at.outbox, storedPush('b'))
    expect(second > first).toBe(true)
    expect(at.outbox.oldestAtMs()).toBe(startMs)
    expect(at.outbox.from('0', 10).map(([id]) => id)).toEqual([first, second])
    expect(at.outbox.from(second, 10).map(([id]) => id)).toEqual([second])
  })

  test('is refused at max_stored, unless it takes the place of an older one', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path, { maxStored: 2 })
    await add(at.outbox, storedPush('a'))
    await add(at.outbox, storedPush('b'))
    expect(at.outbox.add(storedPush('c'))).toBe('max_stored')
    await add(at.outbox, storedPush('b'))
    expect(at.outbox.count()).toBe(2)
  })
})

describe('of those to one node and device', () => {
  test('only the newest stays, and the older end as superseded', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    const older = await add(at.outbox, storedPush('tok'))
    const addition = given(at.outbox.add(storedPush('tok', { lastReason: 'newer' })))
    expect(addition.superseded).toBe(older)
    await addition.durable
    expect(at.outbox.count()).toBe(1)
    expect(at.outbox.get(older)).toBeUndefined()
    expect(at.outbox.due('fcm', startMs, 10, none)).toEqual([addition.id])
    expect(at.letters.list(10, undefined).letters.map(({ reason }) => reason)).toEqual(['superseded'])
  })

  test.each([
    ['another device', notificationTo('tok-2')],
    ['another mode', notificationTo('tok', { mode: 'dev' })],
    ['another service', notificationTo('tok', { service: 'apns' })],
    ['another node', { ...notificationTo('tok'), node: 'node-2' }],
    ['another domain', { ...notificationTo('tok'), domain: 'other.example.com' }],
    ['a call', { ...notificationTo('tok'), collapsible: false }],
  ])('all stay when the newer is for %s', async (_, newer) => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    await add(at.outbox, storedPush('tok'))
    const addition = given(at.outbox.add(storedPush(newer)))
    expect(addition.superseded).toBeUndefined()
    await addition.durable
    expect(at.outbox.count()).toBe(2)
  })

  test('all stay when collapse is off', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path, { collapse: false })
    await add(at.outbox, storedPush('tok'))
    await add(at.outbox, storedPush('tok'))
    expect(at.outbox.count()).toBe(2)
  })

  test('a call is never superseded', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    await add(at.outbox, storedPush({ ...notificationTo('tok'), collapsible: false }))
    await add(at.outbox, storedPush('tok'))
    await add(at.outbox, storedPush('tok'))
    expect(at.outbox.count()).toBe(2)
  })

  test('an older one that is gone already is not superseded', async () => {
    using dir = scratchDirectory()
    await using at = await outboxAt(dir.path)
    await at.outbox.remove(await add(at.outbox, storedPush('tok')), undefined)
    expect(given(at.outbox.add(storedPush('tok'))).superseded).toBeUndefined()
  })
})

test('places of pushes that are gone are swept, and no others', async () => {
  using dir = scratchDirectory()
  await using at = await outboxAt(dir.path)
  const ids: string[] = []
  for (let i = 0; i < 600; i++) ids.push(await add(at.outbox, storedPush(`tok-${i}`)))
  await Promise.all(ids.slice(0, 550).map((id) => at.outbox.remove(id, undefined)))
  expect(await at.outbox.sweep()).toBe(550)
  expect(await at.outbox.sweep()).toBe(0)
  expect(given(at.outbox.add(storedPush('tok-599'))).superseded).toBe(ids[599])
})
