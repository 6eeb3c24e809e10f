import { expect, test } from 'vitest'
import {
  alice,
  bob,
  configForm,
  nowMs,
  phone,
  pubsub,
  pubsubHost,
  shadowedHost,
  startAppServer,
} from './app-server-at-work.ts'

const defaults = {
  access_model: 'whitelist',
  publish_model: 'open',
  persist_items: 'false',
  max_items: '1',
  deliver_payloads: 'true',
  deliver_notifications: 'true',
  notification_type: 'headline',
  send_last_published_item: 'on_sub_and_presence',
  purge_offline: 'false',
  notify_config: 'false',
  notify_delete: 'false',
  notify_retract: 'false',
}

test('a created node belongs to the bare JID of its creator and has the defaults', async () => {
  await using app = await startAppServer()
  expect(await app.create(alice, 'n1')).toBe('result')
  expect(app.nodes.get(pubsubHost, 'n1')).toEqual({
    owner: 'alice@chat.test',
    configuration: defaults,
    affiliations: { 'alice@chat.test': 'owner' },
    registration: undefined,
    createdAtMs: nowMs,
    usedAtMs: nowMs,
  })
})

test('the result of a create names the node', async () => {
  await using app = await startAppServer()
  const create = pubsub("<create node='a&amp;b' type='push'/>")
  expect(
    await app.answerText(`<iq from='${alice}' to='${pubsubHost}' id='1' type='set'>${create}</iq>`),
  ).toBe(
    `<iq type='result' id='1' from='${pubsubHost}' to='${alice}'><pubsub xmlns='http://jabber.org/protocol/pubsub'>` +
      "<create node='a&amp;b'/></pubsub></iq>",
  )
  expect(app.nodes.get(pubsubHost, 'a&b')).toBeDefined()
})

test.each([
  ["<create node='n1' type='push'/>", 'result'],
  ["<create node='n1'/>", 'result'],
  ["<create node='n1' type='leaf'/>", 'cancel/feature-not-implemented'],
  ["<create node='n1' type='collection'/>", 'cancel/feature-not-implemented'],
  ["<create node='n1' type=''/>", 'cancel/feature-not-implemented'],
  ["<create type='push'/>", 'modify/not-acceptable nodeid-required'],
  ["<create node='' type='push'/>", 'modify/not-acceptable nodeid-required'],
  ['<create/><configure/>', 'modify/not-acceptable nodeid-required'],
])('%s is answered with %s', async (create, answer) => {
  await using app = await startAppServer()
  expect(await app.ask(alice, 'set', pubsub(create))).toBe(answer)
  expect(app.nodes.count()).toBe(answer === 'result' ? 1 : 0)
})

test('an existing node is a conflict, for its owner too', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  expect(await app.create(bob, 'n1')).toBe('cancel/conflict')
  expect(await app.create(alice, 'n1')).toBe('cancel/conflict')
  expect(app.nodes.get(pubsubHost, 'n1')?.owner).toBe('alice@chat.test')
})

test('of two creates of one node that arrive together one wins', async () => {
  await using app = await startAppServer()
  const answers = await Promise.all([app.create(alice, 'n1'), app.create(bob, 'n1')])
  expect(answers).toEqual(['result', 'cancel/conflict'])
})

test('the same name on another domain is another node', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  expect(await app.create(bob, 'n1', shadowedHost)).toBe('result')
})

test('a node can be configured while it is made', async () => {
  await using app = await startAppServer()
  expect(await app.create(alice, 'n1', pubsubHost, { publish_model: 'publishers', persist_items: '1' })).toBe(
    'result',
  )
  const record = app.nodes.get(pubsubHost, 'n1')
  expect(record?.configuration).toEqual({ ...defaults, publish_model: 'publishers', persist_items: 'true' })
})

test.each([
  ['an unknown value', configForm({ access_model: 'everybody' }), 'modify/not-acceptable'],
  ['an unknown field', configForm({ colour: 'red' }), 'modify/not-acceptable'],
  ['a field of every object', configForm({ constructor: 'red' }), 'modify/not-acceptable'],
  ['another form', configForm({}).replace('node_config', 'publish-options'), 'modify/bad-request'],
  ['a form that is no submit', configForm({}, 'form'), 'modify/bad-request'],
])('a create with %s in its configuration makes no node', async (_, form, answer) => {
  await using app = await startAppServer()
  const create = pubsub(`<create node='n1'/><configure>${form}</configure>`)
  expect(await app.ask(alice, 'set', create)).toBe(answer)
  expect(app.nodes.count()).toBe(0)
})

test('a node that is made anew forgets the dead devices that were met there', async () => {
  await using app = await startAppServer()
  await app.deadDevices.add(phone, pubsubHost, 'n1', 'provider')
  await app.deadDevices.add({ ...phone, id: 'tok-2' }, pubsubHost, 'n2', 'provider')
  await app.create(alice, 'n1')
  expect(app.deadDevices.isDead(phone, 'd', 'n')).toBe(false)
  expect(app.deadDevices.count()).toBe(1)
})
