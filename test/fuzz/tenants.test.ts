import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  createNode,
  delegated,
  enable,
  gone,
  iqSet,
  ownerChange,
  publish,
  TwoServers,
  told,
  toldOffline,
} from '../scenario/two-servers.ts'
import { runs } from './stream-documents.ts'

/** Each is up to forty stanzas over sockets, and fifteen requests that look at what there is. */
const sequenceRuns = Math.ceil(runs / 100)

const users = ['carol@a.example', 'dave@far.example', 'bob@b.example']
/** What means something most of the time, and else what only looks like it. */
const address = mostly(
  [...users, 'carol@a.example/x', 'dave@far.example/x', 'a.example', 'b.example'],
  ['bob@b.example/x', 'A.example', 'a.example.', 'far.example', 'rooms.a.example', 'n@rooms.a.example/x'],
  [
    'push.a.example',
    'virtual.a.example',
    'push.b.example',
    'x@y@a.example',
    'carol@a.example@b.example',
    '@',
    '',
  ],
)
const addressee = mostly(
  ['push.b.example', 'push.b.example', 'virtual.b.example', 'push.a.example', 'virtual.a.example'],
  [
    'n1@push.a.example/x',
    'PUSH.a.example',
    'push.a.example.',
    'a.example',
    'far.example',
    'push.b.example@x',
    '',
  ],
)
const node = fc.constantFrom('n1', 'n2', 'v1', 'r1', 'n3')
const user = fc.constantFrom(...users)
const affiliations = fc.record({
  jid: fc.constantFrom(...users, 'b.example'),
  affiliation: fc.constantFrom('owner', 'publisher', 'publish-only', 'outcast', 'none'),
})
const appServer = fc.constantFrom(
  'push.a.example',
  'virtual.a.example',
  'virtual.b.example',
  'appserver.far.example',
)
const push = fc.oneof(
  fc.tuple(appServer, node).map(([jid, name]) => enable(jid, name, 'device-of-b')),
  appServer.map((jid) => `<disable xmlns='urn:xmpp:push:0' jid='${jid}'/>`),
)
const payload = fc.oneof(
  node.map(createNode),
  fc
    .constantFrom('delete', 'purge')
    .chain((name) => node.map((of) => ownerChange(`<${name} node='${of}'/>`))),
  fc
    .tuple(node, fc.array(affiliations, { minLength: 1, maxLength: 3 }))
    .map(([of, all]) =>
      ownerChange(
        `<affiliations node='${of}'>${all.map(({ jid, affiliation }) => `<affiliation jid='${jid}' affiliation='${affiliation}'/>`).join('')}</affiliations>`,
      ),
    ),
  node.map((of) =>
    ownerChange(
      `<configure node='${of}'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#node_config</value></field><field var='pubsub#publish_model'><value>open</value></field></x></configure>`,
    ),
  ),
  push,
  fc.tuple(user, push).map(([of, request]) => delegated(`${of}/x`, request)),
)
const answer = fc
  .tuple(fc.constantFrom('result', 'error'), fc.nat({ max: 20 }), address, addressee)
  .map(([type, n, from, to]) => `<iq type='${type}' id='xmpp-pushd-publish-${n}' from='${from}' to='${to}'/>`)
const stanza = fc.oneof(
  fc.tuple(address, addressee, payload).map(([from, to, what]) => iqSet(from, to, what)),
  fc.tuple(address, addressee, node).map(([from, to, of]) => publish(from, to, of, 'device-of-b')),
  fc.tuple(address, addressee, user).map(([from, to, of]) => told(from, to, of)),
  fc.tuple(address, addressee, user).map(([from, to, of]) => toldOffline(from, to, of)),
  fc.tuple(fc.constantFrom('message', 'presence', 'iq'), address, addressee).map((given) => gone(...given)),
  answer,
)
const sequence = fc.array(stanza, { minLength: 1, maxLength: 40, size: 'max' })
const over = fc.constantFrom('push.b.example', 'virtual.b.example')

test('tenants: whatever comes over the streams of one server, from anywhere and to anywhere, leaves the nodes, subscriptions, affiliations and pushes of another one as they were', async () => {
  await using two = await TwoServers.start()
  await two.furnish()
  const before = await two.stateOfA()
  await fc.assert(
    fc.asyncProperty(sequence, over, async (stanzas, domain) => {
      await two.overB(stanzas.join(''), domain)
      expect(await two.stateOfA()).toEqual(before)
    }),
    { numRuns: sequenceRuns },
  )
})

function mostly(usual: readonly string[], ...odd: readonly (readonly string[])[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...odd.flat()) },
  )
}
