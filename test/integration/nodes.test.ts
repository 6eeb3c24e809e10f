import { afterAll, beforeAll, expect, test } from 'vitest'
import type { XmppClient } from '../support/xmpp-client.ts'
import {
  admit,
  bare,
  createNode,
  describeServers,
  enablePush,
  field,
  pubsub,
  SetUp,
  service,
  verdictOf,
} from './set-up.ts'

describeServers('push nodes, as a client sees them', ({ start }) => {
  let setUp: SetUp
  let alice: XmppClient

  beforeAll(async () => {
    // PubSub-full alone: a publish needs a node. Clients may publish, if the node lets them.
    const pubsubFull = { component: { publishers: 'any' }, push: { virtual_pubsub_hosts: [] } }
    setUp = await SetUp.start(await start(), pubsubFull)
    alice = await setUp.online('alice')
  })
  afterAll(async () => {
    await alice?.goOffline()
    await setUp?.[Symbol.asyncDispose]()
  })

  test('the service says what it is and what it can do', async () => {
    const answer = await alice.iq('get', service, `<query xmlns='http://jabber.org/protocol/disco#info'/>`)
    const query = answer.getChild('query')
    const identities = query?.getChildren('identity').map(({ attrs }) => `${attrs.category}/${attrs.type}`)
    const features = query?.getChildren('feature').map(({ attrs }) => attrs.var)
    expect(identities?.sort()).toEqual(['pubsub/push', 'pubsub/service'])
    expect(features).toEqual(
      expect.arrayContaining(['urn:xmpp:push:0', `${pubsub}#create-nodes`, `${pubsub}#publish-options`]),
    )
  })

  test('the server lists the service among its own', async () => {
    const items = `<query xmlns='http://jabber.org/protocol/disco#items'/>`
    const answer = await alice.iq('get', setUp.server.domain, items)
    expect(
      answer
        .getChild('query')
        ?.getChildren('item')
        .map(({ attrs }) => attrs.jid),
    ).toContain(service)
  })

  test('the service answers a ping, and other requests with an error', async () => {
    expect(verdictOf(await alice.iq('get', service, `<ping xmlns='urn:xmpp:ping'/>`))).toBe('result')
    expect(verdictOf(await alice.iq('get', service, `<query xmlns='jabber:iq:last'/>`))).toBe(
      'cancel/service-unavailable',
    )
  })

  test('a node that the app made, and lets the server publish to, carries pushes; after a restart too', async () => {
    const bob = await setUp.online('bob')
    expect(verdictOf(await bob.iq('set', service, createNode('bobs-phone', 'publishers')))).toBe('result')
    await enablePush(bob, 'token-1', {}, 'bobs-phone')
    expect(verdictOf(await bob.iq('set', service, admit('bobs-phone', setUp.server.domain)))).toBe('result')
    await bob.goOffline()

    await alice.message(bare(bob.jid), 'one')
    expect(await setUp.pushesTo('token-1')).toMatchObject([{ alert: { title: alice.jid, body: 'one' } }])

    await setUp.daemon.stop()
    await setUp.daemon.start()
    await alice.message(bare(bob.jid), 'another')
    expect(await setUp.pushesTo('token-1', 2)).toHaveLength(2)
  })

  test('a publish to a node that nobody made is refused', async () => {
    expect(verdictOf(await alice.iq('set', service, publish('nowhere', 'token')))).toBe(
      'cancel/item-not-found',
    )
  })

  test('only whom the node admits may publish to it, and only its owner may change it', async () => {
    const carol = await setUp.online('carol')
    await carol.iq('set', service, createNode('carols-phone', 'publishers'))
    expect(verdictOf(await alice.iq('set', service, publish('carols-phone', 'token-2')))).toBe(
      'auth/forbidden',
    )
    expect(verdictOf(await alice.iq('set', service, admit('carols-phone', bare(alice.jid))))).toBe(
      'auth/forbidden',
    )
    expect(verdictOf(await carol.iq('set', service, admit('carols-phone', bare(alice.jid))))).toBe('result')
    expect(verdictOf(await alice.iq('set', service, publish('carols-phone', 'token-2')))).toBe('result')
    await carol.goOffline()
  })

  test('everybody sees the nodes of his own, and nobody else’s', async () => {
    const dave = await setUp.online('dave')
    await dave.iq('set', service, createNode('daves-phone', 'open'))
    const items = `<query xmlns='http://jabber.org/protocol/disco#items'/>`
    const [own, others] = [await dave.iq('get', service, items), await alice.iq('get', service, items)]
    expect(
      own
        .getChild('query')
        ?.getChildren('item')
        .map(({ attrs }) => attrs.node),
    ).toEqual(['daves-phone'])
    expect(others.getChild('query')?.getChildren('item')).toEqual([])
    await dave.goOffline()
  })

  test('a device that was gone is pushed to again once its node is made anew', async () => {
    const erin = await setUp.online('erin')
    await erin.iq('set', service, createNode('erins-phone', 'open'))
    const notRegistered = await erin.iq('set', service, publish('erins-phone', 'gone-1'))
    expect(verdictOf(notRegistered)).toBe('cancel/not-acceptable')
    expect(notRegistered.getChild('error')?.getChild('device-not-registered')).toBeDefined()

    setUp.gateway.answerWith(() => ({ status: 200 }))
    expect(verdictOf(await erin.iq('set', service, publish('erins-phone', 'gone-1')))).not.toBe('result')
    await erin.iq('set', service, `<pubsub xmlns='${pubsub}#owner'><delete node='erins-phone'/></pubsub>`)
    await erin.iq('set', service, createNode('erins-phone', 'open'))
    expect(verdictOf(await erin.iq('set', service, publish('erins-phone', 'gone-1')))).toBe('result')
    setUp.gateway.answerWith(undefined)
    await erin.goOffline()
  })
})

describeServers('a service that takes publishes from its server alone', ({ start }) => {
  test('refuses those of users', async () => {
    await using setUp = await SetUp.start(await start())
    const mallory = await setUp.online('mallory')
    expect(verdictOf(await mallory.iq('set', service, publish('any-node', 'token')))).toBe('auth/forbidden')
    await mallory.goOffline()
  })
})

function publish(node: string, deviceId: string): string {
  const summary = field('FORM_TYPE', 'urn:xmpp:push:summary') + field('last-message-body', 'hello')
  const options =
    field('FORM_TYPE', `${pubsub}#publish-options`) + field('service', 'apns') + field('device_id', deviceId)
  return (
    `<pubsub xmlns='${pubsub}'><publish node='${node}'><item><notification xmlns='urn:xmpp:push:0'>` +
    `<x xmlns='jabber:x:data' type='submit'>${summary}</x></notification></item></publish>` +
    `<publish-options><x xmlns='jabber:x:data' type='submit'>${options}</x></publish-options></pubsub>`
  )
}
