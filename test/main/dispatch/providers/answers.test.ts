import { describe, expect, test } from 'vitest'
import { type ApnsSandbox, startApnsSandbox } from '../../../../src/sandbox/providers/apns.ts'
import { apnsAnswer } from '../../../../src/sandbox/providers/apns-answers.ts'
import { type FcmSandbox, startFcmSandbox } from '../../../../src/sandbox/providers/fcm.ts'
import { until } from '../../../support/until.ts'
import type { DispatcherAtWork } from '../dispatcher-at-work.ts'
import { alertOf } from '../notifications.ts'
import { eachTestAt } from './each-test.ts'
import { toApns, toFcm, withApns, withFcm } from './pools.ts'

describe('APNs', () => {
  let apns: ApnsSandbox
  let at: DispatcherAtWork
  eachTestAt(startApnsSandbox, withApns, (...given) => {
    ;[apns, at] = given
  })

  test('takes a push', async () => {
    expect(await at.push(toApns('tok'))).toEqual({ kind: 'delivered' })
    expect(apns.requests[0]).toMatchObject({
      deviceId: 'tok',
      headers: { 'apns-topic': 'com.example.app', 'apns-push-type': 'alert' },
      body: { aps: { alert: { title: 'T', body: 'B' } } },
    })
    expect(await at.metric(`gateway_requests_total{pool="apns ${apns.port}",status="200"}`)).toBe(1)
    await until('its connection shows', async () => {
      return (await at.metric(`gateway_connections{pool="apns ${apns.port}"}`)) === 1
    })
    expect(at.dispatcher.state().gateways).toMatchObject([
      { pool: `apns ${apns.port}`, service: 'apns', circuit: 'closed', inflight: 0, authorized: true },
    ])
  })

  test.each(['Unregistered', 'ExpiredToken'])('%s: the device is dead', async (reason) => {
    const push = toApns(`${reason}-1`)
    expect(await at.push(push)).toEqual({ kind: 'dead_device', reason })
    expect(at.deadDevices.isDead(push.device, 'd', 'n')).toBe(true)
    expect(at.deaths).toMatchObject([{ found: { by: 'provider', late: false } }])
  })

  test('Unregistered since a time before the subscription was enabled: the device lives, and is a suspect', async () => {
    apns.answerWith(() => apnsAnswer('Unregistered', 1_000))
    const push = toApns('tok', { enabledAtMs: 2_000 })
    expect(await at.push(push)).toEqual({ kind: 'suspect', reason: 'Unregistered' })
    expect(await at.push(toApns('tok', { enabledAtMs: 999 }))).toMatchObject({ kind: 'dead_device' })
  })

  test.each(['BadDeviceToken', 'DeviceTokenNotForTopic'])(
    '%s: a suspect, and with the fifth in a row dead',
    async (reason) => {
      const push = toApns(`${reason}-1`)
      for (let i = 0; i < 4; i++) expect(await at.push(push)).toEqual({ kind: 'suspect', reason })
      expect(await at.push(push)).toEqual({ kind: 'dead_device', reason })
      expect(at.deaths).toMatchObject([{ found: { by: 'suspect_limit' } }])
    },
  )

  test.each([
    ['TooManyRequests', 'throttled'],
    ['InternalServerError', 'server_error'],
    ['ServiceUnavailable', 'server_error'],
    ['Shutdown', 'server_error'],
    ['IdleTimeout', 'connection_lost'],
    ['TooManyProviderTokenUpdates', 'throttled'],
  ])('%s: tried again', async (reason, cause) => {
    expect(await at.push(toApns(`${reason}1-d`))).toEqual({ kind: 'delivered' })
    expect(apns.requests).toHaveLength(2)
    expect(await at.metric(`retries_total{cause="${cause}"}`)).toBe(1)
  })

  test.each(['Shutdown', 'IdleTimeout', 'TooManyProviderTokenUpdates'])(
    '%s: tried again on a new connection',
    async (reason) => {
      await at.push(toApns(`${reason}1-e`))
      const [first, second] = apns.requests
      expect(second?.connection).not.toBe(first?.connection)
    },
  )

  test.each([
    'InvalidProviderToken',
    'MissingProviderToken',
    'BadCertificate',
    'BadTopic',
    'MissingTopic',
    'TopicDisallowed',
    'BadPath',
    'MethodNotAllowed',
  ])("%s: the operator's fault, which is told", async (reason) => {
    const push = toApns(`${reason}-1`)
    expect(await at.push(push)).toEqual({ kind: 'operator_fault', reason })
    expect(at.deadDevices.isDead(push.device, 'd', 'n')).toBe(false)
    expect(at.log.find(({ msg }) => String(msg).startsWith('the gateway refuses'))).toMatchObject({
      pool: `apns ${apns.port}`,
      reason,
    })
  })

  test.each(['BadCollapseId', 'BadPriority', 'PayloadEmpty'])('%s: ends this push', async (reason) => {
    expect(await at.push(toApns(`${reason}-1`))).toEqual({ kind: 'invalid', reason })
  })

  test('PayloadTooLarge: sent once more with a shorter text, and that ends it', async () => {
    const content = alertOf({ body: 'x'.repeat(2000) })
    expect(await at.push(toApns('PayloadTooLarge1-a', { content }))).toEqual({ kind: 'delivered' })
    expect(await at.push(toApns('PayloadTooLarge-b', { content }))).toEqual({
      kind: 'invalid',
      reason: 'PayloadTooLarge',
    })
    expect(apns.requests).toHaveLength(4)
    expect(await at.metric('notifications_shortened_total{service="apns"}')).toBe(2)
  })

  test('what is too large for certain is shortened before it is sent', async () => {
    const content = alertOf({ body: 'x'.repeat(6000) })
    expect(await at.push(toApns('tok', { content }))).toEqual({ kind: 'delivered' })
    expect(apns.requests).toHaveLength(1)
    expect(await at.metric('notifications_shortened_total{service="apns"}')).toBe(1)
  })

  test('what cannot be sent goes nowhere, and ends as if it had been refused', async () => {
    expect(await at.push(toApns('tok', { topic: 'no topic' }))).toEqual({
      kind: 'operator_fault',
      reason: 'BadTopic',
    })
    expect(await at.push(toApns(''))).toEqual({ kind: 'invalid', reason: 'MissingDeviceToken' })
    expect(apns.requests).toHaveLength(0)
    expect(at.dispatcher.state()).toMatchObject({ pending: 0, gateways: [{ inflight: 0 }] })
  })

  test('a stream that breaks is in doubt, and tried again', async () => {
    expect(await at.push(toApns('reset1-d'))).toEqual({ kind: 'delivered' })
    expect(await at.metric('retries_total{cause="connection_lost"}')).toBe(1)
  })

  test('a word that nobody knows costs nobody the registration', async () => {
    apns.answerWith(() => ({ status: 400, body: { reason: 'SomethingNew' } }))
    expect(await at.push(toApns('tok'))).toEqual({ kind: 'operator_fault', reason: 'SomethingNew' })
  })
})

describe('FCM', () => {
  let fcm: FcmSandbox
  let at: DispatcherAtWork
  eachTestAt(startFcmSandbox, withFcm, (...given) => {
    ;[fcm, at] = given
  })

  test('takes a push', async () => {
    expect(await at.push(toFcm('tok'))).toEqual({ kind: 'delivered' })
    expect(fcm.requests[0]?.body).toMatchObject({ message: { token: 'tok' } })
  })

  test.each([
    ['UNREGISTERED', 'dead_device', 'UNREGISTERED'],
    ['INVALID_TOKEN', 'dead_device', 'INVALID_ARGUMENT'],
    ['SENDER_ID_MISMATCH', 'suspect', 'SENDER_ID_MISMATCH'],
    ['PERMISSION_DENIED', 'operator_fault', 'PERMISSION_DENIED'],
    ['THIRD_PARTY_AUTH_ERROR', 'operator_fault', 'THIRD_PARTY_AUTH_ERROR'],
    ['NOT_FOUND', 'operator_fault', 'NOT_FOUND'],
    ['INVALID_ARGUMENT', 'invalid', 'INVALID_ARGUMENT'],
  ])('%s: %s', async (word, kind, reason) => {
    expect(await at.push(toFcm(`${word}-1`))).toEqual({ kind, reason })
  })

  test.each([
    ['UNAVAILABLE', 'server_error'],
    ['INTERNAL', 'server_error'],
  ])('%s: tried again', async (word, cause) => {
    expect(await at.push(toFcm(`${word}1-d`))).toEqual({ kind: 'delivered' })
    expect(await at.metric(`retries_total{cause="${cause}"}`)).toBe(1)
  })

  test('QUOTA_EXCEEDED: not tried again before a minute is over, and so stored', async () => {
    const pushedAtMs = Date.now()
    expect(await at.push(toFcm('QUOTA_EXCEEDED-1'))).toEqual({ kind: 'stored' })
    const [[, stored] = []] = at.outbox.from('0', 1)
    expect(stored?.dueAtMs).toBeGreaterThanOrEqual(pushedAtMs + 60_000)
  })

  test('THROTTLED: stored, and tried again when the time is over that FCM has named', async () => {
    expect(await at.push(toFcm('THROTTLED1-d'))).toEqual({ kind: 'stored' })
    await until('it is delivered', () => at.outbox.size === 0)
    expect(await at.metric('retries_total{cause="throttled"}')).toBe(1)
  })

  test('data that FCM keeps the names of for itself are left out, and counted', async () => {
    const data = [
      ['from', 'x'],
      ['gcm.y', 'y'],
      ['mine', 'z'],
    ] as const
    expect(await at.push(toFcm('tok', { content: { kind: 'silent', data } }))).toEqual({ kind: 'delivered' })
    expect(await at.metric('data_fields_dropped_total{service="fcm"}')).toBe(2)
  })
})
