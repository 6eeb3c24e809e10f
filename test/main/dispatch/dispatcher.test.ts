import { describe, expect, test, vi } from 'vitest'
import type { Notification } from '../../../src/core/notification.ts'
import { StoreError } from '../../../src/main/store/store-error.ts'
import { startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { ok, rawServer } from '../../worker/raw-server.ts'
import { dispatcherAtWork } from './dispatcher-at-work.ts'
import { alertOf, notificationTo } from './notifications.ts'

describe.each([
  [
    'v3',
    [
      ['tok-1', { kind: 'delivered' }],
      ['gone-1', { kind: 'dead_device', reason: 'unregistered' }],
      ['bad-1', { kind: 'suspect', reason: 'invalid_request' }],
      ['nopool-1', { kind: 'operator_fault', reason: 'no_matching_pool' }],
      ['config-1', { kind: 'operator_fault', reason: 'internal_config' }],
    ],
  ],
  [
    'v1',
    [
      ['tok-1', { kind: 'delivered' }],
      ['gone-1', { kind: 'dead_device', reason: 'UNREGISTERED' }],
      ['bad-1', { kind: 'suspect', reason: 'INVALID_ARGUMENT' }],
      ['config-1', { kind: 'operator_fault', reason: 'MissingTopic' }],
    ],
  ],
] as const)('what a gateway of API %s answers becomes the outcome', (apiVersion, rows) => {
  test('at once, with its reason', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url], apiVersion })
    for (const [deviceId, outcome] of rows) {
      expect(await at.push(notificationTo(deviceId)), deviceId).toEqual(outcome)
    }
    expect(gateway.total).toBe(rows.length)
    expect(at.dispatcher.pending).toBe(0)
  })
})

test.each(['v1', 'v2', 'v3'] as const)(
  '%s requests are taken by a gateway as strict as MongoosePush',
  async (apiVersion) => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url], apiVersion })
    const alert: Notification = {
      ...notificationTo('tok', { service: 'apns', mode: 'dev' }),
      topic: 'com.example.app',
      priority: 'high',
      mutableContent: true,
      timeToLiveS: 3_600,
      tags: ['t'],
      content: alertOf({ badge: 7, tag: 'a@b', clickAction: 'open', sound: 'ding' }),
    }
    const silent: Notification = {
      ...notificationTo('tok'),
      content: { kind: 'silent', data: [['message-count', 1]] },
    }
    const bare: Notification = { ...silent, content: { kind: 'silent', data: [] } }
    for (const notification of [alert, silent, bare]) {
      expect(await at.push(notification)).toEqual({ kind: 'delivered' })
    }
    expect(gateway.refused).toEqual([])
    const warnings = at.log.filter(({ msg }) => String(msg).includes('no silent notifications'))
    expect(warnings, 'v1 alone cannot express a silent push, and says so once').toHaveLength(
      apiVersion === 'v1' ? 1 : 0,
    )
  },
)

test('a device id of any characters arrives intact as one path segment', async () => {
  await using server = await rawServer(({ socket }) => socket.write(ok))
  await using at = await dispatcherAtWork({ urls: [server.url], pathPrefix: '/push/' })
  const tab = String.fromCharCode(9, 0, 0x7f)
  const evil = 'a\r\nHost: evil\r\n\r\n'
  const ids = ['../../x?y#z', '..', '.', '', '😀👨‍👩‍👧', evil, 'a b%2F', '\ud83d', tab, 'x'.repeat(4_096)]
  for (const [i, deviceId] of ids.entries()) {
    expect(await at.push(notificationTo(deviceId)), deviceId).toEqual({ kind: 'delivered' })
    expect(server.requests).toHaveLength(i + 1)
    const { head = '', path = '' } = server.requests[i] ?? {}
    expect(head.split('\r\n'), deviceId).toHaveLength(5)
    const segments = path.split('/')
    expect(segments.slice(0, 4)).toEqual(['', 'push', 'v3', 'notification'])
    expect(segments).toHaveLength(5)
    expect(segments[4]).not.toMatch(/[?#]|^\.\.?$/)
    expect(decodeURIComponent(segments[4] ?? '')).toBe(deviceId.toWellFormed())
  }
})

describe('a dead device', () => {
  test('is remembered, and the owner of its node told', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    const notification = notificationTo('gone-1')
    await at.push(notification)
    expect(at.deadDevices.isDead(notification.device, 'd', 'n')).toBe(true)
    expect(at.deaths).toEqual([{ notification, found: { by: 'provider', late: false } }])
  })

  test('that shows only after the reply deadline is remembered all the same', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => ({ status: 410, body: { reason: 'unregistered' }, delayMs: 400 }))
    await using at = await dispatcherAtWork({ urls: [gateway.url], replyDeadlineMs: 100 })
    const notification = notificationTo('tok')
    expect(await at.push(notification)).toEqual({ kind: 'stored' })
    await until('the late answer', () => at.deaths.length === 1)
    expect(at.deaths[0]?.found).toEqual({ by: 'provider', late: true })
    expect(at.deadDevices.isDead(notification.device, 'd', 'n')).toBe(true)
    expect(at.dispatcher.state()).toMatchObject({ pending: 0, accepted: 1, late: 1 })
  })
})

describe('a suspect', () => {
  test('is dead with the fifth refusal in a row, and no sooner', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    const notification = notificationTo('bad-1')
    for (let i = 0; i < 4; i++) expect(await at.push(notification)).toMatchObject({ kind: 'suspect' })
    expect(at.deaths).toEqual([])
    expect(await at.push(notification)).toEqual({ kind: 'dead_device', reason: 'invalid_request' })
    expect(at.deaths[0]?.found).toEqual({ by: 'suspect_limit', late: false })
    const { device, domain, node } = notification
    expect(at.deadDevices.isDead(device, domain, node)).toBe(true)
    expect(at.deadDevices.isDead(device, domain, 'of another'), 'nowhere else').toBe(false)
  })

  test('that is delivered to in between starts anew', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    const notification = notificationTo('bad-1')
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) expect(await at.push(notification)).toMatchObject({ kind: 'suspect' })
      gateway.answerWith(() => ({ status: 200 }))
      expect(await at.push(notification)).toEqual({ kind: 'delivered' })
      gateway.answerWith(undefined)
    }
  })

  test('is spared while so many are refused that the configuration must be wrong; a metric and one line say so', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    await Promise.all(Array.from({ length: 100 }, (_, i) => at.push(notificationTo(`bad-x${i}`))))
    for (let i = 0; i < 8; i++) {
      expect(await at.push(notificationTo('bad-1'))).toEqual({ kind: 'suspect', reason: 'invalid_request' })
    }
    expect(at.deaths).toEqual([])
    expect(await at.metric('suspect_alarm{service="fcm"}')).toBe(1)
    expect(await at.metric('suspect_alarm{service="apns"}')).toBe(0)
    expect(at.log.filter(({ msg }) => String(msg).includes('configuration must be wrong'))).toHaveLength(1)
  })
})

describe('what is too large', () => {
  test('is shortened and sent once more', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(({ body }) => (JSON.stringify(body).length > 1_500 ? { status: 413 } : undefined))
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    const content = alertOf({ body: 'x'.repeat(5_000) })
    expect(await at.push({ ...notificationTo('tok'), content })).toEqual({ kind: 'delivered' })
    expect(gateway.requests.map(({ body }) => (body.alert as { body: string }).body.length)).toEqual([
      5_000, 1_022,
    ])
    expect(await at.metric('notifications_shortened_total{service="fcm"}')).toBe(1)
  })

  test('is invalid when it is refused again', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    const content = alertOf({ body: 'x'.repeat(5_000) })
    expect(await at.push({ ...notificationTo('large-1'), content })).toEqual({
      kind: 'invalid',
      reason: 'payload_too_large',
    })
    expect(gateway.total).toBe(2)
  })

  test('is invalid at once when there is nothing to shorten', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    expect(await at.push(notificationTo('large-1'))).toMatchObject({ kind: 'invalid' })
    expect(gateway.total).toBe(1)
  })
})

test('past max_pending nothing more is taken, and it is counted', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url], maxPending: 3, replyDeadlineMs: 300 })
  const outcomes = ['hang-1', 'hang-2', 'hang-3'].map((id) =>
    at.push({ ...notificationTo(id), timeToLiveS: 0 }),
  )
  expect(at.dispatcher.submit(notificationTo('tok'), { settle: () => expect.unreachable() })).toBe(false)
  expect(await at.metric('limits_hit_total{limit="max_pending"}')).toBe(1)
  expect(await at.metric('notifications_total{service="fcm",outcome="overflow"}')).toBe(1)
  expect(await at.metric('pending')).toBe(3)
  await Promise.all(outcomes)
  expect(await at.push(notificationTo('tok')), 'there is room again').toEqual({ kind: 'delivered' })
})

test('what gets no turn before the deadline is told from what the gateway did not answer', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 'hang' }))
  const crowd = { maxHttpConnections: 1, workers: 1, replyDeadlineMs: 300 }
  await using at = await dispatcherAtWork({ urls: [gateway.url], ...crowd })
  const now = { ...notificationTo('tok'), timeToLiveS: 0 }
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => at.push(now)))
  const causes = outcomes.map((outcome) => (outcome.kind === 'undelivered' ? outcome.cause : outcome.kind))
  expect(causes[0]).toBe('timeout')
  expect(causes.at(-1)).toBe('overload')
})

test('a receiver that throws harms no other', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url] })
  const thrower = {
    settle() {
      throw new Error('its fault')
    },
  }
  at.dispatcher.submit(notificationTo('tok-1'), thrower)
  expect(await at.push(notificationTo('tok-2'))).toEqual({ kind: 'delivered' })
  await until('both', () => at.dispatcher.pending === 0)
  expect(at.log.some(({ msg }) => msg === 'the receiver of an outcome failed')).toBe(true)
})

test('an operator’s fault that every notification meets is one line in the log', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url] })
  await Promise.all(Array.from({ length: 50 }, (_, i) => at.push(notificationTo(`nopool-${i}`))))
  expect(at.log).toHaveLength(1)
  expect(at.log[0]).toMatchObject({ reason: 'no_matching_pool' })
})

test('a service that a stranger made up shares one label with all others', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url] })
  for (const service of ['evil1', 'evil2']) await at.push(notificationTo('tok', { service }))
  const host = new URL(gateway.url).host
  expect(await at.metric(`gateway_requests_total{pool="${host}/other",status="422"}`)).toBe(2)
})

describe('stop', () => {
  test('waits for what is in flight, and takes nothing more', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    const outcome = at.push(notificationTo('slow200-1'))
    const stopped = at.dispatcher.stop(5_000)
    expect(at.dispatcher.submit(notificationTo('tok'), { settle: () => expect.unreachable() })).toBe(false)
    await stopped
    expect(await outcome).toEqual({ kind: 'delivered' })
  })

  test('settles what is left after its time: stored, or undelivered when it was for now or never', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    const outcomes = ['hang-1', 'down-2'].map((id) => at.push(notificationTo(id)))
    const now = at.push({ ...notificationTo('hang-3'), timeToLiveS: 0 })
    await gateway.next(3)
    await at.dispatcher.stop(100)
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toEqual({ kind: 'stored' })
    expect(await now).toMatchObject({ kind: 'undelivered', cause: 'timeout' })
    expect(at.outbox.count()).toBe(2)
    expect(at.dispatcher.pending).toBe(0)
  })

  test('takes on nothing any more that had ended: its letter stays', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    await at.dispatcher.stop(100)
    expect(at.dispatcher.revive(notificationTo('tok'))).toBeUndefined()
    expect(at.outbox.size).toBe(0)
  })
})

test('a push that had ended is refused later when the store takes no changes, as by the disk', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url] })
  vi.spyOn(at.outbox, 'add').mockImplementation(() => {
    throw new StoreError('busy', 'too many changes wait for the disk')
  })
  await expect(at.dispatcher.revive(notificationTo('tok'))).rejects.toMatchObject({ code: 'busy' })
})
