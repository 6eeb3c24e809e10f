import { expect, test } from 'vitest'
import type { Element } from '../../../../src/core/xml/element.ts'
import { alice, bob, configForm, pubsubHost, pubsubOwner, startAppServer } from './app-server-at-work.ts'

const form = 'jabber:x:data'

/** The form's fields by var. */
function valuesOf(pubsub: Element): Record<string, string | undefined> {
  const x = pubsub.firstChild()?.child('x', form)
  const fields = x?.elements('field', form) ?? []
  return Object.fromEntries(fields.map((field) => [field.attr('var'), field.child('value', form)?.text()]))
}

test('the default configuration is a form with every field at its default', async () => {
  await using app = await startAppServer()
  const pubsub = await app.query(alice, pubsubOwner('<default/>'))
  expect(pubsub.firstChild()?.name).toBe('default')
  expect(pubsub.firstChild()?.child('x', form)?.attr('type')).toBe('form')
  expect(valuesOf(pubsub)).toEqual({
    FORM_TYPE: 'http://jabber.org/protocol/pubsub#node_config',
    'pubsub#access_model': 'whitelist',
    'pubsub#publish_model': 'open',
    'pubsub#persist_items': 'false',
    'pubsub#max_items': '1',
    'pubsub#deliver_payloads': 'true',
    'pubsub#deliver_notifications': 'true',
    'pubsub#notification_type': 'headline',
    'pubsub#send_last_published_item': 'on_sub_and_presence',
    'pubsub#purge_offline': 'false',
    'pubsub#notify_config': 'false',
    'pubsub#notify_delete': 'false',
    'pubsub#notify_retract': 'false',
  })
})

test('an owner gets the configuration as a form, and what it submits takes the place of the old values', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1', pubsubHost, { max_items: '5' })
  const configure = `<configure node='n1'>${configForm({ publish_model: 'publishers', notify_delete: '1' })}</configure>`
  expect(await app.ask(alice, 'set', pubsubOwner(configure))).toBe('result')

  const pubsub = await app.query(alice, pubsubOwner("<configure node='n1'/>"))
  expect(pubsub.firstChild()?.attr('node')).toBe('n1')
  expect(valuesOf(pubsub)).toMatchObject({
    'pubsub#publish_model': 'publishers',
    'pubsub#notify_delete': 'true',
    'pubsub#max_items': '5',
    'pubsub#access_model': 'whitelist',
  })
})

const accepted: [string, string][] = [
  ...['whitelist', 'authorize', 'open', 'presence', 'roster'].map((value): [string, string] => [
    'access_model',
    value,
  ]),
  ...['open', 'publishers', 'subscribers'].map((value): [string, string] => ['publish_model', value]),
  ...['0', '1', 'true', 'false'].map((value): [string, string] => ['persist_items', value]),
  ['max_items', '100'],
  ['max_items', 'max'],
  ['notification_type', 'normal'],
  ['send_last_published_item', 'never'],
]
test.each(accepted)('%s = %s is accepted', async (name, value) => {
  await using app = await startAppServer()
  expect(await app.create(alice, 'n1', pubsubHost, { [name]: value })).toBe('result')
})

test.each([
  ['access_model', 'none'],
  ['access_model', ''],
  ['publish_model', 'whitelist'],
  ['persist_items', 'yes'],
  ['max_items', '-1'],
  ['max_items', 'many'],
  ['notification_type', 'error'],
  ['send_last_published_item', 'always'],
  ['title', 'My phone'],
])('%s = "%s" is answered with modify/not-acceptable and changes nothing', async (name, value) => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  const before = app.nodes.get(pubsubHost, 'n1')
  const submit = configForm({ notify_config: 'true', [name]: value })
  expect(await app.ask(alice, 'set', pubsubOwner(`<configure node='n1'>${submit}</configure>`))).toBe(
    'modify/not-acceptable',
  )
  expect(app.nodes.get(pubsubHost, 'n1')).toEqual(before)
})

test('two values for one field are not acceptable, and a field without a value stays as it was', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1', pubsubHost, { publish_model: 'publishers' })
  const field = (values: string) =>
    pubsubOwner(
      `<configure node='n1'>${configForm({}).replace('</x>', `<field var='pubsub#publish_model'>${values}</field></x>`)}</configure>`,
    )
  expect(await app.ask(alice, 'set', field('<value>open</value><value>open</value>'))).toBe(
    'modify/not-acceptable',
  )
  expect(await app.ask(alice, 'set', field(''))).toBe('result')
  expect(app.nodes.get(pubsubHost, 'n1')?.configuration.publish_model).toBe('publishers')
})

test('a cancelled form changes nothing and is a result', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  const cancel = configForm({ publish_model: 'nonsense' }, 'cancel')
  expect(await app.ask(alice, 'set', pubsubOwner(`<configure node='n1'>${cancel}</configure>`))).toBe(
    'result',
  )
})

test('a configure without a form is a bad request', async () => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  expect(await app.ask(alice, 'set', pubsubOwner("<configure node='n1'/>"))).toBe('modify/bad-request')
})

const ownerRequests: [string, 'get' | 'set', string][] = [
  ['configuration', 'get', "<configure node='n1'/>"],
  ['new configuration', 'set', `<configure node='n1'>${configForm({})}</configure>`],
  ['affiliations', 'get', "<affiliations node='n1'/>"],
  ['new affiliations', 'set', "<affiliations node='n1'/>"],
  ['delete', 'set', "<delete node='n1'/>"],
  ['purge', 'set', "<purge node='n1'/>"],
]

test.each(ownerRequests)('%s: who is not the owner gets auth/forbidden', async (_, type, payload) => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  expect(await app.ask(bob, type, pubsubOwner(payload))).toBe('auth/forbidden')
  expect(await app.ask('chat.test', type, pubsubOwner(payload))).toBe('auth/forbidden')
  expect(app.nodes.count()).toBe(1)
})

test.each(ownerRequests)('%s: no such node is cancel/item-not-found', async (_, type, payload) => {
  await using app = await startAppServer()
  expect(await app.ask(alice, type, pubsubOwner(payload))).toBe('cancel/item-not-found')
})

test.each(ownerRequests)('%s: without a node it is a bad request', async (_, type, payload) => {
  await using app = await startAppServer()
  const nameless = payload.replace(" node='n1'", '')
  expect(await app.ask(alice, type, pubsubOwner(nameless))).toBe('modify/bad-request nodeid-required')
})

test.each(ownerRequests)('%s: the owner gets a result, from any device', async (_, type, payload) => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  expect(await app.ask('alice@chat.test/tablet', type, pubsubOwner(payload))).toBe('result')
})
