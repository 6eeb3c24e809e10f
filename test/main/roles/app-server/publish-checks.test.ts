import { describe, expect, test } from 'vitest'
import {
  type AppServerAtWork,
  alice,
  bob,
  chatServer,
  publish,
  pubsubHost,
  pubsubOwner,
  shadowedHost,
  startAppServer,
  virtualHost,
} from './app-server-at-work.ts'

const item = "<item><notification xmlns='urn:xmpp:push:0'/></item>"

function raw(
  app: AppServerAtWork,
  payload: string,
  type: 'get' | 'set' = 'set',
  host = virtualHost,
): Promise<string> {
  return app.ask(
    chatServer,
    type,
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${payload}</pubsub>`,
    host,
  )
}

describe('check 1: well-formed, one publish, one item, else modify/bad-request', () => {
  test.each([
    ['two publishes', `<publish node='n'>${item}</publish><publish node='n'>${item}</publish>`],
    ['no item', "<publish node='n'/>"],
    ['two items', `<publish node='n'>${item}${item}</publish>`],
    ['something beside the item', `<publish node='n'>${item}<configure/></publish>`],
    ['something beside the publish', `<publish node='n'>${item}</publish><configure/>`],
    ['two publish-options', `<publish node='n'>${item}</publish><publish-options/><publish-options/>`],
  ])('%s', async (_, payload) => {
    await using app = await startAppServer()
    expect(await raw(app, payload)).toBe('modify/bad-request')
  })

  test('a publish that gets instead of sets', async () => {
    await using app = await startAppServer()
    expect(await raw(app, `<publish node='n'>${item}</publish>`, 'get')).toBe('modify/bad-request')
  })

  test('it is counted as rejected_malformed', async () => {
    await using app = await startAppServer()
    const xml = publish().replaceAll('item>', 'items>')
    expect(app.verdict(xml, virtualHost)).toMatchObject({
      kind: 'answer',
      publish: { result: 'rejected_malformed' },
    })
  })

  test('an item may have an id, and there may be white space between the elements', async () => {
    await using app = await startAppServer()
    const xml = publish().replace('<item>', "\n <item id='7'>\n").replaceAll('<field', '\n<field')
    expect(app.verdict(xml, virtualHost).kind).toBe('push')
  })
})

describe('check 2: on a PubSub-full domain the node exists, else cancel/item-not-found', () => {
  test.each([
    ['unknown', { node: 'n2' }],
    ['not named', { node: undefined }],
    ['empty', { node: '' }],
  ])('a node that is %s', async (_, change) => {
    await using app = await startAppServer()
    await app.create(alice, 'n1')
    expect(app.publish({ to: pubsubHost, ...change })).toBe('cancel/item-not-found')
    expect(app.result({ to: pubsubHost, ...change })).toBe('rejected_no_node')
    expect(app.publish({ to: pubsubHost, node: 'n1' })).toBe('push')
  })

  test('on a domain that is neither PubSub-full nor virtual there are no nodes', async () => {
    await using app = await startAppServer()
    expect(app.publish({ to: 'closed.chat.test' })).toBe('cancel/item-not-found')
  })

  test.each([virtualHost, shadowedHost])('on %s any node name is good, and none too', async (to) => {
    await using app = await startAppServer()
    expect(app.notification({ to, node: 'whatever' }).node).toBe('whatever')
    expect(app.notification({ to, node: undefined }).node).toBe('')
  })
})

describe('check 3: the sender may publish, else auth/forbidden', () => {
  const affiliated: Record<string, string> = {
    'carol@chat.test': 'publisher',
    'dave@chat.test': 'publish-only',
    'eve@chat.test': 'outcast',
    'server.test': 'publish-only',
    'bad.test': 'outcast',
  }
  async function withNode(app: AppServerAtWork, publishModel: string): Promise<void> {
    await app.create(alice, 'n1', pubsubHost, { publish_model: publishModel })
    const list = Object.entries(affiliated).map(
      ([jid, name]) => `<affiliation jid='${jid}' affiliation='${name}'/>`,
    )
    await app.ask(alice, 'set', pubsubOwner(`<affiliations node='n1'>${list.join('')}</affiliations>`))
  }

  test.each([
    // from, open, publishers
    ['the owner', alice, 'push', 'push'],
    ['a publisher', 'Carol@chat.test/r', 'push', 'push'],
    ['a publish-only', 'dave@chat.test/r', 'push', 'push'],
    ['a server whose domain is publish-only', 'server.test', 'push', 'push'],
    ['such a server in a user’s name', 'frank@server.test', 'push', 'push'],
    ['a client of such a server', 'frank@server.test/r', 'push', 'auth/forbidden'],
    ['anybody else', bob, 'push', 'auth/forbidden'],
    ['another server', chatServer, 'push', 'auth/forbidden'],
    ['an outcast', 'eve@chat.test/r', 'auth/forbidden', 'auth/forbidden'],
    ['an outcast server', 'bad.test', 'auth/forbidden', 'auth/forbidden'],
    ['a user of an outcast server', 'frank@bad.test/r', 'auth/forbidden', 'auth/forbidden'],
    ['what is no JID', '@chat.test', 'auth/forbidden', 'auth/forbidden'],
  ])('%s at a node that is open, or for publishers', async (_, from, open, publishers) => {
    await using app = await startAppServer()
    await withNode(app, 'open')
    expect(app.publish({ to: pubsubHost, from })).toBe(open)
    await app.ask(alice, 'set', pubsubOwner("<delete node='n1'/>"))
    await withNode(app, 'publishers')
    expect(app.publish({ to: pubsubHost, from })).toBe(publishers)
    if (publishers !== 'push') expect(app.result({ to: pubsubHost, from })).toBe('rejected_forbidden')
  })

  test('a node for subscribers is one for publishers: nobody can subscribe', async () => {
    await using app = await startAppServer()
    await withNode(app, 'subscribers')
    expect(app.publish({ to: pubsubHost, from: bob })).toBe('auth/forbidden')
    expect(app.publish({ to: pubsubHost, from: 'carol@chat.test/r' })).toBe('push')
  })

  test('on a shadowed domain no affiliation is asked', async () => {
    await using app = await startAppServer()
    await app.create(alice, 'n1', shadowedHost, { publish_model: 'publishers' })
    expect(app.publish({ to: shadowedHost, from: bob })).toBe('push')
  })

  test.each([
    // from, "any", "servers", ["chat.test"]
    ['chat.test', 'push', 'push', 'push'],
    ['bob@chat.test', 'push', 'push', 'push'],
    ['bob@chat.test/r', 'push', 'auth/forbidden', 'auth/forbidden'],
    ['chat.test/r', 'push', 'auth/forbidden', 'auth/forbidden'],
    ['other.test', 'push', 'push', 'auth/forbidden'],
    ['bob@other.test', 'push', 'push', 'auth/forbidden'],
    ['CHAT.test', 'push', 'push', 'push'],
  ])('publishers in the configuration, on both kinds of host: %s', async (from, any, servers, listed) => {
    const settings = { any: 'any', servers: 'servers', listed: ['Chat.Test'] } as const
    const expected = { any, servers, listed }
    for (const name of ['any', 'servers', 'listed'] as const) {
      await using app = await startAppServer({ publishers: settings[name] })
      await app.create(alice, 'n1')
      expect([name, app.publish({ to: virtualHost, from })]).toEqual([name, expected[name]])
      expect([name, app.publish({ to: pubsubHost, from })]).toEqual([name, expected[name]])
    }
  })
})
