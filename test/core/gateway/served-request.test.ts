import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readServedRequest } from '../../../src/core/gateway/served-request.ts'
import type { Notification } from '../../../src/core/notification.ts'

const nowMs = 1_700_000_000_000

function read(
  path: string,
  body: unknown,
  method = 'POST',
  contentType: string | undefined = 'application/json',
) {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return readServedRequest({ method, path, contentType, body: bytes }, 'gateway', nowMs)
}

function notificationOf(path: string, body: unknown): Notification {
  const request = read(path, body)
  if (request.kind === 'refused') throw new Error(request.answer.body)
  return request.notification
}

const alert = { title: 'T', body: 'B' }

describe('a request becomes a notification', () => {
  test('of v3 with all it has', () => {
    const body = {
      service: 'apns',
      mode: 'dev',
      priority: 'high',
      time_to_live: '3600',
      mutable_content: 'true',
      topic: 'com.example.app',
      tags: ['a', 'b'],
      alert: { ...alert, badge: '+7', tag: 't', click_action: 'c', sound: 's' },
      data: { n: 1, deep: { a: [null] } },
    }
    expect(notificationOf('/v3/notification/a%2Fb', body)).toEqual({
      domain: 'gateway',
      node: '',
      device: { service: 'apns', mode: 'dev', id: 'a/b' },
      topic: 'com.example.app',
      priority: 'high',
      mutableContent: true,
      timeToLiveS: 3600,
      tags: ['a', 'b'],
      content: {
        kind: 'alert',
        title: 'T',
        body: 'B',
        badge: 7,
        tag: 't',
        clickAction: 'c',
        sound: 's',
        data: [
          ['n', 1],
          ['deep', { a: [null] }],
        ],
      },
      collapsible: false,
      enabledAtMs: undefined,
      createdAtMs: nowMs,
    } satisfies Notification)
  })

  test('of v1 with all it has', () => {
    const body = {
      service: 'fcm',
      ...alert,
      badge: 1,
      tag: 't',
      click_action: 'c',
      topic: 'tp',
      data: { k: 'v' },
    }
    expect(notificationOf('/v1/notification/x', body)).toMatchObject({
      device: { service: 'fcm', mode: undefined, id: 'x' },
      topic: 'tp',
      content: { kind: 'alert', ...alert, badge: 1, tag: 't', clickAction: 'c', data: [['k', 'v']] },
    })
  })

  test('that is silent when there is no alert', () => {
    const body = { service: 'fcm', data: { b: 1, a: 'x' } }
    expect(notificationOf('/v2/notification/x', body).content).toEqual({
      kind: 'silent',
      data: [
        ['b', 1],
        ['a', 'x'],
      ],
    })
  })

  test('whose negative time to live is none at all', () => {
    const body = { service: 'fcm', alert, time_to_live: -5 }
    expect(notificationOf('/v3/notification/x', body).timeToLiveS).toBe(0)
  })
})

describe('the query', () => {
  test.each([
    ['', true],
    ['?wait=false', false],
    ['?a=b&wait=false', false],
    ['?wait=true', true],
    ['?nowait=false', true],
  ])('%j: to be waited for: %s', (query, wait) => {
    const request = read(`/v3/notification/x${query}`, { service: 'fcm', alert })
    expect(request).toMatchObject({ kind: 'notification', wait, notification: { device: { id: 'x' } } })
  })
})

describe('what is refused', () => {
  test.each([
    ['/v3/notification/x', 'GET', 405, { reason: 'method_not_allowed' }],
    ['/v2/notification/x', 'PUT', 405, { details: 'method_not_allowed' }],
    ['/v1/notification/x', 'OPTIONS', 405, { details: 'method_not_allowed' }],
    ['/v4/notification/x', 'POST', 404, { reason: 'not_found' }],
    ['/v3/notification/', 'POST', 404, { reason: 'not_found' }],
    ['/v3/notification/a/b', 'POST', 404, { reason: 'not_found' }],
    ['/v3/notification/%ff', 'POST', 404, { reason: 'not_found' }],
    ['/v3/notification/%', 'POST', 404, { reason: 'not_found' }],
    ['/x/v3/notification/x', 'POST', 404, { reason: 'not_found' }],
  ])('%s by %s: %d', (path, method, status, body) => {
    const request = read(path, { service: 'fcm', alert }, method)
    expect(request).toMatchObject({ kind: 'refused', answer: { status } })
    expect(request.kind === 'refused' && JSON.parse(request.answer.body)).toEqual(body)
  })

  test('a 405 says what is allowed', () => {
    expect(read('/v3/notification/x', '', 'GET')).toMatchObject({ answer: { headers: { allow: 'POST' } } })
  })

  test.each(['v1', 'v2', 'v3'])('a body that was too large, or is no JSON in UTF-8 (%s)', (version) => {
    const path = `/${version}/notification/x`
    const head = { method: 'POST', path, contentType: 'application/json' }
    const statusOf = (body: Uint8Array | undefined) => {
      const request = readServedRequest({ ...head, body }, 'gateway', nowMs)
      return request.kind === 'refused' && request.answer.status
    }
    expect(statusOf(undefined)).toBe(413)
    for (const bytes of [[0x7b], [0xff], [0xef, 0xbb, 0xbf, 0x7b, 0x7d]]) {
      expect(statusOf(Uint8Array.from(bytes))).toBe(400)
    }
  })

  test('a field called __proto__ is as unexpected as any other', () => {
    const request = read('/v3/notification/x', '{"service":"fcm","data":{},"__proto__":{"service":"apns"}}')
    expect(request).toMatchObject({ answer: { status: 422, body: expect.stringContaining('__proto__') } })
  })

  test('a content type is JSON with parameters too, and in capitals', () => {
    const body = { service: 'fcm', alert }
    for (const type of ['application/json; charset=utf-8', 'Application/JSON']) {
      expect(read('/v3/notification/x', body, 'POST', type).kind).toBe('notification')
    }
  })
})

test('whatever comes is answered or becomes a notification', () => {
  const anyPath = fc.oneof(
    fc.webPath(),
    fc.tuple(fc.constantFrom('v1', 'v2', 'v3'), fc.string()).map(([v, id]) => `/${v}/notification/${id}`),
    fc.constantFrom('/v1/notification/x', '/v3/notification/x'),
  )
  const fields = fc.record(
    {
      service: fc.oneof(fc.constantFrom('apns', 'fcm'), fc.jsonValue()),
      alert: fc.oneof(fc.constant(alert), fc.jsonValue()),
      data: fc.oneof(fc.constant({}), fc.jsonValue()),
      title: fc.jsonValue(),
      time_to_live: fc.jsonValue(),
      tags: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const anyBody = fc.oneof(
    fc.uint8Array(),
    fc.oneof(fields, fc.jsonValue()).map((value) => Buffer.from(JSON.stringify(value))),
  )
  fc.assert(
    fc.property(anyPath, anyBody, (path, body) => {
      const request = readServedRequest(
        { method: 'POST', path, contentType: 'application/json', body },
        'gateway',
        nowMs,
      )
      if (request.kind === 'refused') expect([400, 404, 422]).toContain(request.answer.status)
      else expect(['apns', 'fcm']).toContain(request.notification.device.service)
    }),
  )
})

describe('numbers are JavaScript’s', () => {
  test('1.0 is an integer', () => {
    const body = '{"service":"fcm","alert":{"title":"T","body":"B"},"time_to_live":1.0}'
    const request = read('/v3/notification/x', body)
    expect(request).toMatchObject({ kind: 'notification', notification: { timeToLiveS: 1 } })
  })

  test('integers in data beyond 2⁵³ are rounded', () => {
    const request = read('/v3/notification/x', '{"service":"fcm","data":{"id":9007199254740993}}')
    expect(request).toMatchObject({
      notification: { content: { data: [['id', 9_007_199_254_740_992]] } },
    })
  })
})
