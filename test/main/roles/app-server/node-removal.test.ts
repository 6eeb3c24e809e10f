import { expect, test } from 'vitest'
import {
  alice,
  bob,
  configForm,
  pubsub,
  pubsubHost,
  pubsubOwner,
  startAppServer,
  virtualHost,
} from './app-server-at-work.ts'

test('a deleted node is gone, and its name is free', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  expect(await app.ask(alice, 'set', pubsubOwner("<delete node='n1'/>"))).toBe('result')
  expect(app.nodes.count()).toBe(0)
  expect(app.publish({ to: pubsubHost })).toBe('cancel/item-not-found')
  expect(await app.create(bob, 'n1')).toBe('result')
})

test('a purged node stays as it is: it holds nothing', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  expect(await app.ask(alice, 'set', pubsubOwner("<purge node='n1'/>"))).toBe('result')
  expect(app.nodes.count()).toBe(1)
})

const sink: ['get' | 'set', string, string][] = [
  ['set', pubsub("<subscribe node='n1' jid='alice@chat.test'/>"), 'subscribe'],
  ['set', pubsub("<subscribe node='n1' jid='alice@chat.test'/><options/>"), 'subscribe'],
  ['set', pubsub("<unsubscribe node='n1' jid='alice@chat.test'/>"), 'subscribe'],
  ['get', pubsub('<subscriptions/>'), 'retrieve-subscriptions'],
  ['get', pubsub("<options node='n1' jid='alice@chat.test'/>"), 'subscription-options'],
  ['set', pubsub("<options node='n1' jid='alice@chat.test'/>"), 'subscription-options'],
  ['get', pubsub('<default/>'), 'retrieve-default-sub'],
  ['get', pubsub("<items node='n1'/>"), 'retrieve-items'],
  ['set', pubsub("<retract node='n1'><item id='1'/></retract>"), 'delete-items'],
  ['get', pubsubOwner("<subscriptions node='n1'/>"), 'manage-subscriptions'],
  ['set', pubsubOwner("<subscriptions node='n1'/>"), 'manage-subscriptions'],
]
test.each(sink)('a push node is a sink: %s %s is not implemented', async (type, payload, feature) => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  const answer = `cancel/feature-not-implemented unsupported(${feature})`
  expect(await app.ask(alice, type, payload)).toBe(answer)
  expect(await app.ask(alice, type, payload, virtualHost)).toBe(answer)
})

const management: ['get' | 'set', string][] = [
  ['set', pubsub("<create node='n1' type='push'/>")],
  ['get', pubsub('<affiliations/>')],
  ['set', pubsubOwner("<delete node='n1'/>")],
  ['set', pubsubOwner("<purge node='n1'/>")],
  ['get', pubsubOwner("<configure node='n1'/>")],
  ['set', pubsubOwner(`<configure node='n1'>${configForm({})}</configure>`)],
  ['get', pubsubOwner('<default/>')],
  ['get', pubsubOwner("<affiliations node='n1'/>")],
  ['set', pubsubOwner("<affiliations node='n1'/>")],
]
test.each(management)(
  'on a virtual host %s %s is not implemented: there are no nodes to create',
  async (type, payload) => {
    await using app = await startAppServer()
    const answer = 'cancel/feature-not-implemented unsupported(create-nodes)'
    expect(await app.ask(alice, type, payload, virtualHost)).toBe(answer)
    expect(app.nodes.count()).toBe(0)
  },
)

test('an account that is gone loses its nodes, on every domain', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  await app.create(alice, 'n2', 'shadowed.chat.test')
  await app.create(bob, 'n3')
  expect(await app.server.accountGone('Alice@chat.test', pubsubHost)).toBe(2)
  expect(app.nodes.count()).toBe(1)
  expect(await app.server.accountGone('nobody@chat.test', pubsubHost)).toBe(0)
  expect(await app.server.accountGone('@', pubsubHost)).toBe(0)
  expect(app.accountsGone).toEqual(['alice@chat.test', 'nobody@chat.test'])
  const { body } = await app.metrics.render(undefined)
  expect(body).toContain('xmpp_pushd_registrations_disabled_total{reason="account_gone"} 2')
})

const gone = "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
test.each(['message', 'presence', 'iq'])(
  'a %s error cancel/gone from the bare JID tells that an account is gone',
  async (name) => {
    await using app = await startAppServer()
    await app.create(alice, 'n1')
    await app.create(bob, 'n2')
    const xml = `<${name} from='alice@chat.test' to='${pubsubHost}' id='1' type='error'><error type='cancel'>${gone}</error></${name}>`
    expect(app.verdict(xml).kind).toBe('drop')
    // The change behind it in the queue is made after it.
    await app.create(bob, 'n3')
    expect(app.nodes.get(pubsubHost, 'n1')).toBeUndefined()
    expect(app.nodes.count()).toBe(2)
  },
)

test.each([
  ['from a client', "from='alice@chat.test/phone'", gone],
  ['with a new address', "from='alice@chat.test'", gone.replace('/>', '>xmpp:a@new.test</gone>')],
  ['of another kind', "from='alice@chat.test'", gone.replace('gone', 'service-unavailable')],
  ['about a missing item', "from='alice@chat.test'", gone.replace('gone', 'item-not-found')],
])('an error %s does not', async (_, from, condition) => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  app.verdict(
    `<message ${from} to='${pubsubHost}' type='error'><error type='cancel'>${condition}</error></message>`,
  )
  await app.create(bob, 'n2')
  expect(app.nodes.count()).toBe(2)
})
