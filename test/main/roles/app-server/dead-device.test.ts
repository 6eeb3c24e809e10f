import { expect, test } from 'vitest'
import type { Notification } from '../../../../src/core/notification.ts'
import type { NodeRecord } from '../../../../src/main/store/node-ports.ts'
import { noLimits } from '../../store/open-store.ts'
import {
  type AppServerAtWork,
  alice,
  nowMs,
  pubsubHost,
  shadowedHost,
  startAppServer,
  virtualHost,
} from './app-server-at-work.ts'

const options = { service: 'apns', device_id: 'tok-7' }
const record: NodeRecord = {
  owner: 'alice@chat.test',
  configuration: { publish_model: 'publishers' },
  affiliations: {
    'alice@chat.test': 'owner',
    "d'arc@chat.test": 'owner',
    'chat.test': 'publish-only',
    'carol@chat.test': 'publisher',
    'eve@chat.test': 'outcast',
  },
  registration: undefined,
  createdAtMs: 1,
  usedAtMs: 1,
}
const registration = { options, secret: 's3cret' }

async function withNodes(app: AppServerAtWork): Promise<void> {
  await app.nodes.create(pubsubHost, 'made', record, noLimits)
  await app.nodes.create(pubsubHost, 'registered', { ...record, registration }, noLimits)
  const inDevelopment = { ...registration, options: { ...options, mode: 'dev' } }
  await app.nodes.create(pubsubHost, 'registered-dev', { ...record, registration: inDevelopment }, noLimits)
  await app.nodes.create(shadowedHost, 'made', record, noLimits)
}

/** A notification for the device to this node. */
function notificationTo(app: AppServerAtWork, domain: string, node: string, id = 'tok-7'): Notification {
  const found = app.notification({ to: virtualHost, options: { ...options, device_id: id } })
  return { ...found, domain, node }
}

test('a dead device found in time: its registered node goes, since the answer makes the server forget its own', async () => {
  await using app = await startAppServer()
  await withNodes(app)
  await app.server.forgetRegistration(notificationTo(app, pubsubHost, 'registered'), 'dead_device')
  expect(app.nodes.get(pubsubHost, 'registered')).toBeUndefined()
  const { body } = await app.metrics.render(undefined)
  expect(body).toContain('xmpp_pushd_registrations_disabled_total{reason="dead_device"} 1')
})

test.each([
  ['a node that was made, not registered', pubsubHost, 'made', 'tok-7'],
  ['a node that is registered for another device', pubsubHost, 'registered', 'tok-8'],
  ['a node that is registered for the same device in another mode', pubsubHost, 'registered-dev', 'tok-7'],
  ['a node that only bears the name, on a shadowed domain', shadowedHost, 'made', 'tok-7'],
])('%s stays', async (_, domain, node, id) => {
  await using app = await startAppServer()
  await withNodes(app)
  const before = app.nodes.get(domain, node)
  await app.server.forgetRegistration(notificationTo(app, domain, node, id), 'dead_device')
  expect(app.nodes.get(domain, node)).toEqual(before)
})

test('a dead device found after the answer: nobody may publish to its node any more, and the owners are told', async () => {
  await using app = await startAppServer()
  await withNodes(app)
  const messages = await app.server.deviceDied(notificationTo(app, pubsubHost, 'made'), 'dead_device')
  expect(messages.toSorted()).toEqual([
    `<message from='${pubsubHost}' to='alice@chat.test'><pubsub xmlns='http://jabber.org/protocol/pubsub' node='made'>` +
      "<affiliation jid='alice@chat.test' affiliation='none'/></pubsub></message>",
    `<message from='${pubsubHost}' to='d&apos;arc@chat.test'><pubsub xmlns='http://jabber.org/protocol/pubsub' node='made'>` +
      "<affiliation jid='d&apos;arc@chat.test' affiliation='none'/></pubsub></message>",
  ])
  expect(app.nodes.get(pubsubHost, 'made')?.affiliations).toEqual({
    'alice@chat.test': 'owner',
    "d'arc@chat.test": 'owner',
    'eve@chat.test': 'outcast',
  })
  expect(app.publish({ to: pubsubHost, node: 'made', from: 'chat.test' })).toBe('auth/forbidden')
})

test.each([
  [
    'that is registered for another device',
    'registered',
    { registration: { ...registration, options: { service: 'apns', device_id: 'tok-8' } } },
  ],
  ['that was made since', 'made', { createdAtMs: nowMs + 1 }],
])('a node %s is another registration: it stays, and nobody is told', async (_, node, change) => {
  await using app = await startAppServer()
  const changed = { ...record, ...change }
  await app.nodes.create(pubsubHost, node, changed, noLimits)
  expect(await app.server.deviceDied(notificationTo(app, pubsubHost, node), 'dead_device')).toEqual([])
  expect(app.nodes.get(pubsubHost, node)).toEqual(changed)
})

test('a node that has been published to for another device since stays, and nobody is told', async () => {
  await using app = await startAppServer()
  await withNodes(app)
  const publishFor = (id: string) =>
    app.publish({ to: pubsubHost, node: 'made', options: { service: 'apns', device_id: id } })
  expect(publishFor('tok-7')).toBe('push')
  const died = notificationTo(app, pubsubHost, 'made')
  expect(publishFor('tok-8')).toBe('push')
  expect(await app.server.deviceDied(died, 'dead_device')).toEqual([])
  expect(app.nodes.get(pubsubHost, 'made')).toEqual(record)

  expect(publishFor('tok-7'), 'back again').toBe('push')
  expect(await app.server.deviceDied(died, 'dead_device')).toHaveLength(2)
})

test('a registered node goes then too, and its owners are told', async () => {
  await using app = await startAppServer()
  await withNodes(app)
  expect(
    await app.server.deviceDied(notificationTo(app, pubsubHost, 'registered'), 'dead_device'),
  ).toHaveLength(2)
  expect(app.nodes.get(pubsubHost, 'registered')).toBeUndefined()
})

test.each([
  ['a node that is gone by then', pubsubHost, 'gone'],
  ['a shadowed domain', shadowedHost, 'made'],
  ['a virtual domain', virtualHost, 'made'],
  ['a domain that is no longer served', 'old.chat.test', 'made'],
  ['a publish without a node', virtualHost, ''],
])('on %s there is nobody to tell', async (_, domain, node) => {
  await using app = await startAppServer()
  await withNodes(app)
  expect(await app.server.deviceDied(notificationTo(app, domain, node), 'dead_device')).toEqual([])
  expect(app.nodes.get(shadowedHost, 'made')).toEqual(record)
})

test('a node that is made again forgets that its device was dead', async () => {
  await using app = await startAppServer()
  await app.deadDevices.add({ service: 'fcm', mode: 'prod', id: 'tok-1' }, pubsubHost, 'n1', 'provider')
  await app.create(alice, 'n1')
  expect(app.publish({ to: pubsubHost })).toBe('push')
})
