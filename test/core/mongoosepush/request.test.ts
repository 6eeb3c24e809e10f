import { describe, expect, test } from 'vitest'
import {
  type ApiVersion,
  notificationBase,
  notificationBody,
} from '../../../src/core/mongoosepush/request.ts'
import type { Notification } from '../../../src/core/notification.ts'
import { alertOf, notificationTo } from '../../main/dispatch/notifications.ts'

const defaults = { title: 'New message', body: 'You have a new message' }

function bodyOf(notification: Notification, version: ApiVersion): unknown {
  return JSON.parse(notificationBody(notification, version, defaults))
}

const full: Notification = {
  ...notificationTo('tok', { service: 'apns', mode: 'dev' }),
  topic: 'com.example.app',
  priority: 'high',
  mutableContent: true,
  timeToLiveS: 3600,
  tags: ['t'],
  content: alertOf({ badge: 7, tag: 'sender', clickAction: 'open', sound: 'ding' }),
}
const silent: Notification = {
  ...notificationTo('tok'),
  content: {
    kind: 'silent',
    data: [
      ['message-count', 3],
      ['last-message-sender', 'a@b'],
      ['__proto__', 'x'],
    ],
  },
}

describe('v2 and v3', () => {
  test.each(['v2', 'v3'] as const)('%s has every field that is given', (version) => {
    expect(bodyOf(full, version)).toEqual({
      service: 'apns',
      mode: 'dev',
      priority: 'high',
      time_to_live: 3600,
      mutable_content: true,
      topic: 'com.example.app',
      tags: ['t'],
      alert: { title: 'T', body: 'B', badge: 7, tag: 'sender', click_action: 'open', sound: 'ding' },
    })
  })

  test('what is not given is not sent', () => {
    expect(bodyOf(notificationTo('tok'), 'v3')).toEqual({ service: 'fcm', alert: { title: 'T', body: 'B' } })
  })

  test('a silent push is data under its own names, without an alert', () => {
    expect(notificationBody(silent, 'v3', defaults)).toBe(
      '{"service":"fcm","data":{"message-count":3,"last-message-sender":"a@b","__proto__":"x"}}',
    )
  })

  test('an empty silent push is empty data', () => {
    expect(bodyOf({ ...silent, content: { kind: 'silent', data: [] } }, 'v3')).toEqual({
      service: 'fcm',
      data: {},
    })
  })

  test('integers stay within 32 bits, which MongoosePush insists on', () => {
    const large = { ...full, timeToLiveS: 1e12, content: alertOf({ badge: 2 ** 40 }) }
    expect(bodyOf(large, 'v3')).toMatchObject({
      time_to_live: 2_147_483_647,
      alert: { badge: 2_147_483_647 },
    })
  })
})

describe('v1', () => {
  test('is flat and has no priority, lifetime, sound, mutable_content or tags', () => {
    expect(bodyOf(full, 'v1')).toEqual({
      service: 'apns',
      mode: 'dev',
      topic: 'com.example.app',
      title: 'T',
      body: 'B',
      badge: 7,
      tag: 'sender',
      click_action: 'open',
    })
  })

  test('shows a silent push with the default title and body, its data beside them', () => {
    expect(bodyOf(silent, 'v1')).toMatchObject({
      service: 'fcm',
      title: defaults.title,
      body: defaults.body,
      data: { 'message-count': 3, 'last-message-sender': 'a@b' },
    })
  })
})

test('a lone surrogate never reaches the JSON, where strict readers refuse it', () => {
  const broken = { ...full, content: alertOf({ title: 'a\ud83d', body: '\ude00b' }) }
  expect(bodyOf(broken, 'v3')).toMatchObject({ alert: { title: 'a\ufffd', body: '\ufffdb' } })
})

test.each([
  ['/', '/v3/notification/'],
  ['', '/v3/notification/'],
  ['/push', '/push/v3/notification/'],
  ['/push/', '/push/v3/notification/'],
  ['/a//b/', '/a/b/v3/notification/'],
])('the path prefix %s gives %s', (prefix, expected) => {
  expect(notificationBase(prefix, 'v3')).toBe(expected)
})
