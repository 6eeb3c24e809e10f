import { expect, test } from 'vitest'
import {
  alice,
  bob,
  chatServer,
  parseStanza,
  pubsub,
  pubsubHost,
  pubsubOwner,
  shadowedHost,
  startAppServer,
  summaryOfAnswer,
  virtualHost,
} from './app-server-at-work.ts'

const info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
const items = "<query xmlns='http://jabber.org/protocol/disco#items'/>"
const ping = "<ping xmlns='urn:xmpp:ping'/>"

const everywhere = [
  'urn:xmpp:push:0',
  'http://jabber.org/protocol/disco#info',
  'http://jabber.org/protocol/disco#items',
  'urn:xmpp:ping',
  'jabber:iq:version',
  'http://jabber.org/protocol/pubsub',
  'http://jabber.org/protocol/pubsub#publish',
  'http://jabber.org/protocol/pubsub#publish-options',
]
const managed = [
  'create-nodes',
  'create-and-configure',
  'config-node',
  'delete-nodes',
  'purge-nodes',
  'modify-affiliations',
  'retrieve-affiliations',
  'retrieve-default',
  'publish-only-affiliation',
  'access-whitelist',
  'rsm',
].map((name) => `http://jabber.org/protocol/pubsub#${name}`)
managed.push('http://jabber.org/protocol/rsm')

test.each([
  ['PubSub-full', pubsubHost, ['pubsub/push', 'pubsub/service'], [...everywhere, ...managed]],
  ['virtual', virtualHost, ['pubsub/push'], everywhere],
  ['shadowed', shadowedHost, ['pubsub/push', 'pubsub/service'], [...everywhere, ...managed]],
])(
  'disco#info of a %s domain names what works there, and nothing else',
  async (_, host, identities, features) => {
    await using app = await startAppServer()
    const query = await app.query(alice, info, host)
    const ns = 'http://jabber.org/protocol/disco#info'
    expect(query.elements('identity', ns).map((i) => `${i.attr('category')}/${i.attr('type')}`)).toEqual(
      identities,
    )
    expect(
      query
        .elements('feature', ns)
        .map((feature) => feature.attr('var'))
        .sort(),
    ).toEqual(features.toSorted())
  },
)

test('disco#info of a node that the sender may see says that it is a leaf', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  const query = await app.query(alice, info.replace('/>', " node='n1'/>"))
  expect(query.attr('node')).toBe('n1')
  expect(query.firstChild()?.attributes).toEqual(['category', 'pubsub', 'type', 'leaf'])
})

test.each(['info', 'items'])('disco#%s of a node tells others that there is none', async (kind) => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  const asking = (node: string) => `<query xmlns='http://jabber.org/protocol/disco#${kind}' node='${node}'/>`
  expect(await app.ask(alice, 'get', asking('n1'))).toBe('result')
  expect(await app.ask(bob, 'get', asking('n1'))).toBe('cancel/item-not-found')
  expect(await app.ask(bob, 'get', asking('n2'))).toBe('cancel/item-not-found')
  expect(await app.ask(alice, 'get', asking('n1'), virtualHost)).toBe('cancel/item-not-found')
})

test('disco#items lists the nodes that the sender owns, from any of its devices, and nobody else’s', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  await app.create(alice, 'n2')
  await app.create(bob, 'n3')
  await app.ask(
    bob,
    'set',
    pubsubOwner(
      "<affiliations node='n3'><affiliation jid='alice@chat.test' affiliation='publisher'/></affiliations>",
    ),
  )
  const query = await app.query('Alice@chat.test/tablet', items)
  expect(query.elements('item').map((item) => item.attributes)).toEqual([
    ['jid', pubsubHost, 'node', 'n1'],
    ['jid', pubsubHost, 'node', 'n2'],
  ])
  expect((await app.query(chatServer, items)).elements('item')).toEqual([])
  expect((await app.query(alice, items, shadowedHost)).elements('item')).toEqual([])
  expect((await app.query(alice, items, virtualHost)).elements('item')).toEqual([])
})

test.each([pubsubHost, virtualHost, shadowedHost, 'closed.chat.test'])('%s answers a ping', async (host) => {
  await using app = await startAppServer()
  expect(await app.answerText(`<iq from='${alice}' to='${host}' id='1' type='get'>${ping}</iq>`, host)).toBe(
    `<iq type='result' id='1' from='${host}' to='${alice}'/>`,
  )
})

test('jabber:iq:version is answered with name and version', async () => {
  await using app = await startAppServer()
  const query = await app.query(alice, "<query xmlns='jabber:iq:version'/>")
  expect(query.elements().map((child) => [child.name, child.text()])).toEqual([
    ['name', 'xmpp-pushd'],
    ['version', '1.2.3'],
  ])
})

test.each([
  ['an unknown namespace', "<query xmlns='jabber:iq:roster'/>"],
  ['an ad-hoc command', "<command xmlns='http://jabber.org/protocol/commands' node='register'/>"],
  ['a known namespace with an unknown element', "<pong xmlns='urn:xmpp:ping'/>"],
  ['an element without a namespace of its own', '<ping/>'],
  ['a pubsub event', "<pubsub xmlns='http://jabber.org/protocol/pubsub#event'/>"],
])('%s is answered with cancel/service-unavailable, asked with get or set', async (_, payload) => {
  await using app = await startAppServer()
  expect(await app.ask(alice, 'get', payload)).toBe('cancel/service-unavailable')
  expect(await app.ask(alice, 'set', payload)).toBe('cancel/service-unavailable')
})

test.each([
  ['without a payload', `<iq from='${alice}' to='${pubsubHost}' id='1' type='get'/>`],
  ['with text alone', `<iq from='${alice}' to='${pubsubHost}' id='1' type='get'>ping</iq>`],
  ['with two payloads', `<iq from='${alice}' to='${pubsubHost}' id='1' type='get'>${ping}${ping}</iq>`],
  ['without an id', `<iq from='${alice}' to='${pubsubHost}' type='get'>${ping}</iq>`],
  ['without a type', `<iq from='${alice}' to='${pubsubHost}' id='1'>${ping}</iq>`],
  ['of an unknown type', `<iq from='${alice}' to='${pubsubHost}' id='1' type='ask'>${ping}</iq>`],
  ['that sets a ping', `<iq from='${alice}' to='${pubsubHost}' id='1' type='set'>${ping}</iq>`],
  ['that sets disco#info', `<iq from='${alice}' to='${pubsubHost}' id='1' type='set'>${info}</iq>`],
  [
    'with two operations',
    `<iq from='${alice}' to='${pubsubHost}' id='1' type='set'>${pubsub("<create node='a'/><create node='b'/>")}</iq>`,
  ],
  [
    'with an operation and one that is not offered',
    `<iq from='${alice}' to='${pubsubHost}' id='1' type='set'>${pubsub("<create node='a'/><subscribe node='a'/>")}</iq>`,
  ],
  ['with an empty pubsub', `<iq from='${alice}' to='${pubsubHost}' id='1' type='set'>${pubsub('')}</iq>`],
  [
    'with an unknown pubsub request',
    `<iq from='${alice}' to='${pubsubHost}' id='1' type='set'>${pubsub('<x/>')}</iq>`,
  ],
  [
    'that gets a create',
    `<iq from='${alice}' to='${pubsubHost}' id='1' type='get'>${pubsub("<create node='n'/>")}</iq>`,
  ],
])('an IQ %s is answered with modify/bad-request', async (_, xml) => {
  await using app = await startAppServer()
  const answer = await app.answer(xml)
  expect(summaryOfAnswer(answer)).toBe('modify/bad-request')
  expect(answer.attr('to')).toBe(alice)
})

test('the id comes back exactly as it was, whatever it holds', async () => {
  await using app = await startAppServer()
  for (const id of ['rr-17-15/+a=-5314', 'a&amp;b&lt;&apos;&quot;', '', ' ', '🚀', '&#9;&#10;&#13;']) {
    const xml = `<iq from='${alice}' to='${pubsubHost}' id='${id}' type='get'>${ping}</iq>`
    expect((await app.answer(xml)).attr('id')).toBe(parseStanza(xml).attr('id'))
  }
})

test.each([`push@${pubsubHost}`, `${pubsubHost}/r`, `push@${pubsubHost}/r`, pubsubHost.toUpperCase()])(
  'a request to %s is answered from there, as the domain would answer',
  async (to) => {
    await using app = await startAppServer()
    const answer = await app.answer(`<iq from='${alice}' to='${to}' id='1' type='get'>${info}</iq>`)
    expect(answer.attr('from')).toBe(to)
    expect(answer.firstChild()?.elements('feature')).toHaveLength(20)
  },
)

test('a request without a `to` is answered from the domain of its stream', async () => {
  await using app = await startAppServer()
  expect((await app.answer(`<iq from='${alice}' id='1' type='get'>${ping}</iq>`)).attr('from')).toBe(
    pubsubHost,
  )
})

test.each(['', '@', `${pubsubHost}/`, 'elsewhere.test', 'push@elsewhere.test/r'])(
  'a request to %j, which is nowhere here, is not answered in our own name',
  async (to) => {
    await using app = await startAppServer()
    const verdict = app.verdict(`<iq from='${alice}' to='${to}' id='1' type='get'>${ping}</iq>`)
    expect(verdict).toEqual({ kind: 'drop', why: 'unaddressed' })
  },
)

test('a request that arrives on another domain’s stream is answered as the domain that it is addressed to', async () => {
  await using app = await startAppServer()
  const xml = `<iq from='${alice}' to='${pubsubHost}' id='1' type='set'>${pubsub("<create node='n'/>")}</iq>`
  expect(summaryOfAnswer(await app.answer(xml, virtualHost))).toBe('result')
  expect(app.nodes.get(pubsubHost, 'n')).toBeDefined()
})

test.each([
  ['an IQ result', "<iq from='chat.test' to='pubsub.chat.test' id='1' type='result'/>", 'iq-response'],
  ['an IQ error', "<iq from='chat.test' to='pubsub.chat.test' id='1' type='error'/>", 'iq-response'],
  ['an IQ error from nobody', "<iq to='pubsub.chat.test' id='1' type='error'/>", 'iq-response'],
  ['a message', "<message from='bob@chat.test/r' to='pubsub.chat.test'><body>Hi</body></message>", 'message'],
  ['a presence', "<presence from='bob@chat.test' to='pubsub.chat.test' type='subscribe'/>", 'presence'],
  ['an IQ from nobody', `<iq to='pubsub.chat.test' id='1' type='get'>${ping}</iq>`, 'unaddressed'],
  [
    'an IQ from an empty address',
    `<iq from='' to='pubsub.chat.test' id='1' type='get'>${ping}</iq>`,
    'unaddressed',
  ],
  ['what is no stanza', '<enable/>', 'unaddressed'],
])('%s is dropped and counted', async (_, xml, why) => {
  await using app = await startAppServer()
  expect(app.verdict(xml)).toEqual({ kind: 'drop', why })
  const { body } = await app.metrics.render(undefined)
  expect(body).toContain(`xmpp_pushd_stanzas_dropped_total{domain="${pubsubHost}",why="${why}"} 1`)
})

test('an address that is no JID gets bad-request where an owner is needed', async () => {
  await using app = await startAppServer()
  expect(await app.create('@chat.test', 'n1')).toBe('modify/bad-request')
})
