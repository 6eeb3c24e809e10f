import { expect, test } from 'vitest'
import { PublishInput } from '../../../../src/main/roles/app-server/publish-input.ts'
import { alice, phone, phoneOptions, pubsubHost, startAppServer, virtualHost } from './app-server-at-work.ts'

interface Publish {
  readonly domain: string
  readonly node: string
  readonly options: Readonly<Record<string, string>>
  readonly summary: Readonly<Record<string, string>>
}

const whole: Publish = {
  domain: virtualHost,
  node: 'n1',
  options: { ...phoneOptions, time_to_live: '60' },
  summary: { 'message-count': '3', 'last-message-sender': 'bob@chat.test', 'last-message-body': 'Hi' },
}

/** A publish that came in without XMPP, from somebody trusted. */
function inputOf({ domain, node, options, summary }: Publish): PublishInput {
  const input = new PublishInput(domain, undefined)
  input.node = node
  input.isNotification = true
  for (const [name, value] of Object.entries(options)) input.setOption(name, value)
  for (const [name, value] of Object.entries(summary)) input.summary.set(name, value)
  return input
}

test('a publish without XMPP becomes the notification that the stanza would have become', async () => {
  await using app = await startAppServer()
  const { options, summary } = whole
  expect(app.server.checkPublish(inputOf(whole))).toEqual({
    kind: 'push',
    notification: app.notification({ options, summary }),
    sender: 'tok-1',
  })
})

test.each([
  ['an unknown domain', { domain: 'other.test' }, 'rejected_no_node', 'item-not-found'],
  ['a node that does not exist', { domain: pubsubHost, node: 'n2' }, 'rejected_no_node', 'item-not-found'],
  ['no node on a PubSub-full domain', { domain: pubsubHost, node: '' }, 'rejected_no_node', 'item-not-found'],
  ['no device', { options: { service: 'fcm' } }, 'rejected_no_device', 'conflict'],
  ['a mode that is none', { options: { ...phoneOptions, mode: 'x' } }, 'rejected_content', 'bad-request'],
  ['a dead device', { options: { service: 'apns', device: 'x' } }, 'rejected_dead_device', 'not-acceptable'],
])('%s fails the same check', async (_, change, check, condition) => {
  await using app = await startAppServer()
  await app.create(alice, 'n1')
  await app.deadDevices.add({ ...phone, service: 'apns', id: 'x' }, virtualHost, '', 'provider')
  const verdict = app.server.checkPublish(inputOf({ ...whole, ...change }))
  expect(verdict).toMatchObject({ kind: 'refused', check, error: { condition } })
})

test('an empty one is done with content.on_empty = "drop"', async () => {
  await using app = await startAppServer({ content: { onEmpty: 'drop' } })
  expect(app.server.checkPublish(inputOf({ ...whole, summary: {} }))).toEqual({ kind: 'done' })
})

test('no affiliation and no `publishers` is asked of who is trusted', async () => {
  await using app = await startAppServer({ publishers: ['nobody.test'] })
  await app.create(alice, 'n1', pubsubHost, { publish_model: 'publishers' })
  expect(app.server.checkPublish(inputOf({ ...whole, domain: pubsubHost })).kind).toBe('push')
  expect(app.server.checkPublish(inputOf(whole)).kind).toBe('push')
})

test('a domain is served or not', async () => {
  await using app = await startAppServer()
  expect(app.server.serves(virtualHost)).toBe(true)
  expect(app.server.serves('other.test')).toBe(false)
})
