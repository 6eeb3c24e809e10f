import fc from 'fast-check'
import { expect, test } from 'vitest'
import { publishResults } from '../../src/main/metrics/table.ts'
import {
  type AppServerAtWork,
  parseStanza,
  pubsubHost,
  pubsubOwner,
  shadowedHost,
  startAppServer,
  summaryOfAnswer,
  virtualHost,
} from '../main/roles/app-server/app-server-at-work.ts'
import { runs } from './stream-documents.ts'

/** What each failed check is answered with: by an error's type alone the XMPP server keeps or drops a user. */
const answers: Readonly<Record<string, string>> = {
  rejected_malformed: 'modify/bad-request',
  rejected_no_node: 'cancel/item-not-found',
  rejected_forbidden: 'auth/forbidden',
  rejected_no_device: 'cancel/conflict precondition-not-met',
  rejected_target: 'modify/bad-request',
  rejected_payload: 'modify/bad-request invalid-payload',
  rejected_content: 'modify/bad-request invalid-payload',
  rejected_dead_device: 'cancel/not-acceptable device-not-registered',
}

/** A publish, right but for what is said here. */
const plan = fc.record({
  host: fc.constantFrom(pubsubHost, virtualHost, shadowedHost),
  from: fc.constantFrom(
    'alice@chat.test/r',
    'alice@chat.test',
    'bob@chat.test',
    'eve@chat.test/r',
    'chat.test',
    'far.test',
  ),
  node: fc.constantFrom('open', 'closed', 'open', 'closed', 'none', undefined),
  malformed: fc.constantFrom(
    ...[undefined, undefined, undefined, undefined, 'two publishes', 'no item', 'two items'],
    ...['form type', 'type', 'two values', 'get'],
  ),
  device: fc.constantFrom(
    'device_id',
    'device_id',
    'device',
    'dead',
    'no service',
    'no id',
    'no options',
    'too long',
  ),
  payload: fc.constantFrom('notification', 'notification', 'notification', 'two', 'other', 'mixed', 'none'),
  count: fc.constantFrom('1', '1', '99999999999', undefined, '0', 'x', '-1', '1.5'),
  option: fc.constantFrom(
    undefined,
    undefined,
    ['priority', 'high'],
    ['priority', 'x'],
    ['time_to_live', '-1'],
    ['mode', 'q'],
  ),
})
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never

/** The first check that it fails, in their order; undefined: none. */
function firstFailed({ host, from, node, malformed, device, payload, option }: Plan): string | undefined {
  const inForm = malformed === 'form type' || malformed === 'type' || malformed === 'two values'
  if (malformed !== undefined && !(inForm && device === 'no options')) return 'rejected_malformed'
  if (host === pubsubHost) {
    if (node === undefined || node === 'none') return 'rejected_no_node'
    const bare = from.split('/')[0]
    if (bare === 'eve@chat.test') return 'rejected_forbidden'
    if (node === 'closed' && bare !== 'alice@chat.test' && bare !== 'bob@chat.test')
      return 'rejected_forbidden'
  }
  if (device === 'no service' || device === 'no id' || device === 'no options') return 'rejected_no_device'
  if (device === 'too long') return 'rejected_target'
  if (payload === 'other' || payload === 'mixed' || payload === 'none') return 'rejected_payload'
  if (option?.[1] === 'x' || option?.[1] === '-1' || option?.[1] === 'q') return 'rejected_content'
  return device === 'dead' ? 'rejected_dead_device' : undefined
}

function field(name: string, ...values: string[]): string {
  return `<field var='${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`
}

function optionsForm({ malformed, device, option }: Plan): string {
  if (device === 'no options') return ''
  const formType =
    malformed === 'form type' ? 'urn:other' : 'http://jabber.org/protocol/pubsub#publish-options'
  let fields = field('FORM_TYPE', formType)
  if (device !== 'no service')
    fields += malformed === 'two values' ? field('service', 'fcm', 'apns') : field('service', 'fcm')
  else if (malformed === 'two values') fields += field('topic', 'a', 'b')
  if (device === 'dead') fields += field('device_id', 'dead')
  else if (device === 'too long') fields += field('device_id', 'x'.repeat(4097))
  else if (device !== 'no id') fields += field(device === 'device' ? 'device' : 'device_id', 'lives')
  if (option !== undefined) fields += field(option[0] ?? '', option[1] ?? '')
  const type = malformed === 'type' ? 'result' : 'submit'
  return `<publish-options><x xmlns='jabber:x:data' type='${type}'>${fields}</x></publish-options>`
}

function xmlOf(given: Plan): string {
  const { host, from, node, malformed, payload, count } = given
  const summary = `<x xmlns='jabber:x:data' type='submit'>${field('FORM_TYPE', 'urn:xmpp:push:summary')}${
    count === undefined ? '' : field('message-count', count)
  }${field('last-message-body', 'hello')}</x>`
  const notification = `<notification xmlns='urn:xmpp:push:0'>${summary}</notification>`
  const payloads = {
    notification,
    two: notification + notification,
    other: "<entry xmlns='urn:other'/>",
    mixed: `${notification}<entry xmlns='urn:other'/>`,
    none: '',
  }
  const item = `<item>${payloads[payload]}</item>`
  const items = malformed === 'no item' ? '' : malformed === 'two items' ? item + item : item
  const publish = `<publish${node === undefined ? '' : ` node='${node}'`}>${items}</publish>`
  const twice = malformed === 'two publishes' ? publish : ''
  return (
    `<iq from='${from}' to='${host}' id='q' type='${malformed === 'get' ? 'get' : 'set'}'>` +
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${publish}${twice}${optionsForm(given)}</pubsub></iq>`
  )
}

/** Two nodes of alice's, one open and one for publishers; bob publishes, eve is an outcast of both; a dead device. */
async function furnished(): Promise<AppServerAtWork> {
  const fcm = { service: 'fcm', mode: '', tags: [], defaultTopic: '', isApple: false } as const
  const app = await startAppServer({ targets: { pools: [fcm], topics: 'known' } })
  for (const [node, model] of [
    ['open', 'open'],
    ['closed', 'publishers'],
  ] as const) {
    await app.create('alice@chat.test/r', node, pubsubHost, { publish_model: model })
    const affiliations = `<affiliation jid='bob@chat.test' affiliation='publisher'/><affiliation jid='eve@chat.test' affiliation='outcast'/>`
    await app.ask(
      'alice@chat.test/r',
      'set',
      pubsubOwner(`<affiliations node='${node}'>${affiliations}</affiliations>`),
    )
  }
  await app.deadDevices.add({ service: 'fcm', mode: undefined, id: 'dead' }, virtualHost, 'n', 'provider')
  return app
}

test('the first check that a publish fails answers, with the error that the contract allows for it', async () => {
  await using app = await furnished()
  fc.assert(
    fc.property(plan, (given) => {
      const verdict = app.verdict(xmlOf(given), given.host)
      const expected = firstFailed(given)
      if (expected === undefined) {
        expect(verdict.kind).toBe('push')
        return
      }
      if (verdict.kind !== 'answer') throw new Error(`${verdict.kind} instead of ${expected}`)
      expect(verdict.publish?.result).toBe(expected)
      const answer = parseStanza(verdict.stanza)
      expect(answer.attr('id')).toBe('q')
      expect(summaryOfAnswer(answer)).toBe(answers[expected])
    }),
    { numRuns: runs },
  )
})

test('of all results of a publish, those of the checks alone may cost a registration', () => {
  const costly = publishResults.filter((result) => result in answers)
  const others = publishResults.filter((result) => !(result in answers))
  expect(costly).toHaveLength(8)
  expect(others.filter((result) => result.startsWith('rejected_'))).toEqual(['rejected_no_room'])
})
