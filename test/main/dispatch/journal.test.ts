import { expect, test } from 'vitest'
import { StoreInspection } from '../../../src/main/store/inspection.ts'
import { startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { type DispatcherAtWork, dispatcherAtWork } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

async function journalBytes(at: DispatcherAtWork): Promise<number> {
  using mask = at.deathMask()
  await using store = new StoreInspection(mask.path)
  return store.stats().tables.journal?.bytes ?? 0
}

const ids = Array.from({ length: 300 }, (_, i) => `tok-${i}`)

test('a push is in the journal before it goes out, and not any more when it is delivered', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url], journalAll: true })
  const missing: string[] = []
  gateway.answerWith(({ deviceId }) => {
    if (!at.journalled().flat().includes(deviceId)) missing.push(deviceId)
    return undefined
  })
  const outcomes = await Promise.all(ids.map((id) => at.push(notificationTo(id))))
  for (const outcome of outcomes) expect(outcome).toEqual({ kind: 'delivered' })
  expect(missing).toEqual([])
  await until('nothing is left', () => at.journalled().length === 0)
})

test('of a group the journal holds only what has not ended, and soon needs little room for it', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(({ deviceId }) => (deviceId === 'tok-7' ? { status: 200, delayMs: 1_900 } : undefined))
  await using at = await dispatcherAtWork({ urls: [gateway.url], journalAll: true })
  const outcomes = Promise.all(ids.map((id) => at.push(notificationTo(id))))
  await until('it alone is left', () => JSON.stringify(at.journalled()) === '[["tok-7"]]')
  await until('little of it is on disk', async () => (await journalBytes(at)) <= 4_096)
  await outcomes
  await until('nothing is left', () => at.journalled().length === 0)
})

test('a push that waits for the journal is pending: it takes room, and has its deadline', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url], journalAll: true, maxPending: 2 })
  const pushes = [at.push(notificationTo('a')), at.push(notificationTo('b'))]
  expect(at.dispatcher.pending).toBe(2)
  await expect(at.push(notificationTo('c'))).rejects.toThrow('not accepted')
  await Promise.all(pushes)
})
