import { describe, expect, test } from 'vitest'
import { nodeRecord, noLimits } from '../../store/open-store.ts'
import {
  type AppServerAtWork,
  alice,
  bob,
  configForm,
  errorText,
  pubsub,
  pubsubHost,
  pubsubOwner,
  shadowedHost,
  startAppServer,
} from './app-server-at-work.ts'

const strangers = 'mallory@elsewhere.test/phone'

function affiliate(app: AppServerAtWork, node: string, jid: string, affiliation: string): Promise<string> {
  return app.ask(alice, 'set', affiliations(node, jid, affiliation))
}

function affiliations(node: string, jid: string, affiliation: string): string {
  const entry = `<affiliation jid='${jid}' affiliation='${affiliation}'/>`
  return pubsubOwner(`<affiliations node='${node}'>${entry}</affiliations>`)
}

async function hits(app: AppServerAtWork, limit: string): Promise<number> {
  const { body } = await app.metrics.render(undefined)
  return Number(new RegExp(`limits_hit_total\\{limit="${limit}"\\} (\\d+)`).exec(body)?.[1])
}

describe('who may make push nodes', () => {
  test('users of the hosts that may own nodes make them, and so do the hosts; others get auth/forbidden, counted', async () => {
    await using app = await startAppServer({ nodeOwners: ['Chat.test'] })
    expect(await app.create(alice, 'n1')).toBe('result')
    expect(await app.create('chat.test', 'n2')).toBe('result')
    for (const from of [strangers, 'alice@sub.chat.test/r', 'elsewhere.test']) {
      expect(await app.create(from, 'n3')).toBe('auth/forbidden')
    }
    expect(app.nodes.count()).toBe(2)
    expect(await hits(app, 'node_owners')).toBe(3)
  })

  test.each(['bücher.example', 'xn--bcher-kva.example'])(
    'in either spelling of their host: %s',
    async (host) => {
      await using app = await startAppServer({ nodeOwners: ['bücher.example'] })
      expect(await app.create(`alice@${host}/phone`, 'n1')).toBe('result')
    },
  )

  test('with "any" whoever reaches the daemon makes nodes', async () => {
    await using app = await startAppServer({ nodeOwners: 'any' })
    expect(await app.create(strangers, 'n1')).toBe('result')
  })

  test('a node that there is goes on working for an owner who may make none: published to, listed, deleted', async () => {
    await using app = await startAppServer({ nodeOwners: ['chat.test'] })
    const record = nodeRecord('mallory@elsewhere.test', { configuration: { publish_model: 'open' } })
    await app.nodes.create(pubsubHost, 'old', record, noLimits)
    expect(app.publish({ to: pubsubHost, node: 'old' })).toBe('push')
    const items = await app.query(strangers, "<query xmlns='http://jabber.org/protocol/disco#items'/>")
    expect(items.elements('item').map((item) => item.attr('node'))).toEqual(['old'])
    expect(await app.ask(strangers, 'set', pubsubOwner("<delete node='old'/>"))).toBe('result')
  })
})

describe('how many push nodes there may be', () => {
  test('an owner has at most so many on a domain: the next is wait/service-unavailable, counted', async () => {
    await using app = await startAppServer({ nodeLimits: { perOwner: 2 } })
    expect(await app.create(alice, 'n1')).toBe('result')
    expect(await app.create('alice@chat.test/tablet', 'n2')).toBe('result')
    expect(await app.create(alice, 'n3')).toBe('wait/service-unavailable')
    expect(await app.create(bob, 'n3')).toBe('result')
    expect(await app.create(alice, 'n3', shadowedHost)).toBe('result')
    expect(await hits(app, 'max_nodes_per_owner')).toBe(1)
  })

  test('the users of a host have at most so many, on all domains together: the next is wait/service-unavailable, counted', async () => {
    await using app = await startAppServer({ nodeLimits: { perHost: 2 } })
    expect(await app.create(alice, 'n1')).toBe('result')
    expect(await app.create(bob, 'n2', shadowedHost)).toBe('result')
    expect(await app.create('carol@chat.test/r', 'n3')).toBe('wait/service-unavailable')
    expect(await app.create(strangers, 'n3')).toBe('result')
    expect(await app.ask(alice, 'set', pubsubOwner("<delete node='n1'/>"))).toBe('result')
    expect(await app.create('carol@chat.test/r', 'n4')).toBe('result')
    expect(await hits(app, 'max_nodes_per_host')).toBe(1)
  })

  test('there are at most so many in all: the next is wait/service-unavailable, counted', async () => {
    await using app = await startAppServer({ nodeLimits: { inAll: 2 } })
    expect(await app.create(alice, 'n1')).toBe('result')
    expect(await app.create(strangers, 'n2')).toBe('result')
    expect(await app.create(bob, 'n3')).toBe('wait/service-unavailable')
    expect(await hits(app, 'max_nodes')).toBe(1)
  })

  test('at 90 % of a host’s or of all nodes the metrics show it, and one log line a minute names the host', async () => {
    await using app = await startAppServer({ nodeLimits: { perHost: 10, inAll: 11 } })
    const crowded = async () => {
      const { body } = await app.metrics.render(undefined)
      return Number(/nodes_crowded_hosts (\d+)/.exec(body)?.[1])
    }
    for (let i = 0; i < 8; i++) await app.create(alice, `n${i}`)
    expect(app.logged).toEqual([])
    expect(await crowded()).toBe(0)
    await app.create(alice, 'n8')
    await app.create(alice, 'n9')
    expect(app.logged).toMatchObject([
      { level: 40, host: 'chat.test', nodes: 9, limit: 10 },
      { level: 40, nodes: 10, limit: 11 },
    ])
    expect(await crowded()).toBe(1)
    for (const node of ['n8', 'n9']) await app.ask(alice, 'set', pubsubOwner(`<delete node='${node}'/>`))
    expect(await crowded()).toBe(0)
  })
})

describe('what one push node may hold', () => {
  test.each([
    ['ASCII', "'".repeat(255).replaceAll("'", '&apos;'), 'result'],
    ['ASCII', "'".repeat(256).replaceAll("'", '&apos;'), 'modify/not-acceptable'],
    ['two-byte characters', 'ü'.repeat(127), 'result'],
    ['two-byte characters', 'ü'.repeat(128), 'modify/not-acceptable'],
  ])('a name has at most 255 bytes of UTF-8, entities resolved: %s, %j → %s', async (_, node, expected) => {
    await using app = await startAppServer()
    expect(await app.create(alice, node)).toBe(expected)
    expect(await hits(app, 'node_name_bytes')).toBe(expected === 'result' ? 0 : 1)
  })

  test('an existing node with a longer name goes on working: published to, configured, listed, deleted', async () => {
    await using app = await startAppServer()
    const name = 'n'.repeat(1023)
    const record = nodeRecord('alice@chat.test', { configuration: { publish_model: 'open' } })
    await app.nodes.create(pubsubHost, name, record, noLimits)
    expect(app.publish({ to: pubsubHost, node: name })).toBe('push')
    const form = configForm({ publish_model: 'publishers' })
    const configure = pubsubOwner(`<configure node='${name}'>${form}</configure>`)
    expect(await app.ask(alice, 'set', configure)).toBe('result')
    const items = await app.query(alice, "<query xmlns='http://jabber.org/protocol/disco#items'/>")
    expect(items.elements('item').map((item) => item.attr('node'))).toEqual([name])
    expect(await app.ask(alice, 'set', pubsubOwner(`<delete node='${name}'/>`))).toBe('result')
  })

  test('a node has at most 20 affiliations: more is modify/not-acceptable, counted', async () => {
    await using app = await startAppServer()
    await app.create(alice, 'n1')
    for (let i = 0; i < 19; i++) {
      expect(await affiliate(app, 'n1', `user${i}@chat.test`, 'publisher')).toBe('result')
    }
    expect(await affiliate(app, 'n1', 'bob@chat.test', 'publisher')).toBe('modify/not-acceptable')
    expect(await affiliate(app, 'n1', 'user0@chat.test', 'publish-only')).toBe('result')
    expect(await hits(app, 'node_affiliations')).toBe(1)
  })

  test('an affiliated JID has at most 512 bytes: more is modify/not-acceptable, counted', async () => {
    await using app = await startAppServer()
    await app.create(alice, 'n1')
    const jid = (bytes: number) => `${'j'.repeat(bytes - '@chat.test'.length)}@chat.test`
    expect(await affiliate(app, 'n1', jid(512), 'publisher')).toBe('result')
    expect(await affiliate(app, 'n1', jid(513), 'publisher')).toBe('modify/not-acceptable')
    expect(await app.create(jid(513), 'n2')).toBe('modify/not-acceptable')
    expect(await hits(app, 'node_affiliation_bytes')).toBe(2)
  })

  test('a record has at most 16 KiB: a change that makes it larger is modify/not-acceptable, counted', async () => {
    await using app = await startAppServer()
    const options = { device_id: 'd'.repeat(16 * 1024 - 100) }
    const record = nodeRecord('alice@chat.test', { registration: { options, secret: 's' } })
    await app.nodes.create(pubsubHost, 'n1', record, noLimits)
    const long = `${'j'.repeat(100)}@chat.test`
    expect(await affiliate(app, 'n1', long, 'publisher')).toBe('modify/not-acceptable')
    expect(await affiliate(app, 'n1', 'b@c', 'publisher')).toBe('result')
    expect(await hits(app, 'node_record_bytes')).toBe(1)
  })

  test('an existing node with more than that can be changed as long as it does not grow', async () => {
    await using app = await startAppServer()
    const guests = Array.from({ length: 99 }, (_, i) => [`guest${i}@chat.test`, 'publisher'] as const)
    const owner = [['alice@chat.test', 'owner']] as const
    const affiliations = Object.fromEntries([...owner, ...guests])
    await app.nodes.create(pubsubHost, 'n1', nodeRecord('alice@chat.test', { affiliations }), noLimits)
    expect(await affiliate(app, 'n1', 'guest0@chat.test', 'outcast')).toBe('result')
    expect(await affiliate(app, 'n1', 'guest1@chat.test', 'none')).toBe('result')
    expect(await affiliate(app, 'n1', 'one@chat.test', 'publisher')).toBe('modify/not-acceptable')
  })

  test('an error answer repeats no more than 64 characters of what the request names', async () => {
    await using app = await startAppServer()
    const form = configForm({ ["'".repeat(8000).replaceAll("'", '&apos;')]: 'red' })
    const create = pubsub(`<create node='n1'/><configure>${form}</configure>`)
    const xml = `<iq from='${alice}' to='${pubsubHost}' id='1' type='set'>${create}</iq>`
    expect(errorText(await app.answer(xml))).toMatch(/^pubsub#'{57}: unknown$/)
  })
})

describe('a hand-over of a push node', () => {
  async function withNodes(): Promise<AppServerAtWork> {
    const app = await startAppServer({ nodeLimits: { perOwner: 4 }, nodeOwners: ['chat.test', 'other.test'] })
    for (const node of ['a1', 'a2']) await app.create(alice, node)
    return app
  }

  test('leaves the new owner half of the room for own nodes, else it is wait/service-unavailable and nothing has changed', async () => {
    await using app = await withNodes()
    for (const node of ['b1', 'b2']) await app.create(bob, node)
    expect(await affiliate(app, 'a1', 'bob@chat.test', 'owner')).toBe('wait/service-unavailable')
    expect(app.nodes.get(pubsubHost, 'a1')?.affiliations).toEqual({ 'alice@chat.test': 'owner' })
    expect(await app.ask(bob, 'set', pubsubOwner("<delete node='b1'/>"))).toBe('result')
    expect(await affiliate(app, 'a1', 'bob@chat.test', 'owner')).toBe('result')
    for (const node of ['b3', 'b4']) expect(await app.create(bob, node)).toBe('result')
    expect(await app.create(bob, 'b5')).toBe('wait/service-unavailable')
    expect(await hits(app, 'max_nodes_per_owner')).toBe(2)
  })

  test('needs room among the nodes of the new owner’s host', async () => {
    await using app = await startAppServer({ nodeLimits: { perHost: 1 } })
    await app.create(alice, 'a1')
    await app.create('carol@other.test/r', 'c1')
    expect(await affiliate(app, 'a1', 'dave@other.test', 'owner')).toBe('wait/service-unavailable')
    expect(await affiliate(app, 'a1', 'bob@chat.test', 'owner')).toBe('result')
  })

  test('to somebody of a host that may own no nodes is wait/service-unavailable', async () => {
    await using app = await withNodes()
    expect(await affiliate(app, 'a1', 'mallory@elsewhere.test', 'owner')).toBe('wait/service-unavailable')
    expect(await affiliate(app, 'a1', 'carol@other.test', 'owner')).toBe('result')
    expect(await hits(app, 'node_owners')).toBe(1)
  })

  test('gives the giver room again, once the node is no longer the giver’s', async () => {
    await using app = await withNodes()
    for (const node of ['a3', 'a4']) await app.create(alice, node)
    await affiliate(app, 'a1', 'bob@chat.test', 'owner')
    expect(await app.create(alice, 'a5')).toBe('wait/service-unavailable')
    expect(await affiliate(app, 'a1', 'alice@chat.test', 'none')).toBe('result')
    expect(await app.create(alice, 'a5')).toBe('result')
  })

  test('naming somebody in any other way takes no room of theirs, and is allowed whoever it is', async () => {
    await using app = await withNodes()
    for (const affiliation of ['publisher', 'publish-only', 'outcast']) {
      for (const node of ['a1', 'a2']) {
        expect(await affiliate(app, node, 'bob@chat.test', affiliation)).toBe('result')
        expect(await affiliate(app, node, 'mallory@elsewhere.test', affiliation)).toBe('result')
      }
    }
    for (const node of ['b1', 'b2']) expect(await app.create(bob, node)).toBe('result')
  })
})
