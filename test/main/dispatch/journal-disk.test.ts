import { expect, test } from 'vitest'
import { startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { busyDisk } from '../store/busy-disk.ts'
import { dispatcherAtWork } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

test('when the disk does not answer, what waits for the journal ends as undelivered, is not sent, and is forgotten once the disk is well', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url], journalAll: true, maxPending: 3 })
  expect(await at.push(notificationTo('before'))).toEqual({ kind: 'delivered' })
  await until('the disk to be done', () => at.journalled().length === 0)

  const disk = await busyDisk(at.storeFile)
  const first = at.push(notificationTo('first'))
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  const behind = [at.push(notificationTo('behind')), at.push(notificationTo('behind, too'))]
  expect(at.dispatcher.pending).toBe(3)
  await expect(at.push(notificationTo('one too many'))).rejects.toThrow('not accepted')

  for (const end of await Promise.all([first, ...behind])) expect(end).toMatchObject({ kind: 'undelivered' })
  expect(at.dispatcher.pending).toBe(0)
  expect(await at.push(notificationTo('meanwhile'))).toMatchObject({ kind: 'undelivered' })

  await disk.release()
  // It had reached the disk after all, and was refused: nobody wants it in the journal.
  await until('the disk takes changes again', () => at.outbox.fault === undefined)
  expect(await at.push(notificationTo('after'))).toEqual({ kind: 'delivered' })
  await until('nothing is left', () => at.journalled().length === 0)
  expect(gateway.requests.map(({ deviceId }) => deviceId)).toEqual(['before', 'after'])
})

test('a push whose deadline comes while the disk does not answer is stored with it, or ends without it', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url], journalAll: true, replyDeadlineMs: 200 })
  const disk = await busyDisk(at.storeFile)
  const pushes = [at.push(notificationTo('tok')), at.push({ ...notificationTo('now'), timeToLiveS: 0 })]
  // For now or never, and so not for the outbox.
  expect(await pushes[1]).toMatchObject({ kind: 'undelivered' })
  await disk.release()
  expect(await pushes[0]).toEqual({ kind: 'stored' })
  await until('it is delivered', () => at.outbox.size === 0)
  expect(gateway.requests.map(({ deviceId }) => deviceId)).toEqual(['tok'])
  await until('nothing is left', () => at.journalled().length === 0)
})

test('a stop with the disk at work leaves nothing in the journal that was delivered or answered', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url], journalAll: true })
  const pushes = Array.from({ length: 50 }, (_, i) => at.push(notificationTo(`tok-${i}`)))
  const stopped = at.dispatcher.stop(5_000)
  for (const end of await Promise.all(pushes)) expect(['delivered', 'stored']).toContain(end.kind)
  await stopped
  await until('nothing is left', () => at.journalled().length === 0)
  expect(gateway.total + at.outbox.count()).toBe(50)
})
