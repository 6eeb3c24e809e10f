import { expect, test } from 'vitest'
import { LmdbJournal } from '../../../src/main/store/journal.ts'
import { startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { openStore, scratchDirectory } from '../store/open-store.ts'
import { dispatcherAtWork } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

const ids = Array.from({ length: 300 }, (_, i) => `tok-${i}`)

test('a push is in the journal before it goes out, and not any more when it is delivered', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url], journalAll: true })
  let journalled = 0
  gateway.answerWith(() => {
    journalled = at.journal.oldest(100).reduce((sum, [, group]) => sum + group.length, 0)
    return undefined
  })
  const outcomes = await Promise.all(ids.map((id) => at.push(notificationTo(id))))
  for (const outcome of outcomes) expect(outcome).toEqual({ kind: 'delivered' })
  expect(journalled).toBeGreaterThan(0)
  await until('nothing is left', () => at.journal.oldest(1).length === 0)
})

test('what a run had in its journal when it died the next one delivers', async () => {
  using directory = scratchDirectory()
  {
    await using store = await openStore(directory.path)
    const journal = new LmdbJournal(store, Date.now)
    await journal.write(['a', 'b'].map((id) => notificationTo(id)))
    await journal.write([notificationTo('c'), { ...notificationTo('now'), timeToLiveS: 0 }])
  }
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url], directory: directory.path })
  expect(at.journal.oldest(1)).toEqual([])
  await until('all are delivered', () => at.outbox.size === 0)
  expect(gateway.requests.map(({ deviceId }) => deviceId).sort()).toEqual(['a', 'b', 'c'])
  expect(await at.metric('retries_total{cause="restart"}')).toBe(3)
  expect(await at.metric('notifications_total{service="fcm",outcome="expired"}')).toBe(1)
})

test('what is delivered late keeps a record of little more than itself', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(({ deviceId }) => (deviceId === 'tok-7' ? { status: 200, delayMs: 1_900 } : undefined))
  await using at = await dispatcherAtWork({ urls: [gateway.url], journalAll: true })
  const outcomes = Promise.all(ids.map((id) => at.push(notificationTo(id))))
  const left = await until('it alone is left', () => {
    const groups = at.journal.oldest(100)
    return groups.length === 1 && groups[0]?.[1].length === 1 && groups[0][1]
  })
  expect(left.map(({ device }) => device.id)).toEqual(['tok-7'])
  await outcomes
  await until('nothing is left', () => at.journal.oldest(1).length === 0)
})

test('what is stored after all has left the journal', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 503 }))
  await using at = await dispatcherAtWork({ urls: [gateway.url], journalAll: true, replyDeadlineMs: 200 })
  expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'stored' })
  await until('nothing is left', () => at.journal.oldest(1).length === 0)
  expect(at.outbox.count()).toBe(1)
})
