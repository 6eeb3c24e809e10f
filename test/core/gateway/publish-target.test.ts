import { describe, expect, test } from 'vitest'
import {
  bareDeviceId,
  faultOfTarget,
  isAppleHost,
  type TargetPool,
  type TargetRules,
} from '../../../src/core/gateway/publish-target.ts'

const hex = 'a1B2'.repeat(16)
const apns: TargetPool = {
  service: 'apns',
  mode: 'prod',
  tags: [],
  defaultTopic: 'com.example.app',
  isApple: false,
}
const fcm: TargetPool = { service: 'fcm', mode: '', tags: [], defaultTopic: '', isApple: false }

function rules(change: Partial<TargetPool> = {}, topics: TargetRules['topics'] = 'known'): TargetRules {
  return { pools: [{ ...apns, ...change }, fcm], topics }
}

function fault(given: TargetRules, id: string, topic?: string, service = 'apns'): string | undefined {
  return faultOfTarget(given, { service, mode: undefined, id }, topic, [])
}

describe('a device id that cannot be a token is a fault', () => {
  test.each([
    ['not hexadecimal', 'g'.repeat(64), 'device_id: not hexadecimal, but APNs tokens are'],
    ['empty of digits', 'x', 'device_id: not hexadecimal, but APNs tokens are'],
    ['under 32 digits', 'a'.repeat(31), 'device_id: not 32 to 200 digits long, but APNs tokens are'],
    ['over 200 digits', 'a'.repeat(201), 'device_id: not 32 to 200 digits long, but APNs tokens are'],
  ])('towards Apple’s own hosts: %s; and not towards others', (_what, id, expected) => {
    expect(fault(rules({ isApple: true }), id)).toBe(expected)
    expect(fault(rules(), id)).toBeUndefined()
    expect(fault(rules({ isApple: true }), id, undefined, 'fcm')).toBeUndefined()
  })

  test.each([32, 64, 200])('%d hexadecimal digits are taken', (digits) => {
    expect(fault(rules({ isApple: true }), 'aF'.repeat(digits / 2))).toBeUndefined()
  })

  test.each(['apns', 'fcm', 'other'])(
    'everywhere: control characters, and over 4,096 bytes (%s)',
    (service) => {
      const of = (id: string) => fault(rules(), id, undefined, service)
      expect(of(`${hex}\u0000`)).toBe('device_id: has control characters')
      expect(of(`tok\u0085en`)).toBe('device_id: has control characters')
      expect(of('\u007f')).toBe('device_id: has control characters')
      expect(of('x'.repeat(4096))).toBeUndefined()
      expect(of('x'.repeat(4097))).toBe('device_id: longer than 4096 bytes')
      expect(of('é'.repeat(2048))).toBeUndefined()
      expect(of('é'.repeat(2049))).toBe('device_id: longer than 4096 bytes')
    },
  )

  test('what no pool is for is not judged: another fault says so', () => {
    const elsewhere = { service: 'apns', mode: 'dev', id: 'x' }
    expect(faultOfTarget(rules({ isApple: true }), elsewhere, 'made.up', [])).toBeUndefined()
  })
})

describe('a publisher’s own made-up topic is not of an app here', () => {
  test.each([
    ['made.up.app', 'topic: not the topic of an app that is configured here'],
    ['com.example.app2', 'topic: not the topic of an app that is configured here'],
    ['com.example.app.other', 'topic: not the topic of an app that is configured here'],
    ['com.example.app', undefined],
    ['com.example.app.voip', undefined],
    ['com.example.app.push-type.liveactivity', undefined],
    [undefined, undefined],
  ])('topic %s: %s', (topic, expected) => {
    expect(fault(rules(), hex, topic)).toBe(expected)
  })

  test('unless any topic may be named', () => {
    expect(fault(rules({}, 'any'), hex, 'made.up.app')).toBeUndefined()
  })

  test('or the pool has no default_topic to tell by', () => {
    expect(fault(rules({ defaultTopic: '' }), hex, 'made.up.app')).toBeUndefined()
  })

  test('or it goes to FCM, which knows no such topics', () => {
    expect(fault(rules(), 'tok', 'made.up.app', 'fcm')).toBeUndefined()
  })

  test('the pool is that of the tags', () => {
    const pools = [
      { ...apns, tags: ['a'] },
      { ...apns, tags: ['b'], defaultTopic: 'org.other' },
    ]
    const device = { service: 'apns', mode: undefined, id: hex }
    expect(faultOfTarget({ pools, topics: 'known' }, device, 'org.other', ['b'])).toBeUndefined()
    expect(faultOfTarget({ pools, topics: 'known' }, device, 'org.other', ['a'])).toBe(
      'topic: not the topic of an app that is configured here',
    )
  })
})

test.each([
  ['<740f4707 bebcf74f>', '740f4707bebcf74f'],
  [' tok\n', 'tok'],
  ['\u00a0<\ttok>', 'tok'],
  ['dvOrig:APA91-b_x', 'dvOrig:APA91-b_x'],
  ['< >', ''],
])('of the device id %j `<`, `>` and white space are taken off: %j', (written, expected) => {
  expect(bareDeviceId(written)).toBe(expected)
})

test.each([
  ['api.push.apple.com', true],
  ['api.sandbox.push.apple.com', true],
  ['api.development.push.apple.com', true],
  ['localhost', false],
  ['api.push.apple.com.example.com', false],
  ['apixpush.apple.com', false],
])('%s is Apple’s own: %s', (host, expected) => {
  expect(isAppleHost(host)).toBe(expected)
})
