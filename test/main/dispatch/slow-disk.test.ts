import { expect, test, vi } from 'vitest'
import type { Outcome } from '../../../src/core/outcome.ts'
import { startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { busyDisk } from '../store/busy-disk.ts'
import { dispatcherAtWork } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

/** A busy disk that is well again when the test ends, however it does. */
async function disposableBusyDisk(storeFile: string) {
  const disk = await busyDisk(storeFile)
  return { ...disk, [Symbol.asyncDispose]: disk.release }
}

test('while the disk does not answer, deliveries are answered as ever, and what is to be stored waits for it', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({
    urls: [gateway.url],
    replyDeadlineMs: 2_000,
    requestTimeoutMs: 1_000,
  })
  await using disk = await disposableBusyDisk(at.storeFile)
  const settled: Outcome[] = []
  const late = ['down-1', 'down-2', 'down-3'].map(async (id) => {
    settled.push(await at.push(notificationTo(id, { service: 'apns' })))
  })
  await until('they are given to the store', () => at.outbox.size === 3)
  const others = Array.from({ length: 200 }, (_, i) => at.push(notificationTo(`tok-${i}`)))
  for (const outcome of await Promise.all(others)) expect(outcome).toEqual({ kind: 'delivered' })
  expect(settled).toEqual([])
  await disk.release()
  await Promise.all(late)
  expect(settled).toEqual([{ kind: 'stored' }, { kind: 'stored' }, { kind: 'stored' }])
})

test('a removal that waits for the disk is asked for once, one that the disk has refused again', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 200, delayMs: 2_000 }))
  await using at = await dispatcherAtWork({
    urls: [gateway.url],
    replyDeadlineMs: 100,
    requestTimeoutMs: 10_000,
  })
  expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'stored' })
  await using disk = await disposableBusyDisk(at.storeFile)
  const removals = vi.spyOn(at.outbox, 'remove')
  await until('its late answer', () => removals.mock.calls.length > 0)
  // A disk that does not answer for 8 s counts as failed; until then the dispatcher looks what to do 20 times a second.
  await until('the disk to be given up', () => at.outbox.fault !== undefined)
  expect(removals).toHaveBeenCalledTimes(1)
  await disk.release()
  await until('it is asked for again', () => removals.mock.calls.length > 1)
  await until('it is gone', () => at.outbox.size === 0)
  expect(await at.metric('notifications_total{service="fcm",outcome="delivered"}')).toBe(1)
  expect(gateway.total).toBe(1)
})
