import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fcmRequest } from '../../../src/core/fcm/request.ts'
import type { BuiltRequest } from '../../../src/core/gateway/ports.ts'
import type { JsonValue } from '../../../src/core/json.ts'
import type { Notification } from '../../../src/core/notification.ts'
import { alertOf, notificationTo } from '../../main/dispatch/notifications.ts'
import { anyNotification } from '../gateway/any-notification.ts'

const pool = { projectId: 'my-project', compat: true }
const nowMs = 1_700_000_000_000
const alert: Notification = { ...notificationTo('token-1'), createdAtMs: nowMs }

function silentOf(data: readonly (readonly [string, JsonValue])[]): Notification {
  return { ...alert, content: { kind: 'silent', data } }
}

interface FcmMessage {
  readonly android: {
    readonly notification?: Readonly<Record<string, string | number>>
    readonly data?: Readonly<Record<string, string>>
    readonly ttl?: string
    readonly priority?: string
  }
  readonly token: string
}

function requestOf(built: BuiltRequest) {
  if (built.kind === 'unsendable') throw new Error(`unsendable: ${JSON.stringify(built.outcome)}`)
  return built.request
}

function messageOf(notification: Notification, compat = true, atMs = nowMs): FcmMessage {
  const { body } = requestOf(fcmRequest(notification, { ...pool, compat }, atMs))
  return (JSON.parse(body) as { message: FcmMessage }).message
}

/** What FCM counts. */
function payloadBytes({ android }: FcmMessage): number {
  const fields = { ...android.notification }
  delete fields.notification_count
  return [fields, android.data ?? {}].reduce(
    (sum, part) => sum + Buffer.byteLength(Object.entries(part).flat().join('')),
    0,
  )
}

test('the request goes to its project', () => {
  expect(requestOf(fcmRequest(alert, pool, nowMs))).toMatchObject({
    path: '/v1/projects/my-project/messages:send',
    headers: { 'content-type': 'application/json' },
  })
})

const full: Notification = {
  ...alert,
  priority: 'high',
  timeToLiveS: 3600,
  mutableContent: true,
  topic: 'com.example.app',
  content: alertOf({ badge: 7, tag: 'sender', clickAction: 'open', sound: 'ding', data: [['k', 1]] }),
}

describe('a message', () => {
  test('like MongoosePush’s has no badge, and empty objects where there is nothing to say', () => {
    expect(messageOf(full)).toEqual({
      android: {
        notification: { title: 'T', body: 'B', tag: 'sender', click_action: 'open', sound: 'ding' },
        data: { k: '1' },
        priority: 'HIGH',
        ttl: '3600s',
      },
      token: 'token-1',
      data: {},
      notification: {},
    })
    expect(messageOf(silentOf([]))).toEqual({
      android: { notification: {}, data: {} },
      token: 'token-1',
      data: {},
      notification: {},
    })
  })

  test('of our own has the badge, and nothing that is empty', () => {
    expect(messageOf(full, false)).toEqual({
      android: {
        notification: {
          title: 'T',
          body: 'B',
          tag: 'sender',
          click_action: 'open',
          sound: 'ding',
          notification_count: 7,
        },
        data: { k: '1' },
        priority: 'HIGH',
        ttl: '3600s',
      },
      token: 'token-1',
    })
    expect(messageOf(silentOf([['k', 'v']]), false)).toEqual({
      android: { data: { k: 'v' } },
      token: 'token-1',
    })
  })

  test.each([
    [-3, 0],
    [2 ** 40, 2_147_483_647],
  ])('of our own counts a badge of %d as %d', (badge, expected) => {
    const { android } = messageOf({ ...alert, content: alertOf({ badge }) }, false)
    expect(android.notification?.notification_count).toBe(expected)
  })

  test.each([
    [60, 0, '60s'],
    [60, 59_999, '1s'],
    [60, 61_000, '0s'],
    [0, 0, '0s'],
    [-5, 0, '0s'],
    [1e12, 0, '2419200s'],
    [60, -5_000, '60s'],
  ])('with %d s to live, made %d ms ago, has a ttl of %3$s', (timeToLiveS, agoMs, expected) => {
    expect(messageOf({ ...alert, timeToLiveS }, true, nowMs + agoMs).android.ttl).toBe(expected)
  })

  test('has every value of its data as a text', () => {
    const data = messageOf(
      silentOf([
        ['s', 'x'],
        ['n', 1.5],
        ['t', true],
        ['z', null],
        ['__proto__', 'p'],
      ]),
    ).android.data
    expect(data).toEqual({ s: 'x', n: '1.5', t: 'true', z: '', ['__proto__']: 'p' })
  })

  test('has no lone surrogate, which FCM’s reader refuses', () => {
    const content = alertOf({ title: 'a\ud83d', data: [['k\ude00', '\ud83d']] })
    expect(messageOf({ ...alert, device: { ...alert.device, id: 't\ud83d' }, content })).toMatchObject({
      android: { notification: { title: 'a\ufffd' }, data: { 'k\ufffd': '\ufffd' } },
      token: 't\ufffd',
    })
  })
})

describe('data', () => {
  test.each([[{ a: 1 }], [[1]]])('with %j as a value make the notification invalid', (value) => {
    expect(fcmRequest(silentOf([['k', value]]), pool, nowMs)).toEqual({
      kind: 'unsendable',
      outcome: { kind: 'invalid', reason: 'invalid_notification' },
    })
  })

  test('under names that FCM keeps for itself are left out, and counted', () => {
    const names = ['from', 'message_type', 'google', 'google.x', 'gcm', 'gcm.notification.y']
    const built = fcmRequest(silentOf([...names, 'from-me', 'k'].map((name) => [name, 'v'])), pool, nowMs)
    expect(built).toMatchObject({ droppedFields: 6 })
    expect(JSON.parse(requestOf(built).body)).toMatchObject({
      message: { android: { data: { 'from-me': 'v', k: 'v' } } },
    })
  })

  test('under such a name are no reason to call the notification invalid', () => {
    expect(fcmRequest(silentOf([['from', {}]]), pool, nowMs)).toMatchObject({ droppedFields: 1 })
  })
})

describe('what is over the limit', () => {
  test('has its body cut until names and values are 4096 bytes at most', () => {
    const content = alertOf({ body: 'é"'.repeat(5_000), data: [['k', 'v'.repeat(1_000)]] })
    const built = fcmRequest({ ...alert, content }, pool, nowMs)
    expect(built).toMatchObject({ shortened: true })
    const bytes = payloadBytes(messageOf({ ...alert, content }))
    expect(bytes).toBeGreaterThan(4096 - 4)
    expect(bytes).toBeLessThanOrEqual(4096)
  })

  test('that fits exactly stays whole, and one byte more is too large without a body to cut', () => {
    const fits = silentOf([['k', 'v'.repeat(4095)]])
    expect(fcmRequest(fits, pool, nowMs)).toMatchObject({ kind: 'request', shortened: false })
    expect(fcmRequest(silentOf([['k', 'v'.repeat(4096)]]), pool, nowMs)).toEqual({
      kind: 'unsendable',
      outcome: { kind: 'too_large', reason: 'PayloadTooLarge' },
    })
  })

  test('in its title or data alone is too large', () => {
    const title = { ...alert, content: alertOf({ title: 'x'.repeat(5_000) }) }
    expect(fcmRequest(title, pool, nowMs)).toMatchObject({ outcome: { kind: 'too_large' } })
  })
})

test('no notification makes a message over the limit, out of its path, or that is not made of texts', () => {
  fc.assert(
    fc.property(
      anyNotification('fcm'),
      fc.string({ unit: 'binary' }),
      fc.boolean(),
      (notification, projectId, compat) => {
        const built = fcmRequest(notification, { projectId, compat }, nowMs)
        if (built.kind === 'unsendable') return
        const { message } = JSON.parse(built.request.body) as { message: FcmMessage }
        const { android = {} } = message
        expect(payloadBytes({ android, token: '' })).toBeLessThanOrEqual(4096)
        expect(built.request.path).toMatch(/^\/v1\/projects\/[A-Za-z0-9\-._~%!'()*:]*\/messages:send$/)
        expect(Object.values(android.data ?? {}).every((value) => typeof value === 'string')).toBe(true)
        expect(built.request.body).not.toMatch(/(?<!\\)(?:\\\\)*\\ud[89a-f]/)
      },
    ),
  )
})

test('a body that is cut is a beginning of the text, in whole characters, and an ellipsis', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1_500, maxLength: 6_000 }), (text) => {
      const notification = { ...alert, content: alertOf({ body: text }) }
      const built = fcmRequest(notification, pool, nowMs)
      if (built.kind === 'unsendable' || !built.shortened) return
      const body = String(messageOf(notification).android.notification?.body)
      expect(body.endsWith('…')).toBe(true)
      const characters = [...new Intl.Segmenter('und').segment(text)].map(({ index }) => index)
      expect(characters).toContain(body.length - 1)
      expect(text.startsWith(body.slice(0, -1))).toBe(true)
    }),
  )
})
