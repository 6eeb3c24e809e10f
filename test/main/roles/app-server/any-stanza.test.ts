import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Element } from '../../../../src/core/xml/element.ts'
import { PublishInput } from '../../../../src/main/roles/app-server/publish-input.ts'
import { parseStanza, pubsubHost, startAppServer, virtualHost } from './app-server-at-work.ts'

/** Trees that are nearly requests: names, namespaces and values that mean something, in any arrangement. */
const names = fc.constantFrom(
  ...[
    'pubsub',
    'publish',
    'item',
    'notification',
    'x',
    'field',
    'value',
    'publish-options',
    'create',
    'configure',
  ],
  ...[
    'affiliations',
    'affiliation',
    'delete',
    'purge',
    'default',
    'query',
    'ping',
    'error',
    'gone',
    'items',
    'retract',
  ],
)
const namespaces = fc.constantFrom(
  'http://jabber.org/protocol/pubsub',
  'http://jabber.org/protocol/pubsub#owner',
  'urn:xmpp:push:0',
  'jabber:x:data',
  'urn:xmpp:ping',
  'jabber:component:accept',
  'http://jabber.org/protocol/disco#items',
)
const text = fc.oneof(
  fc.string(),
  fc.constantFrom(
    'urn:xmpp:push:summary',
    'http://jabber.org/protocol/pubsub#publish-options',
    '1',
    'true',
    'apns',
  ),
)
const attributes = fc.array(
  fc.tuple(
    fc.constantFrom('node', 'type', 'var', 'jid', 'affiliation', '__proto__'),
    fc.oneof(
      fc.string(),
      fc.constantFrom(
        'n1',
        'push',
        'submit',
        'FORM_TYPE',
        'service',
        'device_id',
        'message-count',
        'bob@chat.test',
      ),
    ),
  ),
  { maxLength: 3 },
)
const { tree } = fc.letrec<{ tree: Element }>((tie) => ({
  tree: fc
    .tuple(
      names,
      namespaces,
      attributes,
      fc.array(fc.oneof({ depthSize: 'medium' }, text, tie('tree')), { maxLength: 4 }),
    )
    .map(
      ([name, ns, attrs, children]) =>
        new Element(
          name,
          ns,
          attrs.flat(),
          children.filter((child) => child !== ''),
        ),
    ),
}))
const address = fc.oneof(
  fc.constantFrom('bob@chat.test/r', 'chat.test', '@', 'a@b@c'),
  fc.string({ minLength: 1 }),
)
const request = fc.record({
  id: fc.string({ unit: 'grapheme' }),
  from: address,
  to: fc.oneof(
    fc.constantFrom(pubsubHost, virtualHost, `x@${pubsubHost}/r`),
    fc.string().map((resource) => `${pubsubHost}/r${resource}`),
  ),
  type: fc.constantFrom('get', 'set', 'set', 'ask'),
  children: fc.array(tree, { minLength: 1, maxLength: 2 }),
})

test('every IQ get or set gets exactly one answer, to its sender and with its id, or becomes a push', async () => {
  await using app = await startAppServer()
  await fc.assert(
    fc.asyncProperty(request, async ({ id, from, to, type, children }) => {
      const iq = new Element(
        'iq',
        'jabber:component:accept',
        ['id', id, 'from', from, 'to', to, 'type', type],
        children,
      )
      const verdict = app.server.handle(pubsubHost, iq)
      expect(verdict.kind).not.toBe('drop')
      if (verdict.kind !== 'answer' && verdict.kind !== 'later') return
      const answer = parseStanza(await verdict.stanza)
      expect(['result', 'error']).toContain(answer.attr('type'))
      // What XML cannot hold (it cannot have come in either) is replaced; line ends and tabs become spaces.
      if (/^[ -~]*$/.test(id + from)) expect([answer.attr('id'), answer.attr('to')]).toEqual([id, from])
    }),
    { numRuns: 1500 },
  )
})

test('messages, presences, IQ responses and whatever else are dropped without a word', async () => {
  await using app = await startAppServer()
  fc.assert(
    fc.property(
      fc.constantFrom('message', 'presence', 'iq', 'enable'),
      fc.constantFrom('result', 'error'),
      address,
      fc.array(tree, { maxLength: 3 }),
      (name, type, from, children) => {
        const stanza = new Element(name, 'jabber:component:accept', ['from', from, 'type', type], children)
        expect(app.server.handle(pubsubHost, stanza).kind).toBe('drop')
      },
    ),
  )
})

test('a store at fault costs nobody a registration: what needs it is answered with a wait', async () => {
  await using app = await startAppServer()
  const notification = { ...app.notification(), domain: pubsubHost }
  await app[Symbol.asyncDispose]()
  expect(await app.create('alice@chat.test/r', 'n2')).toBe('wait/internal-server-error')
  expect(app.publish({ to: pubsubHost, node: 'unknown' })).toBe('wait/internal-server-error')
  expect(app.result({ to: pubsubHost, node: 'unknown' })).toBe('failed')
  const input = new PublishInput(pubsubHost, undefined)
  input.node = 'unknown'
  expect(app.server.checkPublish(input)).toMatchObject({
    check: 'failed',
    error: { type: 'wait', condition: 'internal-server-error' },
  })
  expect(await app.server.accountGone('alice@chat.test', pubsubHost)).toBe(0)
  expect(await app.server.deviceDied(notification, 'dead_device')).toEqual([])
  await app.server.forgetRegistration(notification, 'dead_device')
})
