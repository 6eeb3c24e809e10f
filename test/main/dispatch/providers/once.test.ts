import { expect, test } from 'vitest'
import { servedDomain } from '../../../../src/core/gateway/served-domain.ts'
import type { Notification } from '../../../../src/core/notification.ts'
import type { AttemptOutcome, Outcome } from '../../../../src/core/outcome.ts'
import { type ApnsSandbox, startApnsSandbox } from '../../../../src/sandbox/providers/apns.ts'
import { until } from '../../../support/until.ts'
import type { DispatcherAtWork } from '../dispatcher-at-work.ts'
import { alertOf } from '../notifications.ts'
import { eachTestAt } from './each-test.ts'
import { toApns, toFcm, withApns } from './pools.ts'

let apns: ApnsSandbox
let at: DispatcherAtWork
eachTestAt(startApnsSandbox, withApns, (...given) => {
  ;[apns, at] = given
})

function served(id: string, change: Partial<Notification> = {}): Notification {
  return toApns(id, { domain: servedDomain, node: '', collapsible: false, ...change })
}

function once(notification: Notification): Promise<AttemptOutcome | Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<AttemptOutcome | Outcome>()
  let settled = false
  const taken = at.dispatcher.submitOnce(notification, (outcome) => {
    if (settled) throw new Error('settled again')
    settled = true
    resolve(outcome)
  })
  if (settled) reject(new Error('settled within submitOnce'))
  if (!taken) reject(new Error('not taken'))
  return promise
}

test.each([
  ['tok', { kind: 'delivered' }],
  ['Unregistered-1', { kind: 'dead_device', reason: 'Unregistered' }],
  ['BadDeviceToken-1', { kind: 'suspect', reason: 'BadDeviceToken' }],
  ['ServiceUnavailable-1', { kind: 'retry', cause: 'server_error', reason: 'ServiceUnavailable' }],
  ['TooManyRequests-1', { kind: 'retry', cause: 'throttled' }],
  ['BadTopic-1', { kind: 'operator_fault', reason: 'BadTopic' }],
  ['BadPriority-1', { kind: 'invalid', reason: 'BadPriority' }],
  ['ExpiredProviderToken-1', { kind: 'retry', cause: 'token_expired' }],
  ['hang-1', { kind: 'retry', cause: 'timeout' }],
  ['reset-1', { kind: 'retry', cause: 'connection_lost' }],
])('one attempt at %s: what the provider said is passed on', async (id, outcome) => {
  expect(await once(served(id))).toMatchObject(outcome)
  expect(apns.requests).toHaveLength(1)
  expect(at.outbox.size).toBe(0)
  expect(at.dispatcher.pending).toBe(0)
})

test('no pool for it is told, without a request', async () => {
  const outcome = await once({ ...toFcm('tok'), domain: servedDomain, node: '' })
  expect(outcome).toEqual({ kind: 'operator_fault', reason: 'no_matching_pool' })
})

test('what was not processed is sent again, and what is too large once more, shortened', async () => {
  expect(await once(served('refused2-a'))).toEqual({ kind: 'delivered' })
  expect(apns.requests).toHaveLength(3)
  const content = alertOf({ body: 'x'.repeat(2000) })
  expect(await once(served('PayloadTooLarge1-a', { content }))).toEqual({ kind: 'delivered' })
  expect(await once(served('PayloadTooLarge-b', { content }))).toEqual({
    kind: 'too_large',
    reason: 'PayloadTooLarge',
  })
})

test('dead devices are neither asked after nor remembered', async () => {
  const push = served('Unregistered-2')
  await once(push)
  expect(at.deadDevices.isDead(push.device, 'd', 'n')).toBe(false)
  for (let i = 0; i < 6; i++)
    expect(await once(served('BadDeviceToken-2'))).toMatchObject({ kind: 'suspect' })
  expect(at.deaths).toEqual([])
  await at.deadDevices.add(served('tok').device, 'push.example.com', 'n', 'provider')
  expect(await once(served('tok'))).toEqual({ kind: 'delivered' })
})

test('it is never stored: not at the deadline, and not when the pool is left out, which is told at once', async () => {
  await apns.wire.refuse()
  apns.wire.cut()
  const started = Array.from({ length: 60 }, (_, i) => once(served(`d${i}`)))
  for (const outcome of await Promise.all(started)) {
    expect(outcome).toMatchObject({ kind: 'retry', cause: 'connect_error' })
  }
  await until('the pool is left out', async () => {
    await once(served(`d${Math.random()}`))
    return at.dispatcher.state().gateways[0]?.circuit === 'open'
  })
  expect(await once(served('e'))).toMatchObject({ kind: 'retry', cause: 'connect_error' })
  expect(at.outbox.size).toBe(0)
  await apns.wire.accept()
  await until(
    'it finds back by itself',
    async () => (await once(served(`f${Math.random()}`))).kind === 'delivered',
  )
})

test('one that is to be kept is stored, delivered in spite of what is known of its device, and its end remembers nothing', async () => {
  await at.deadDevices.add(served('kept').device, 'push.example.com', 'n', 'provider')
  await at.dispatcher.revive(served('kept'))
  await until('it is delivered', () => at.outbox.size === 0)
  expect(apns.requests.map(({ deviceId }) => deviceId)).toEqual(['kept'])
  await at.dispatcher.revive(served('Unregistered-3'))
  await until('it has ended', () => at.outbox.size === 0)
  expect(at.deadDevices.isDead(served('Unregistered-3').device, 'd', 'n')).toBe(false)
  await until('its end is on disk', () => at.letters.list(1, undefined).letters.length === 1)
  expect(at.letters.list(1, undefined).letters).toMatchObject([{ reason: 'dead_device' }])
})
