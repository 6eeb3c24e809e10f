import { join } from 'node:path'
import { open } from 'lmdb'
import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../../src/core/outcome.ts'
import { pushCodec } from '../../../src/main/store/outbox.ts'
import { startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { scratchDirectory } from '../store/open-store.ts'
import { type DispatcherAtWork, dispatcherAtWork } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

const soon = { replyDeadlineMs: 300, requestTimeoutMs: 150 }

function pushAll(at: DispatcherAtWork, ids: readonly string[]): Promise<Outcome[]> {
  return Promise.all(ids.map((id) => at.push(notificationTo(id))))
}

/** Accepted = ended + stored + pending. */
async function expectExact(at: DispatcherAtWork): Promise<void> {
  const outcomes = [
    'delivered',
    'dead_device',
    'suspect',
    'invalid',
    'operator_fault',
    'undelivered',
    'expired',
  ]
  let ended = 0
  for (const outcome of [...outcomes, 'superseded', 'exhausted', 'overflow']) {
    ended += (await at.metric(`notifications_total{service="fcm",outcome="${outcome}"}`)) ?? 0
  }
  const { accepted, pending, stored } = at.dispatcher.state()
  expect(ended + stored + pending).toBe(accepted)
}

describe('what cannot be delivered by the deadline', () => {
  test('is stored, then delivered, and leaves nothing behind', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => ({ status: 503 }))
    await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon })
    expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'stored' })
    expect(await at.metric('stored')).toBe(1)
    expect(await at.metric('stored_oldest_age_seconds')).toBeLessThan(60)
    await expectExact(at)
    gateway.answerWith(undefined)
    await until('it is delivered', () => at.outbox.size === 0)
    expect(gateway.requests.at(-1)).toMatchObject({ deviceId: 'tok', status: 200 })
    expect(at.letters.count()).toBe(0)
    await expectExact(at)
  })

  test('is not stored when it is for now or never', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => ({ status: 503 }))
    await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon })
    expect(await at.push({ ...notificationTo('tok'), timeToLiveS: 0 })).toMatchObject({ kind: 'undelivered' })
    expect(at.outbox.size).toBe(0)
  })

  test('is refused when the outbox is full, and that is counted', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => ({ status: 'hang' }))
    await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon, outbox: { maxStored: 2 } })
    const outcomes = await pushAll(at, ['a', 'b', 'c'])
    expect(outcomes.filter(({ kind }) => kind === 'stored')).toHaveLength(2)
    expect(outcomes.find(({ kind }) => kind !== 'stored')).toMatchObject({
      kind: 'undelivered',
      cause: 'overload',
    })
    expect(await at.metric('limits_hit_total{limit="max_stored"}')).toBe(1)
    await expectExact(at)
  })

  test('is sent once only when its answer comes after it was stored', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => ({ status: 200, delayMs: 500 }))
    await using at = await dispatcherAtWork({ urls: [gateway.url], replyDeadlineMs: 100 })
    expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'stored' })
    await until('the late answer', () => at.outbox.size === 0)
    expect(gateway.total).toBe(1)
    expect(await at.metric('notifications_total{service="fcm",outcome="delivered"}')).toBe(1)
    await expectExact(at)
  })

  test('ends with a letter when its time to live is over', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => ({ status: 503, body: { reason: 'service_internal' } }))
    await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon, defaultTtlS: 1 })
    expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'stored' })
    await until('it has expired', () => at.letters.list(9, undefined).letters[0])
    expect(at.letters.list(9, undefined).letters).toMatchObject([
      { reason: 'expired', detail: 'service_internal', notification: { device: { id: 'tok' } } },
    ])
    expect(await at.metric('notifications_total{service="fcm",outcome="expired"}')).toBe(1)
    await expectExact(at)
  })

  test.each([
    ['dead_device', { status: 410 as const, body: { reason: 'unregistered' } }],
    ['suspect', { status: 400 as const, body: { reason: 'invalid_request' } }],
  ])('ends with a letter when it turns out %s', async (reason, answer) => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => ({ status: 503 }))
    await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon })
    expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'stored' })
    gateway.answerWith(() => answer)
    await until('it has ended', () => at.letters.list(9, undefined).letters[0])
    expect(at.letters.list(9, undefined).letters).toMatchObject([{ reason }])
    expect(at.deadDevices.count()).toBe(reason === 'dead_device' ? 1 : 0)
    if (reason === 'dead_device') expect(at.deaths[0]?.found.late).toBe(true)
    await expectExact(at)
  })

  test('outlives a fault of the operator’s', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => ({ status: 503 }))
    await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon })
    expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'stored' })
    gateway.answerWith(() => ({ status: 401 }))
    await until(
      'it is met twice',
      async () => ((await at.metric('retries_total{cause="operator_fault"}')) ?? 0) > 0,
    )
    gateway.answerWith(undefined)
    await until('it is delivered', () => at.outbox.size === 0)
    expect(at.letters.count()).toBe(0)
  })

  test('goes out as its newest alone, and the others are superseded', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => ({ status: 503 }))
    await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon })
    const outcomes = await pushAll(at, ['same', 'same', 'same', 'other'])
    for (const outcome of outcomes) expect(outcome).toEqual({ kind: 'stored' })
    expect(at.outbox.count()).toBe(2)
    expect(await at.metric('notifications_total{service="fcm",outcome="superseded"}')).toBe(2)
    await expectExact(at)
    gateway.answerWith(undefined)
    await until('all are delivered', () => at.outbox.size === 0)
    const delivered = gateway.requests.filter(({ status }) => status === 200).map(({ deviceId }) => deviceId)
    expect(delivered.sort()).toEqual(['other', 'same'])
    await expectExact(at)
  })
})

test('nothing is waited for while the gateway is left out: it is stored at once, and delivered at a ramp', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 503 }))
  await using at = await dispatcherAtWork({ urls: [gateway.url] })
  const waiting = pushAll(
    at,
    Array.from({ length: 20 }, (_, i) => `early-${i}`),
  )
  await until('it is left out', () => at.dispatcher.state().gatewayDown)
  for (const outcome of await waiting) expect(outcome).toEqual({ kind: 'stored' })
  const late = Array.from({ length: 800 }, (_, i) => `late-${i}`)
  for (const outcome of await pushAll(at, late)) expect(outcome).toEqual({ kind: 'stored' })
  expect(at.outbox.count()).toBe(820)
  const before = gateway.total
  gateway.answerWith(undefined)
  await until('all are delivered', () => at.outbox.size === 0)
  const times = gateway.requests.slice(before).map(({ receivedAtMs }) => receivedAtMs)
  // 200 in the first second, 400 in the next. A busy machine takes longer; none is faster.
  expect((times.at(-1) ?? 0) - (times[0] ?? 0), 'a start, no wall').toBeGreaterThan(1_500)
  expect(times, 'none twice').toHaveLength(820)
  await expectExact(at)
}, 20_000)

test('a gateway that is back is found by what is stored, however long that was to wait, without fresh pushes', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 503 }))
  const retry = { baseMs: 86_400_000, capMs: 86_400_000, maxAttempts: 0 }
  await using at = await dispatcherAtWork({ urls: [gateway.url], retry })
  for (let i = 0; !at.dispatcher.state().gatewayDown; i++) {
    expect(await at.push(notificationTo(`tok-${i}`))).toEqual({ kind: 'stored' })
  }
  const before = gateway.total
  await until('it is probed', () => gateway.total > before)
  gateway.answerWith(undefined)
  await until('it is in use', () => !at.dispatcher.state().gatewayDown)
  expect(gateway.requests.filter(({ status }) => status === 200)).toHaveLength(1)
}, 20_000)

test('what a gateway that is left out has asked to wait for, it is not probed with before', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(({ deviceId }) => ({
    status: 503,
    headers: deviceId === 'patient' ? { 'retry-after': '3600' } : {},
  }))
  const retry = { baseMs: 1, capMs: 1, maxAttempts: 0 }
  await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon, retry })
  expect(await pushAll(at, ['patient'])).toEqual([{ kind: 'stored' }])
  const ids = Array.from({ length: 60 }, (_, i) => `tok-${i}`)
  await pushAll(at, ids)
  gateway.answerWith(undefined)
  await until('all others are delivered', () => at.outbox.size === 1)
  expect(gateway.requests.filter(({ deviceId }) => deviceId === 'patient')).toHaveLength(1)
}, 20_000)

test('a gateway that asks one device after another to wait is left alone until then', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 429, headers: { 'retry-after': '2' } }))
  await using at = await dispatcherAtWork({ urls: [gateway.url], maxHttpConnections: 1 })
  const many = pushAll(
    at,
    Array.from({ length: 50 }, (_, i) => `tok-${i}`),
  )
  await gateway.next(3)
  gateway.answerWith(undefined)
  expect(await at.push(notificationTo('tok', { service: 'apns' })), 'another pool').toEqual({
    kind: 'delivered',
  })
  await many
  const times = gateway.requests.filter(({ body }) => body.service === 'fcm').map((r) => r.receivedAtMs)
  const pauses = times.slice(1).map((time, i) => time - (times[i] ?? 0))
  expect(Math.max(...pauses)).toBeGreaterThanOrEqual(1_500)
})

test('what a run has stored the next one delivers, counted as gone again', async () => {
  using directory = scratchDirectory()
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 503 }))
  {
    await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon, directory: directory.path })
    for (const outcome of await pushAll(at, ['a', 'b', 'c'])) expect(outcome).toEqual({ kind: 'stored' })
  }
  gateway.answerWith(undefined)
  const before = gateway.total
  await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon, directory: directory.path })
  await until('all are delivered', () => at.outbox.size === 0)
  expect(
    gateway.requests
      .slice(before)
      .map(({ deviceId }) => deviceId)
      .sort(),
  ).toEqual(['a', 'b', 'c'])
  expect(await at.metric('retries_total{cause="restart"}')).toBe(3)
})

test('a push for a device that has been found dead meanwhile is not sent', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 503 }))
  const retry = { baseMs: 2_000, capMs: 2_000, maxAttempts: 0 }
  await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon, retry })
  const notification = notificationTo('tok')
  expect(await at.push(notification)).toEqual({ kind: 'stored' })
  await at.deadDevices.add(notification.device, 'd', 'n', 'provider')
  const before = gateway.total
  await until('it has ended', () => at.letters.list(1, undefined).letters[0])
  expect(gateway.total).toBe(before)
  expect(at.letters.list(1, undefined).letters).toMatchObject([{ reason: 'dead_device' }])
})

test('a stored push that is damaged keeps no other from being delivered', async () => {
  using directory = scratchDirectory()
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 503 }))
  {
    await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon, directory: directory.path })
    for (const outcome of await pushAll(at, ['a', 'b', 'c'])) expect(outcome).toEqual({ kind: 'stored' })
  }
  const raw = open<unknown, string>(join(directory.path, 'store.mdb'), { noSubdir: true, maxDbs: 32 })
  const pushes = raw.openDB<unknown, string>('outbox', {})
  const torn = { a: ['torn'], b: undefined, c: Buffer.from('torn') }
  for (const { key, value } of [...pushes.getRange({})]) {
    const device = pushCodec.decode(value).notification.device.id as keyof typeof torn
    if (torn[device] !== undefined) await pushes.put(key, torn[device])
  }
  await raw.close()
  gateway.answerWith(undefined)
  const before = gateway.total
  await using at = await dispatcherAtWork({ urls: [gateway.url], ...soon, directory: directory.path })
  await until('the one that is left to be delivered', () => at.outbox.size === 2)
  expect(gateway.requests.slice(before).map(({ deviceId }) => deviceId)).toEqual(['b'])
  expect(at.log).toMatchObject([{ msg: 'the outbox cannot be read', err: { code: 'corrupt' } }])
})
