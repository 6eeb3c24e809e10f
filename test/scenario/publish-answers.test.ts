import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { until } from '../support/until.ts'
import { fullDomain, type Installation, install, virtualDomain } from './installation.ts'

const replyDeadlineMs = 700

function publish(id: string, to: string, deviceId: string, more: Record<string, string> = {}): string {
  const options = { service: 'fcm', device_id: deviceId, ...more }
  const summary = summaryOf('juliet@chat.test', 'O Romeo')
  return publishIq({ id, from: 'chat.test', to, node: 'n1', options, summary })
}

/** `result`, or the error's type, condition and whatever stands beside it but the text. */
function inShort(answer: string): string {
  if (answer.includes("type='result'")) return 'result'
  const [, type, conditions = ''] = /<error type='(\w+)'>(.*)<\/error>/.exec(answer) ?? []
  const names = conditions.replace(/<text.*<\/text>/, '').matchAll(/<([a-z-]+)/g)
  return `${type}/${[...names].map(([, name]) => name).join(' ')}`
}

describe('what the gateway says is what the publish is answered', () => {
  let installed: Installation
  beforeAll(async () => {
    installed = await install({ config: { push: { reply_deadline_ms: replyDeadlineMs } } })
  }, 30_000)
  afterAll(async () => {
    await installed[Symbol.asyncDispose]()
  })

  const dead = 'cancel/not-acceptable device-not-registered'
  const suspect = 'wait/internal-server-error failed-to-submit-push-notification'
  const operator = 'wait/internal-server-error'
  const late = 'wait/remote-server-timeout'

  test.each([
    [200, null, 'result'],
    [204, '', 'result'],
    [410, { reason: 'unregistered' }, dead],
    [500, { details: 'Unregistered' }, dead],
    [500, { details: 'UNREGISTERED' }, dead],
    [500, { details: 'probably_unregistered' }, dead],
    [400, { reason: 'invalid_request' }, suspect],
    [500, { details: 'BadDeviceToken' }, suspect],
    [500, { details: 'DeviceTokenNotForTopic' }, suspect],
    [413, { reason: 'payload_too_large' }, 'wait/bad-request invalid-payload'],
    [429, { reason: 'too_many_requests' }, late],
    [503, { reason: 'service_internal' }, late],
    [520, { reason: 'unspecified' }, late],
    ['hang', undefined, late],
    ['reset', undefined, late],
    [400, { reason: 'no_matching_pool' }, operator],
    [400, { reason: 'invalid_notification' }, operator],
    [503, { reason: 'internal_config' }, operator],
    [401, '', operator],
    [403, '', operator],
    [404, '', operator],
    [422, { errors: [{ title: 'Invalid value', message: 'Unexpected field: x' }] }, operator],
    [302, '', operator],
  ] as const)('%s %j: %s', async (status, body, expected) => {
    const { xmpp, gateway } = installed
    gateway.answerWith(() => ({ status, body }))
    const deviceId = `${status}-${JSON.stringify(body)}`
    // Now or never, so that what may work later is not stored.
    const iq = publish('p', virtualDomain, deviceId, { time_to_live: '0' })
    expect(inShort((await xmpp.request(virtualDomain, iq)).xml)).toBe(expected)
    // The gateway is well again before the next one: it is not left out.
    gateway.answerWith(undefined)
    await xmpp.request(virtualDomain, publish('well', virtualDomain, 'well'))

    const asked = gateway.total
    gateway.answerWith(() => ({ status: 200 }))
    const again = inShort((await xmpp.request(virtualDomain, iq.replace("id='p'", "id='q'"))).xml)
    expect(again, 'only a dead device is remembered').toBe(expected === dead ? dead : 'result')
    expect(gateway.total - asked).toBe(expected === dead ? 0 : 1)
  })
})

test('a device that turns out dead after the answer: the owner is told, and the next publish answered so', async () => {
  await using installed = await install({ config: { push: { reply_deadline_ms: replyDeadlineMs } } })
  const { xmpp, gateway } = installed
  const created = await xmpp.request(
    fullDomain,
    `<iq type='set' id='c' from='romeo@chat.test/phone' to='${fullDomain}'>` +
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='n1' type='push'/></pubsub></iq>`,
  )
  expect(created.xml).toContain("type='result'")
  gateway.answerWith(() => ({ status: 410, body: { reason: 'unregistered' }, delayMs: replyDeadlineMs * 2 }))
  const first = inShort((await xmpp.request(fullDomain, publish('p1', fullDomain, 'tok'))).xml)
  expect(first).not.toContain('device-not-registered')

  const told = await xmpp.waitFor(({ xml }) => xml.startsWith('<message '))
  expect(told.xml).toBe(
    `<message from='${fullDomain}' to='romeo@chat.test'>` +
      "<pubsub xmlns='http://jabber.org/protocol/pubsub' node='n1'>" +
      "<affiliation jid='romeo@chat.test' affiliation='none'/></pubsub></message>",
  )
  const asked = gateway.total
  const second = await until('the dead mark', async () => {
    const answer = inShort((await xmpp.request(fullDomain, publish('p2', fullDomain, 'tok'))).xml)
    return answer.includes('device-not-registered') && answer
  })
  expect(second).toBe('cancel/not-acceptable device-not-registered')
  expect(gateway.total).toBe(asked)
})
