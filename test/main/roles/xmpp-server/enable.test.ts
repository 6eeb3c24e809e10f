import { expect, test } from 'vitest'
import { publish } from '../app-server/app-server-at-work.ts'
import {
  carol,
  component,
  enable,
  optionsForm,
  phoneOptions,
  startXmppServer,
} from './xmpp-server-at-work.ts'

const pushNs = 'urn:xmpp:push:0'
const form = optionsForm(phoneOptions)

test('an enabled subscription is stored with its options in their order, its session and where it was enabled', async () => {
  await using work = await startXmppServer()
  expect(await work.ask(carol, enable('Push.Example.ORG/x', 'n 1', phoneOptions))).toBe('result')
  expect(work.subscriptions.of('carol@chat.test')).toEqual([
    {
      user: 'carol@chat.test',
      jid: 'push.example.org',
      node: 'n 1',
      options: Object.entries(phoneOptions),
      session: carol,
      domain: component,
      enabledAtMs: work.clock.nowMs,
      usedAtMs: work.clock.nowMs,
    },
  ])
})

test('white space around FORM_TYPE and known options is taken off, and a form without a type is a submit', async () => {
  await using work = await startXmppServer()
  const spaced = enable(component, 'n', { ...phoneOptions, other: 'x' })
    .replaceAll('<value>', '<value>\n  ')
    .replaceAll('</value>', '\n</value>')
    .replace("type='submit'", '')
  expect(await work.ask(carol, spaced)).toBe('result')
  expect(work.subscriptions.of('carol@chat.test')[0]?.options).toEqual([
    ...Object.entries(phoneOptions),
    ['other', '\n  x\n'],
  ])
})

test('the last enable of a node wins', async () => {
  await using work = await startXmppServer()
  await work.enable(carol, component, 'n', { device_id: 'old' })
  work.clock.nowMs++
  await work.enable('carol@chat.test/r2', component, 'n')
  expect(work.subscriptions.of('carol@chat.test')).toMatchObject([
    { session: 'carol@chat.test/r2', options: [] },
  ])
})

test('disable takes one node, or all of its App Server, and of the sender alone', async () => {
  await using work = await startXmppServer()
  for (const node of ['a', 'b', 'c']) await work.enable(carol, 'one.test', node)
  await work.enable(carol, 'two.test', 'a')
  await work.enable('dave@chat.test/x', 'one.test', 'a')
  expect(await work.ask(carol, `<disable xmlns='${pushNs}' jid='one.test' node='b'/>`)).toBe('result')
  expect(work.stored('carol@chat.test').map(({ node }) => node)).not.toContain('b')
  expect(await work.ask(carol, `<disable xmlns='${pushNs}' jid='one.test'/>`)).toBe('result')
  expect(work.stored('carol@chat.test')).toEqual([{ jid: 'two.test', node: 'a' }])
  expect(work.stored('dave@chat.test')).toHaveLength(1)
  expect(await work.ask(carol, `<disable xmlns='${pushNs}' jid='one.test'/>`)).toBe('result')
})

test.each([
  ['no jid', `<enable xmlns='${pushNs}' node='n'/>`],
  ['a jid without a domain', `<enable xmlns='${pushNs}' jid='user@' node='n'/>`],
  ['an empty jid', `<disable xmlns='${pushNs}' jid=''/>`],
  ['enable without a node', `<enable xmlns='${pushNs}' jid='p.test'/>`],
  ['enable with an empty node', `<enable xmlns='${pushNs}' jid='p.test' node=''/>`],
  ['disable with an empty node', `<disable xmlns='${pushNs}' jid='p.test' node=''/>`],
  ...['form', 'result', 'cancel'].map((type) => [
    `a form of type ${type}`,
    `<enable xmlns='${pushNs}' jid='p.test' node='n'>${form.replace('submit', type)}</enable>`,
  ]),
  [
    'a form without a namespace of its own',
    `<enable xmlns='${pushNs}' jid='p.test' node='n'>${form.replace("xmlns='jabber:x:data'", '')}</enable>`,
  ],
  [
    'a form of no namespace',
    `<enable xmlns='${pushNs}' jid='p.test' node='n'>${form.replace('jabber:x:data', '')}</enable>`,
  ],
  ['a template for a node', enable('p.test', '###NODE###', phoneOptions)],
  ['a template for an option', enable('p.test', 'n', { ...phoneOptions, device_id: '\n###DEVICE_TOKEN###' })],
  [
    'another FORM_TYPE',
    `<enable xmlns='${pushNs}' jid='p.test' node='n'>${form.replace('#publish-options', '#node_config')}</enable>`,
  ],
  [
    'no FORM_TYPE',
    `<enable xmlns='${pushNs}' jid='p.test' node='n'><x xmlns='jabber:x:data' type='submit'/></enable>`,
  ],
  ['two forms', `<enable xmlns='${pushNs}' jid='p.test' node='n'>${form}${form}</enable>`],
  [
    'a field with two values',
    `<enable xmlns='${pushNs}' jid='p.test' node='n'>${form.replace('<value>apns</value>', '<value>apns</value><value>fcm</value>')}</enable>`,
  ],
  [
    'a field given twice',
    `<enable xmlns='${pushNs}' jid='p.test' node='n'>${form.replace('</x>', "<field var='service'><value>fcm</value></field></x>")}</enable>`,
  ],
  [
    'a field without a value',
    `<enable xmlns='${pushNs}' jid='p.test' node='n'>${form.replace('<value>apns</value>', '')}</enable>`,
  ],
])('%s is a bad request, and changes nothing', async (_, payload) => {
  await using work = await startXmppServer()
  await work.enable(carol, 'p.test', 'before')
  expect(await work.ask(carol, payload)).toBe('modify/bad-request')
  expect(work.stored('carol@chat.test')).toEqual([{ jid: 'p.test', node: 'before' }])
})

test('a get is not allowed', async () => {
  await using work = await startXmppServer()
  expect(await work.ask(carol, enable(component, 'n'), 'get')).toBe('cancel/not-allowed')
})

test.each(['n'.repeat(1024), 'ż'.repeat(512)])(
  'a node longer than 1023 bytes is not acceptable',
  async (node) => {
    await using work = await startXmppServer()
    expect(await work.ask(carol, enable(component, node))).toBe('modify/not-acceptable')
  },
)

test.each([
  { secret: 's'.repeat(16_379) },
  { ['s'.repeat(16_379)]: 'secret' },
  { secret: "'".repeat(2_800).replaceAll("'", '&apos;') },
  Object.fromEntries(Array.from({ length: 410 }, (_, i) => [`o${i}`, ''])),
])('options that a publish would repeat in more than 16 KiB are not acceptable', async (options) => {
  await using work = await startXmppServer()
  expect(await work.ask(carol, enable(component, 'n', options))).toBe('modify/not-acceptable')
})

test.each(['mallory@elsewhere.test/x', 'chat.test', 'elsewhere.test', 'alice@sub.chat.test/x'])(
  '%s, no user of a served host, is refused',
  async (from) => {
    await using work = await startXmppServer()
    expect(await work.ask(from, enable(component, 'n'))).toBe('auth/forbidden')
    expect(work.subscriptions.count()).toBe(0)
  },
)

test.each<[string, string, Record<string, string>]>([
  ['device_id', 'prod', phoneOptions],
  ['device, the older name', 'prod', { service: 'apns', device: 'tok123' }],
  ['device_id and mode', 'dev', { ...phoneOptions, mode: 'dev' }],
])('enabling forgets that the device was dead, named by %s', async (_, mode, options) => {
  await using work = await startXmppServer()
  const device = { service: 'apns', mode, id: 'tok123' }
  await work.deadDevices.add(device, component, 'n', 'provider')
  expect(work.deadDevices.isDead(device, 'd', 'n')).toBe(true)
  await work.enable(carol, component, 'n', options)
  expect(work.deadDevices.isDead(device, 'd', 'n')).toBe(false)
})

test('past the limit of a user the longest unused goes, and is counted', async () => {
  await using work = await startXmppServer({ maxSubscriptionsPerUser: 2 })
  for (const node of ['a', 'b']) {
    work.clock.nowMs++
    await work.enable(carol, 'p.test', node)
  }
  const [first] = work.subscriptions.of('carol@chat.test')
  if (first === undefined) throw new Error('nothing stored')
  work.clock.nowMs += 2 * 86_400_000
  await work.subscriptions.used(first, work.clock.nowMs)
  await work.enable(carol, 'p.test', 'c')
  expect(work.stored('carol@chat.test').map(({ node }) => node)).toEqual(['a', 'c'])
  expect(await work.count('limits_hit_total', 'limit="max_subscriptions_per_user"')).toBe(1)
})

test('a request with something beside it is left to the App Server, which refuses it', async () => {
  await using work = await startXmppServer()
  const iq = `<iq from='${carol}' to='${component}' id='q' type='set'>${enable('p.test', 'n')}<x xmlns='y'/></iq>`
  expect(work.verdict(iq)).toBeUndefined()
})

test('a request with an empty from is left to the App Server, which drops it', async () => {
  await using work = await startXmppServer()
  for (const payload of [enable('p.test', 'n'), '<delegation xmlns="urn:xmpp:delegation:2"/>']) {
    expect(work.verdict(`<iq from='' to='${component}' id='q' type='set'>${payload}</iq>`)).toBeUndefined()
  }
})

test('a message right behind an enable finds it, before it is on disk', async () => {
  await using work = await startXmppServer()
  const verdict = work.verdict(
    `<iq from='${carol}' to='${component}' id='q' type='set'>${enable('p.test', 'n')}</iq>`,
  )
  expect(verdict?.kind).toBe('later')
  expect(await work.event()).toBe(1)
})

test('publishes, node requests and questions are left to the App Server', async () => {
  await using work = await startXmppServer()
  expect(work.verdict(publish())).toBeUndefined()
  for (const payload of [
    "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    "<ping xmlns='urn:xmpp:ping'/>",
    "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><delete node='n'/></pubsub>",
  ]) {
    expect(
      work.verdict(`<iq from='${carol}' to='${component}' id='q' type='get'>${payload}</iq>`),
    ).toBeUndefined()
  }
  expect(work.verdict(`<presence from='${carol}' to='${component}'/>`)).toBeUndefined()
  expect(work.verdict(`<message from='${carol}' to='${component}'><body>hi</body></message>`)).toBeUndefined()
})

test('an answer to a request that names nobody comes from the domain of the stream', async () => {
  await using work = await startXmppServer()
  const iq = `<iq from='${carol}' id='q' type='set'>${enable('p.test', 'n')}</iq>`
  expect((await work.answer(iq)).attr('from')).toBe(component)
})
