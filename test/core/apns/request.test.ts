import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apnsRequest } from '../../../src/core/apns/request.ts'
import type { BuiltRequest } from '../../../src/core/gateway/ports.ts'
import type { Notification } from '../../../src/core/notification.ts'
import { alertOf, notificationTo } from '../../main/dispatch/notifications.ts'
import { anyNotification, jsonData } from '../gateway/any-notification.ts'

const pool = { defaultTopic: 'com.example.app' }
const uuid = 'c0ffee00-0000-4000-8000-000000000001'
const alert: Notification = {
  ...notificationTo('a1b2c3', { service: 'apns' }),
  createdAtMs: 1_700_000_000_500,
}
const silent: Notification = { ...alert, content: { kind: 'silent', data: [['message-count', 3]] } }

function requestOf(built: BuiltRequest) {
  if (built.kind === 'unsendable') throw new Error(`unsendable: ${JSON.stringify(built.outcome)}`)
  return built.request
}

function headersOf(notification: Notification, defaultTopic = 'com.example.app') {
  return requestOf(apnsRequest(notification, { defaultTopic }, uuid)).headers
}

function payloadOf(notification: Notification): unknown {
  return JSON.parse(requestOf(apnsRequest(notification, pool, uuid)).body)
}

describe('the headers', () => {
  test('of an alert name its topic, type and id, and no priority or expiration that nobody gave', () => {
    expect(headersOf(alert)).toEqual({
      'content-type': 'application/json',
      'apns-id': uuid,
      'apns-push-type': 'alert',
      'apns-topic': 'com.example.app',
    })
  })

  test('of a silent push have the type background, and priority 5 whatever was given', () => {
    expect(headersOf({ ...silent, priority: 'high' })).toMatchObject({
      'apns-push-type': 'background',
      'apns-priority': '5',
      'apns-topic': 'com.example.app',
    })
  })

  test.each([
    ['high', '10'],
    ['normal', '5'],
  ] as const)('say priority %s as %s', (priority, expected) => {
    expect(headersOf({ ...alert, priority })).toMatchObject({ 'apns-priority': expected })
  })

  test.each([
    ['com.given', 'com.given'],
    ['', 'com.example.app'],
    [undefined, 'com.example.app'],
  ])('with the topic %j given name %s', (topic, expected) => {
    expect(headersOf({ ...alert, topic })).toMatchObject({ 'apns-topic': expected })
  })

  test('name no topic where neither push nor pool has one', () => {
    expect(headersOf(alert, '')).not.toHaveProperty('apns-topic')
  })

  test('of a push to a .voip topic have the type voip, silent or not', () => {
    const topic = 'com.example.app.voip'
    expect(headersOf({ ...alert, topic })).toMatchObject({ 'apns-push-type': 'voip' })
    expect(headersOf({ ...silent, topic, priority: 'high' })).toMatchObject({
      'apns-push-type': 'voip',
      'apns-priority': '10',
    })
  })

  test.each([
    [3600, '1700003600'],
    [0, '0'],
    [-1, '0'],
    [1e12, '1702592000'],
  ])('with %d s to live expire at %s, counted from when it was made', (timeToLiveS, expected) => {
    expect(headersOf({ ...alert, timeToLiveS })).toMatchObject({ 'apns-expiration': expected })
  })

  test('have the same apns-id at every attempt, and another for another push', () => {
    const idOf = (id: string) => requestOf(apnsRequest(alert, pool, id)).headers['apns-id']
    expect(idOf('push 1')).toBe(idOf('push 1'))
    expect(idOf('push 1')).not.toBe(idOf('push 2'))
  })
})

describe('the payload', () => {
  test('of an alert has what is shown, and data beside it', () => {
    const content = alertOf({
      badge: 0,
      sound: 'ding.wav',
      clickAction: 'open',
      tag: 'sender',
      data: [
        ['k', { deep: [1, null] }],
        ['__proto__', 'x'],
      ],
    })
    expect(payloadOf({ ...alert, mutableContent: true, content })).toEqual({
      aps: {
        alert: { title: 'T', body: 'B' },
        badge: 0,
        sound: 'ding.wav',
        category: 'open',
        'mutable-content': 1,
      },
      k: { deep: [1, null] },
      ['__proto__']: 'x',
    })
  })

  test('of a silent push wakes the app', () => {
    expect(payloadOf({ ...silent, mutableContent: false })).toEqual({
      aps: { 'content-available': 1 },
      'message-count': 3,
    })
  })

  test('has no aps that comes from data', () => {
    const content = { kind: 'silent', data: [['aps', { badge: 9 }]] } as const
    expect(payloadOf({ ...alert, content })).toEqual({ aps: { 'content-available': 1 } })
  })

  test('has no lone surrogate, which APNs’s reader refuses', () => {
    const content = alertOf({ title: 'a\ud83d', data: [['k\ude00', ['\ud83d']]] })
    expect(payloadOf({ ...alert, content })).toMatchObject({
      aps: { alert: { title: 'a\ufffd' } },
      'k\ufffd': ['\ufffd'],
    })
  })
})

describe('what APNs would refuse for certain is not sent', () => {
  test.each([
    ['a header in the topic', { topic: 'com.a\r\napns-id: x' }, 'operator_fault', 'BadTopic'],
    ['a topic that is no ASCII', { topic: 'com.é' }, 'operator_fault', 'BadTopic'],
    ['an endless topic', { topic: 'x'.repeat(256) }, 'operator_fault', 'BadTopic'],
    ['no device id', { device: { ...alert.device, id: '' } }, 'invalid', 'MissingDeviceToken'],
    [
      'an endless device id',
      { device: { ...alert.device, id: 'x'.repeat(1025) } },
      'suspect',
      'BadDeviceToken',
    ],
    [
      'data over the limit',
      { content: { kind: 'silent', data: [['k', 'x'.repeat(4096)]] } },
      'too_large',
      'PayloadTooLarge',
    ],
    [
      'a title over the limit',
      { content: alertOf({ title: 'x'.repeat(4096) }) },
      'too_large',
      'PayloadTooLarge',
    ],
  ] as const)('%s', (_what, fields, kind, reason) => {
    expect(apnsRequest({ ...alert, ...fields }, pool, uuid)).toEqual({
      kind: 'unsendable',
      outcome: { kind, reason },
    })
  })
})

describe('a payload over the limit', () => {
  test.each([
    ['com.example.app', 4096],
    ['com.example.app.voip', 5120],
  ])('for %s has its body cut until it has %d bytes at most', (topic, limitBytes) => {
    const content = alertOf({ body: 'é"'.repeat(5_000), data: [['k', 'v'.repeat(1_000)]] })
    const built = apnsRequest({ ...alert, topic, content }, pool, uuid)
    expect(built).toMatchObject({ shortened: true })
    const { body } = requestOf(built)
    expect(Buffer.byteLength(body)).toBeGreaterThan(limitBytes - 4)
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(limitBytes)
  })

  test('that fits exactly stays whole', () => {
    const text = 'x'.repeat(4096 - '{"aps":{"alert":{"title":"T","body":""}}}'.length)
    const built = apnsRequest({ ...alert, content: alertOf({ body: text }) }, pool, uuid)
    expect(built).toMatchObject({ shortened: false })
    expect(Buffer.byteLength(requestOf(built).body)).toBe(4096)
  })
})

test('no notification makes a request over the limit, out of its path, or with a header of its own', () => {
  fc.assert(
    fc.property(anyNotification('apns'), fc.string({ unit: 'binary' }), (notification, defaultTopic) => {
      const built = apnsRequest(notification, { defaultTopic }, uuid)
      if (built.kind === 'unsendable') return
      const { path, headers, body } = built.request
      const limitBytes = headers['apns-push-type'] === 'voip' ? 5120 : 4096
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(limitBytes)
      expect(path).toMatch(/^\/3\/device\/[A-Za-z0-9\-._~%!'()*:]*$/)
      expect(path).not.toMatch(/\/\.{0,2}$/)
      expect(Object.values(headers).join('')).toMatch(/^[\x20-\x7e]*$/)
      expect(body.isWellFormed()).toBe(true)
      expect(body).not.toMatch(/(?<!\\)(?:\\\\)*\\ud[89a-f]/)
    }),
  )
})

test('a body that is cut is a beginning of the text, in whole characters, and an ellipsis', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1_500, maxLength: 6_000 }),
      jsonData,
      (text, data) => {
        const content = alertOf({ body: text, data })
        const built = apnsRequest({ ...alert, content }, pool, uuid)
        if (built.kind === 'unsendable' || !built.shortened) return
        const { body } = (JSON.parse(built.request.body) as { aps: { alert: { body: string } } }).aps.alert
        expect(body.endsWith('…')).toBe(true)
        const characters = [...new Intl.Segmenter('und').segment(text.toWellFormed())].map(
          ({ index }) => index,
        )
        expect(characters).toContain(body.length - 1)
        expect(text.toWellFormed().startsWith(body.slice(0, -1))).toBe(true)
      },
    ),
  )
})
