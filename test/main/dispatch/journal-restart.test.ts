import { describe, expect, test } from 'vitest'
import type { Notification } from '../../../src/core/notification.ts'
import { LmdbJournal } from '../../../src/main/store/journal.ts'
import { type GatewaySandbox, startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { openStore, scratchDirectory } from '../store/open-store.ts'
import { dispatcherAtWork, outcomeOf } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

/** A directory as a run left it that died with these groups in its journal. */
async function leftBehind(...groups: readonly (readonly Notification[])[]) {
  const directory = scratchDirectory()
  await using store = await openStore(directory.path)
  const journal = new LmdbJournal(store, Date.now)
  for (const group of groups) await journal.add(group).durable
  return directory
}

function pushes(...ids: readonly string[]): Notification[] {
  return ids.map((id) => notificationTo(id))
}

const call = { ...notificationTo('call'), collapsible: false }

function idsAt(gateway: GatewaySandbox): string[] {
  return gateway.requests.map(({ deviceId }) => deviceId).sort()
}

describe('after a crash', () => {
  test('what was under way is delivered', async () => {
    using directory = await leftBehind(pushes('a', 'b'), pushes('c'))
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url], directory: directory.path })
    expect(at.journalled()).toEqual([])
    await until('all are delivered', () => at.outbox.size === 0)
    expect(idsAt(gateway)).toEqual(['a', 'b', 'c'])
    expect(await at.metric('retries_total{cause="restart"}')).toBe(3)
  })

  test('what comes while the journal is read goes out once', async () => {
    const many = Array.from({ length: 60 }, (_, i) => `left-${i}`)
    const groups = many.map((id) => pushes(id))
    using directory = await leftBehind(...groups)
    await using gateway = await startGatewaySandbox()
    const fresh = Array.from({ length: 50 }, (_, i) => `new-${i}`)
    const outcomes: Promise<unknown>[] = []
    await using at = await dispatcherAtWork({
      urls: [gateway.url],
      directory: directory.path,
      journalAll: true,
      outbox: { collapse: false },
      whileStarting(dispatcher) {
        for (const id of fresh) outcomes.push(outcomeOf(dispatcher, notificationTo(id)))
      },
    })
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toEqual({ kind: 'delivered' })
    await until('all are delivered', () => at.outbox.size === 0)
    expect(idsAt(gateway)).toEqual([...fresh, ...many].sort())
  })

  test('what was delivered is not delivered again for being in a group with what was not', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(({ deviceId }) => (deviceId.startsWith('slow') ? { status: 'hang' } : undefined))
    await using dying = await dispatcherAtWork({ urls: [gateway.url], journalAll: true })
    const slow = pushes('slow-1', 'slow-2').map((push) => dying.push(push))
    expect(await dying.push(notificationTo('quick'))).toEqual({ kind: 'delivered' })
    await until('that is noted', () => JSON.stringify(dying.journalled()) === '[["slow-1","slow-2"]]')
    await using after = await startGatewaySandbox()
    using mask = dying.deathMask()
    await using at = await dispatcherAtWork({ urls: [after.url], directory: mask.path })
    await until('all are delivered', () => at.outbox.size === 0)
    expect(idsAt(after)).toEqual(['slow-1', 'slow-2'])
    gateway.answerWith(undefined)
    await Promise.all(slow)
  })

  test('what was stored is delivered once, also when others of its group were not', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(({ deviceId }) =>
      deviceId === 'call' ? { status: 503, headers: { 'retry-after': '1' } } : { status: 'hang' },
    )
    await using dying = await dispatcherAtWork({
      urls: [gateway.url],
      journalAll: true,
      replyDeadlineMs: 900,
    })
    const slow = pushes('slow-1', 'slow-2').map((push) => dying.push(push))
    expect(await dying.push(call)).toEqual({ kind: 'stored' })
    await using after = await startGatewaySandbox()
    using mask = dying.deathMask()
    await using at = await dispatcherAtWork({ urls: [after.url], directory: mask.path })
    await until('all are delivered', () => at.outbox.size === 0)
    expect(idsAt(after)).toEqual(['call', 'slow-1', 'slow-2'])
    await Promise.all(slow)
  })

  test('what was accepted is not lost because the outbox was full', async () => {
    using directory = await leftBehind(pushes('a', 'b', 'c'), pushes('d', 'e'))
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({
      urls: [gateway.url],
      directory: directory.path,
      outbox: { maxStored: 1 },
    })
    await until('all are delivered', () => at.outbox.size === 0)
    expect(idsAt(gateway)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('the outbox takes as many above its limit as can have been accepted, and those beyond end with a letter', async () => {
    using directory = await leftBehind(pushes('a', 'b', 'c'), pushes('d', 'e'))
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({
      urls: [gateway.url],
      directory: directory.path,
      maxPending: 3,
      outbox: { maxStored: 1 },
    })
    await until('all are delivered', () => at.outbox.size === 0)
    expect(idsAt(gateway)).toEqual(['a', 'b', 'c', 'd'])
    expect(at.letters.list(9, undefined).letters).toMatchObject([
      { reason: 'overflow', notification: { device: { id: 'e' } } },
    ])
    expect(await at.metric('notifications_total{service="fcm",outcome="overflow"}')).toBe(1)
  })

  test('what is not worth delivering any more ends with a letter', async () => {
    const late = { ...notificationTo('late'), timeToLiveS: 5, createdAtMs: Date.now() - 6_000 }
    const now = { ...notificationTo('now'), timeToLiveS: 0 }
    using directory = await leftBehind([late, notificationTo('tok'), now])
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url], directory: directory.path })
    await until('one is delivered', () => at.outbox.size === 0)
    expect(idsAt(gateway)).toEqual(['tok'])
    expect(at.letters.list(9, undefined).letters).toMatchObject([
      { reason: 'expired', notification: { device: { id: 'now' } } },
      { reason: 'expired', notification: { device: { id: 'late' } } },
    ])
    expect(await at.metric('notifications_total{service="fcm",outcome="expired"}')).toBe(2)
  })

  test('of several for one node and device the newest alone is delivered, wherever they were', async () => {
    using directory = await leftBehind(pushes('same', 'other'), [
      { ...notificationTo('same'), createdAtMs: Date.now() + 1 },
    ])
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url], directory: directory.path })
    await until('all are delivered', () => at.outbox.size === 0)
    expect(idsAt(gateway)).toEqual(['other', 'same'])
    expect(await at.metric('notifications_total{service="fcm",outcome="superseded"}')).toBe(1)
  })
})
