import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEjabberd } from '../support/ejabberd.ts'
import { lacks } from '../support/installed.ts'
import { startProsody } from '../support/prosody.ts'
import { until } from '../support/until.ts'
import { XmppClient } from '../support/xmpp-client.ts'
import { bare, describeServers, enablePush, SetUp } from './set-up.ts'

describeServers('a message for a user whose app sleeps', ({ name, start }) => {
  let setUp: SetUp
  let alice: XmppClient

  beforeAll(async () => {
    setUp = await SetUp.start(await start())
    alice = await setUp.online('alice')
  })
  afterAll(async () => {
    await alice?.goOffline()
    await setUp?.[Symbol.asyncDispose]()
  })

  test('is one push to the device that the app named, with sender and text', async () => {
    const bob = await setUp.asleep('token-1')
    const text = 'Zażółć 🚀 日本語 <b> & "q" \'a\''
    await alice.message(bob, text)

    const [push] = await setUp.pushesTo('token-1')
    const alert = { title: alice.jid, tag: alice.jid, body: text }
    expect(push).toEqual({
      service: 'apns',
      topic: 'com.example.app',
      // ejabberd does not count messages; Prosody says 1 of each.
      alert: name === 'Prosody' ? { ...alert, badge: 1 } : alert,
    })
    expect(setUp.gateway.refused).toEqual([])
    const delivered = () => setUp.daemon.metric('publishes_total', { result: 'delivered' })
    await until('it is counted', async () => (await delivered()) === 1)
  })

  test('reaches the device whatever its id holds', async () => {
    const id = '../../x?y#z%2F🚀'
    await alice.message(await setUp.asleep(id), 'hello')
    expect(await setUp.pushesTo(id)).toHaveLength(1)
  })

  test('carries the options that the app gave, and no others', async () => {
    const options = { mode: 'dev', priority: 'high', sound: 'ping.caf', tags: 'other-tenant', secret: 'no' }
    await alice.message(await setUp.asleep('token-2', options), 'hello')
    const [push] = await setUp.pushesTo('token-2')
    expect(push).toMatchObject({ mode: 'dev', priority: 'high', alert: { sound: 'ping.caf' } })
    expect(push).not.toHaveProperty('tags')
    expect(JSON.stringify(push)).not.toContain('secret')
  })

  test('is one push for each device of the user', async () => {
    const client = await setUp.online('bob')
    await enablePush(client, 'phone-1')
    await enablePush(client, 'tablet-1', { service: 'fcm' })
    await client.goOffline()
    await alice.message(bare(client.jid), 'hello')
    expect(await setUp.pushesTo('phone-1')).toHaveLength(1)
    expect(await setUp.pushesTo('tablet-1')).toMatchObject([{ service: 'fcm' }])
  })

  test('is pushed while the server still keeps the session of a lost connection', async () => {
    const client = await setUp.online('bob')
    await enablePush(client, 'tunnel-1')
    client.loseConnection()
    await alice.message(bare(client.jid), 'hello')
    const [push] = await setUp.pushesTo('tunnel-1')
    expect(push).toMatchObject({ alert: { body: 'hello' } })
  })

  test('is not pushed while the app is awake', async () => {
    const client = await setUp.online('bob')
    await enablePush(client, 'awake-1')
    await alice.message(bare(client.jid), 'hello')
    // A push that the server sent later than this message's would have been sent for it.
    await alice.message(await setUp.asleep('asleep-1'), 'hello')
    await setUp.pushesTo('asleep-1')
    expect(setUp.gateway.requests.map(({ deviceId }) => deviceId)).not.toContain('awake-1')
    await client.goOffline()
  })
})

describe('a server that tells neither sender nor text', () => {
  const bodies = [
    {
      name: 'ejabberd',
      program: 'ejabberd',
      start: () => startEjabberd({ modules: '  mod_push: {}\n' }),
      body: 'New message',
    },
    {
      name: 'Prosody',
      program: 'prosody',
      start: () => startProsody({ settings: '' }),
      body: 'New Message!',
    },
  ] as const

  for (const { name, program, start, body } of bodies) {
    test.skipIf(lacks(program))(`has its own text pushed, under the default title (${name})`, async () => {
      await using setUp = await SetUp.start(await start(), { content: { default_title: 'Chat' } })
      const alice = await setUp.online('alice')
      await alice.message(await setUp.asleep('token-1'), 'a secret')
      expect(await setUp.pushesTo('token-1')).toMatchObject([{ alert: { title: 'Chat', body } }])
      await alice.goOffline()
    })
  }

  test.skipIf(lacks('ejabberd'))('wakes the app silently when ejabberd says nothing at all', async () => {
    const archive = '  mod_push: {}\n  mod_mam:\n    default: always\n'
    await using setUp = await SetUp.start(await startEjabberd({ modules: archive }))
    const phone = await setUp.online('carol')
    await enablePush(phone, 'token-1')
    await phone.goOffline()
    // With an archive ejabberd publishes for what users send themselves, from another device, too.
    const user = bare(phone.jid).replace('@example.com', '')
    const laptop = await XmppClient.connect(setUp.server, user, 'laptop')
    await laptop.message('nobody@example.com', 'hello')
    const [push] = await setUp.pushesTo('token-1')
    expect(push).not.toHaveProperty('alert')
    expect(push).toHaveProperty('data')
    await laptop.goOffline()
  })
})
