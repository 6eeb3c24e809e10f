import { describe, expect, test } from 'vitest'
import type { TargetRules } from '../../../../src/core/gateway/publish-target.ts'
import { alice, publish, pubsubHost, startAppServer, virtualHost } from './app-server-at-work.ts'

const targets: TargetRules = {
  topics: 'known',
  pools: [
    { service: 'apns', mode: 'prod', tags: [], defaultTopic: 'com.example.app', isApple: true },
    { service: 'fcm', mode: '', tags: [], defaultTopic: '', isApple: false },
  ],
}
const token = 'ab'.repeat(32)
const toApple = { service: 'apns', device_id: token }

describe('where pools are ours, a publish names a device and an app that they can reach, else modify/bad-request', () => {
  test('a made-up topic is refused at once, over a node and without one', async () => {
    await using app = await startAppServer({ targets })
    await app.create(alice, 'n1')
    for (const to of [virtualHost, pubsubHost]) {
      expect(app.publish({ to, options: { ...toApple, topic: 'made.up' } })).toBe('modify/bad-request')
      expect(app.result({ to, options: { ...toApple, topic: 'made.up' } })).toBe('rejected_target')
      expect(app.publish({ to, options: { ...toApple, topic: 'com.example.app' } })).toBe('push')
      expect(app.publish({ to, options: toApple })).toBe('push')
    }
    const stanza = JSON.stringify(app.verdict(publish({ options: { ...toApple, topic: 'made.up' } })))
    expect(stanza).toContain('topic: not the topic of an app that is configured here')
  })

  test('a device id that cannot be a token is refused at once, with the reason', async () => {
    await using app = await startAppServer({ targets })
    const options = { ...toApple, device_id: 'not-hex' }
    expect(app.publish({ to: virtualHost, options })).toBe('modify/bad-request')
    const stanza = JSON.stringify(app.verdict(publish({ options })))
    expect(stanza).toContain('device_id: not hexadecimal, but APNs tokens are')
    expect(app.publish({ to: virtualHost, options: { ...options, service: 'fcm' } })).toBe('push')
  })

  test('`<`, `>` and white space around and within a token are taken off before', async () => {
    await using app = await startAppServer({ targets })
    const written = `<${'abababab '.repeat(8).trim()}>`
    const options = { ...toApple, device_id: written }
    expect(app.notification({ options })).toMatchObject({ device: { id: token } })
  })
})

describe('with MongoosePush, whose pools are not ours,', () => {
  test('any topic and token is passed on, `<`, `>` and white space taken off', async () => {
    await using app = await startAppServer()
    const options = { service: 'apns', device_id: '<not hex>', topic: 'made.up' }
    expect(app.notification({ options })).toMatchObject({ device: { id: 'nothex' }, topic: 'made.up' })
  })
})

test('a registered node’s device, and a dead one, are known with and without the brackets', async () => {
  await using app = await startAppServer()
  await app.deadDevices.add({ service: 'fcm', mode: undefined, id: 'tok' }, virtualHost, 'n', 'provider')
  expect(app.publish({ to: virtualHost, options: { service: 'fcm', device_id: '<tok>' } })).toBe(
    'cancel/not-acceptable device-not-registered',
  )
})
