import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import type { XmppSandbox } from '../../src/sandbox/xmpp-sandbox.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { Providers } from '../support/providers.ts'

const domain = 'virtual.chat.test'
const ownTopic = 'com.example.app'

let xmpp: XmppSandbox
let providers: Providers

beforeEach(async () => {
  xmpp = await startXmppSandbox({ domains: { [domain]: 'hush' } })
  providers = await Providers.start()
  // As Apple: a token is good for its app alone.
  providers.apns.answerWith(({ headers }) =>
    headers['apns-topic'] === ownTopic
      ? undefined
      : { status: 400, body: { reason: 'DeviceTokenNotForTopic' } },
  )
})
afterEach(async () => {
  await providers[Symbol.asyncDispose]()
  await xmpp.close()
})

async function withDaemon(gateway: Record<string, unknown>): Promise<Daemon> {
  const daemon = await startDaemon({
    component: [
      { domain, server: `127.0.0.1:${xmpp.port}`, secret: 'hush', pubsub: false, publishers: 'any' },
    ],
    push: { served_hosts: ['chat.test'], virtual_pubsub_hosts: ['virtual.@HOST@'], wpool: { workers: 1 } },
    gateway: {
      apns: [{ ...providers.apnsTable, default_topic: ownTopic }],
      fcm: [providers.fcmTable],
      ...gateway,
    },
  })
  await xmpp.waitForStreams(domain, 2)
  return daemon
}

let publishes = 0

/** The answer to a publish: `result`, or the error's XML. */
async function publish(from: string, node: string, options: Record<string, string>): Promise<string> {
  const summary = summaryOf('juliet@chat.test', 'O Romeo')
  const { xml } = await xmpp.request(
    domain,
    publishIq({ id: `p${++publishes}`, from, to: domain, node, options, summary }),
  )
  return xml.includes("type='result'") ? 'result' : xml
}

const romeos = { service: 'apns', device_id: 'romeos-token' }
const fromMallory = (options: Record<string, string>) =>
  publish('mallory@evil.test/x', 'mallorys', { ...romeos, ...options })
const fromServer = () => publish('chat.test', 'romeos', romeos)

describe('who knows somebody’s token cannot kill it with a foreign topic', () => {
  test('the topic is refused at once, and the token’s owner goes on getting pushes', async () => {
    await using daemon = await withDaemon({})
    expect(await fromServer()).toBe('result')
    for (let i = 0; i < 6; i++) {
      const answer = await fromMallory({ topic: 'made.up.app' })
      expect(answer).toContain("<error type='modify'><bad-request")
      expect(answer).toContain('topic: not the topic of an app that is configured here')
    }
    expect(await fromServer()).toBe('result')
    expect(await daemon.metric('publishes_total', { result: 'rejected_target' })).toBe(6)
  })

  test('where any topic may be named, too: refusals of it are held against nobody’s device', async () => {
    await using daemon = await withDaemon({ topics: 'any' })
    for (let i = 0; i < 6; i++)
      expect(await fromMallory({ topic: 'made.up.app' })).toContain("<error type='wait'>")
    expect(await fromServer()).toBe('result')
    expect(await daemon.metric('dead_devices')).toBe(0)
  })
})

test('a device that FCM has had enough of costs others nothing', async () => {
  await using daemon = await withDaemon({})
  const to = (device_id: string) => publish('chat.test', device_id, { service: 'fcm', device_id })
  for (let i = 0; i < 6; i++) expect(await to(`DEVICE_QUOTA-${i}`)).toBe('result')
  for (let i = 0; i < 20; i++) expect(await to(`fine-${i}`)).toBe('result')
  const delivered = providers.fcm.requests.filter(({ deviceId }) => deviceId.startsWith('fine'))
  expect(delivered).toHaveLength(20)
  expect(await daemon.metric('gateway_paused_devices', { pool: 'fcm' })).toBe(6)
  expect(await daemon.metric('gateway_paused', { pool: 'fcm' })).toBe(0)
})
