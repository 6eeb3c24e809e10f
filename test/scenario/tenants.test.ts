import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import {
  createNode,
  delegated,
  deviceOfA,
  enable,
  gone,
  iqSet,
  ownerChange,
  publish,
  TwoServers,
  told,
  toldOffline,
} from './two-servers.ts'

const ours = 'push.b.example'
const theirs = 'push.a.example'
const carol = 'carol@a.example'

let two: TwoServers
beforeAll(async () => {
  two = await TwoServers.start()
  await two.furnish()
}, 60_000)
afterAll(() => two[Symbol.asyncDispose]())

const change = {
  'deletes a node': ownerChange("<delete node='n1'/>"),
  'makes a node': createNode('forged'),
  'takes over a node': ownerChange(
    `<affiliations node='n1'><affiliation jid='bob@b.example' affiliation='owner'/><affiliation jid='${carol}' affiliation='none'/></affiliations>`,
  ),
  'configures a node': ownerChange(
    "<configure node='n1'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#node_config</value></field><field var='pubsub#publish_model'><value>open</value></field></x></configure>",
  ),
  'enables push': enable('appserver.b.example', 'f1', 'device-of-b'),
  'disables push': "<disable xmlns='urn:xmpp:push:0' jid='virtual.a.example'/>",
}

describe('a stream speaks for its own server', () => {
  const ways: [name: string, xml: string][] = []
  for (const to of [ours, theirs]) {
    for (const [name, payload] of Object.entries(change)) {
      for (const from of [carol, `${carol}/x`, 'dave@far.example']) {
        // Over its own domain somebody of no server here may do what they like: it is b's.
        if (to === ours && from.startsWith('dave')) continue
        ways.push([`a forged ${from} ${name} at ${to}`, iqSet(from, to, payload)])
      }
    }
    for (const from of ['a.example', theirs, carol, 'rooms.a.example', 'A.EXAMPLE']) {
      ways.push([`a forged ${from} publishes at ${to}`, publish(from, to, 'n1', deviceOfA)])
    }
    for (const name of ['message', 'presence', 'iq']) {
      for (const from of [carol, 'dave@far.example']) {
        ways.push([`a forged ${name} with <gone/> from ${from} comes to ${to}`, gone(name, from, to)])
      }
    }
    for (const from of ['a.example', 'b.example', ours]) {
      const request = delegated(`${carol}/x`, change['enables push'])
      ways.push([`a delegation of ${from} enables push for ${carol} at ${to}`, iqSet(from, to, request)])
      ways.push([`${from} tells ${to} of a message to ${carol}`, told(from, to, carol)])
    }
    ways.push([`a forged ${carol} tells ${to} of a message offline`, toldOffline(carol, to, carol)])
  }
  ways.push([
    'a stranger publishes at a’s virtual host',
    publish('far.example', 'virtual.a.example', 'v1', deviceOfA),
  ])

  test.each(ways)('over the stream of b.example, %s: nothing of a’s has changed', async (_name, xml) => {
    const before = await two.stateOfA()
    await two.overB(xml)
    expect(await two.stateOfA()).toEqual(before)
    expect(two.b.closed).toEqual([])
  })

  test('the same over the streams of a.example does what it says: the state that is compared would show it', async () => {
    await using fresh = await TwoServers.start()
    await fresh.furnish()
    const changes = [
      publish('a.example', theirs, 'n1', deviceOfA),
      told('a.example', theirs, carol),
      iqSet(`${carol}/x`, theirs, change['configures a node']),
      iqSet('a.example', theirs, delegated(`${carol}/x`, change['enables push'])),
      iqSet(`${carol}/x`, theirs, change['deletes a node']),
      iqSet(`${carol}/x`, theirs, createNode('n1')),
      gone('message', 'dave@far.example', theirs),
      gone('message', carol, theirs),
    ]
    for (const xml of changes) {
      const before = await fresh.stateOfA()
      fresh.a.send(theirs, xml)
      await until(xml, async () => JSON.stringify(await fresh.stateOfA()) !== JSON.stringify(before))
    }
  })

  test('b’s own users and those of no server here go on being served over it', async () => {
    for (const from of ['bob@b.example/x', 'dave@far.example/x']) {
      const node = from.startsWith('bob') ? 'of-bob' : 'of-dave'
      const created = await two.ask(two.b, ours, from, 'set', createNode(node))
      expect(created.attr('type')).toBe('result')
      const affiliations = `<affiliations node='${node}'><affiliation jid='b.example' affiliation='publish-only'/></affiliations>`
      await two.ask(two.b, ours, from, 'set', ownerChange(affiliations))
      const answer = await two.b.request(ours, publish('b.example', ours, node, `device-${node}`))
      expect(answer.attr('type')).toBe('result')
    }
    expect(two.gateway.requests.map(({ deviceId }) => deviceId)).toEqual(
      expect.arrayContaining(['device-of-bob', 'device-of-dave']),
    )
  })

  test('a request to a component of another server is met with silence, and the stream stays', async () => {
    two.b.received.length = 0
    await two.overB(iqSet('bob@b.example/x', theirs, createNode('n9')))
    expect(two.b.received.filter(({ xml }) => xml.includes("id='forged'"))).toEqual([])
    expect(two.b.closed).toEqual([])
  })

  test('one to another component of its own server, which shares its routes, is item-not-found from there, and the stream stays', async () => {
    two.b.received.length = 0
    await two.overB(iqSet('bob@b.example/x', 'rooms.b.example', createNode('n9')))
    const [answer] = two.b.received.filter(({ xml }) => xml.includes("id='forged'"))
    expect(answer?.xml).toMatch(
      /^<iq type='error' id='forged' from='rooms.b.example' to='bob@b.example\/x'><error type='cancel'><item-not-found /,
    )
    expect(two.b.closed).toEqual([])
  })

  test('hosts that are changed hold from a SIGHUP on', async () => {
    await using fresh = await TwoServers.start()
    const { daemon, config, b } = fresh
    const node = createNode('of-dave')
    expect((await fresh.ask(b, ours, 'dave@far.example/x', 'set', node)).attr('type')).toBe('result')
    const component = (config.component as { hosts: string[] }[]).map((table) =>
      table.hosts.includes('a.example') ? { ...table, hosts: ['a.example', 'far.example'] } : table,
    )
    const [data_dir, http] = [`${daemon.dir}/data`, { listen: new URL(daemon.url).host }]
    daemon.configure({ ...config, data_dir, http, component })
    daemon.signal('SIGHUP')
    await until('it is reread', () => daemon.log.some(({ msg }) => msg === 'configuration reread'))
    await fresh.overB(iqSet('dave@far.example', ours, ownerChange("<delete node='of-dave'/>")))
    expect(await daemon.metric('nodes')).toBe(1)
    expect(await daemon.metric('stanzas_dropped_total', { domain: ours, why: 'foreign-from' })).toBe(1)
  })

  test('what was dropped is counted, and told of by two lines that name the cure and no user', async () => {
    expect(
      await two.daemon.metric('stanzas_dropped_total', { domain: ours, why: 'foreign-from' }),
    ).toBeGreaterThan(20)
    expect(
      await two.daemon.metric('stanzas_dropped_total', { domain: ours, why: 'foreign-to' }),
    ).toBeGreaterThan(5)
    const lines = two.daemon.complaints.filter(({ domain }) => domain === ours)
    expect(new Set(lines.map(({ msg }) => msg)).size).toBe(2)
    expect(JSON.stringify(lines)).toContain('global_routes: false')
    expect(JSON.stringify(lines)).not.toContain('carol')
  })
})
