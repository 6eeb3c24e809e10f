import { expect, test } from 'vitest'
import {
  nowMs,
  optionsFor,
  phoneOptions,
  publish,
  startAppServer,
  virtualHost,
} from './app-server-at-work.ts'

test('every known option reaches the notification', async () => {
  await using app = await startAppServer({ tags: ['tenant-1'] })
  const options = {
    service: 'apns',
    device_id: '../../x?y#z 🚀',
    mode: 'dev',
    click_action: '.Open',
    topic: 'com.example.app',
    silent: 'false',
    priority: 'high',
    sound: 'ding.wav',
    mutable_content: 'true',
    time_to_live: '0',
  }
  expect(app.notification({ options })).toEqual({
    domain: virtualHost,
    node: 'n1',
    device: { service: 'apns', mode: 'dev', id: '../../x?y#z 🚀' },
    topic: 'com.example.app',
    priority: 'high',
    mutableContent: true,
    timeToLiveS: 0,
    tags: ['tenant-1'],
    content: {
      kind: 'alert',
      title: 'bob@chat.test',
      body: 'Hi',
      badge: 2,
      tag: 'bob@chat.test',
      clickAction: '.Open',
      sound: 'ding.wav',
    },
    collapsible: true,
    createdAtMs: nowMs,
  })
})

test('an option that is left out, or empty, is not in the notification either', async () => {
  await using app = await startAppServer()
  const bare = {
    device: { service: 'fcm', mode: undefined, id: 'tok-1' },
    topic: undefined,
    priority: undefined,
    mutableContent: undefined,
    timeToLiveS: undefined,
    tags: [],
    content: { clickAction: undefined, sound: undefined },
  }
  expect(app.notification({})).toMatchObject(bare)
  const empty = {
    mode: '',
    topic: '',
    priority: '',
    mutable_content: '',
    time_to_live: '',
    silent: '',
    sound: '',
  }
  expect(app.notification({ options: { ...phoneOptions, ...empty } })).toMatchObject(bare)
})

test.each([
  ['priority', 'normal', { priority: 'normal' }],
  ['mode', 'prod', { device: { mode: 'prod' } }],
  ['mutable_content', '0', { mutableContent: false }],
  ['mutable_content', '1', { mutableContent: true }],
  ['time_to_live', '2147483647', { timeToLiveS: 2147483647 }],
  ['time_to_live', '9'.repeat(40), { timeToLiveS: 2147483647 }],
  ['silent', 'true', { content: { kind: 'silent' } }],
  ['silent', '1', { content: { kind: 'silent' } }],
  ['silent', '0', { content: { kind: 'alert' } }],
])('%s = %s', async (name, value, expected) => {
  await using app = await startAppServer()
  expect(app.notification({ options: { ...phoneOptions, [name]: value } })).toMatchObject(expected)
})

test('a service that nobody here knows is passed through', async () => {
  await using app = await startAppServer()
  expect(app.notification({ options: { ...phoneOptions, service: 'webpush' } }).device.service).toBe(
    'webpush',
  )
})

test('tags from a client are ignored and counted', async () => {
  await using app = await startAppServer({ tags: ['ours'] })
  const xml = publish({ options: { ...phoneOptions, tags: 'theirs' } })
  const several = xml.replace('<value>theirs</value>', '<value>a</value><value>b</value>')
  for (const stanza of [xml, several]) {
    expect(app.verdict(stanza, virtualHost)).toMatchObject({ kind: 'push', notification: { tags: ['ours'] } })
  }
  const { body } = await app.metrics.render(undefined)
  expect(body).toContain(`xmpp_pushd_publish_tags_ignored_total{domain="${virtualHost}"} 2`)
})

test('unknown options are ignored, whatever they hold', async () => {
  await using app = await startAppServer()
  const options = { ...phoneOptions, 'pubsub#access_model': 'open', constructor: 'x', sounds: 'x' }
  expect(app.publish({ options })).toBe('push')
  const several = publish({ options: { ...phoneOptions, x: '1' } }).replace(
    '<value>1<',
    '<value>1</value><value>2<',
  )
  expect(app.verdict(several, virtualHost).kind).toBe('push')
})

test.each([
  ['another FORM_TYPE', (xml: string) => xml.replace('pubsub#publish-options', 'pubsub#node_config')],
  ['no FORM_TYPE', (xml: string) => xml.replace("var='FORM_TYPE'><value>http", "var='form'><value>http")],
  [
    'the type form',
    (xml: string) =>
      xml.replace(
        /<publish-options><x xmlns='jabber:x:data' type='submit'/,
        "<publish-options><x xmlns='jabber:x:data' type='form'",
      ),
  ],
  [
    'no type',
    (xml: string) =>
      xml.replace(
        /<publish-options><x xmlns='jabber:x:data' type='submit'/,
        "<publish-options><x xmlns='jabber:x:data'",
      ),
  ],
  [
    'two values in a known field',
    (xml: string) => xml.replace('<value>fcm</value>', '<value>fcm</value><value>fcm</value>'),
  ],
  [
    'a known field twice',
    (xml: string) =>
      xml.replace(
        "<field var='service'>",
        "<field var='service'><value>fcm</value></field><field var='service'>",
      ),
  ],
  [
    'two forms',
    (xml: string) =>
      xml.replace('<publish-options>', "<publish-options><x xmlns='jabber:x:data' type='submit'/>"),
  ],
])('publish-options with %s are modify/bad-request', async (_, edit) => {
  await using app = await startAppServer()
  const xml = edit(publish())
  expect(xml).not.toBe(publish())
  const verdict = app.verdict(xml, virtualHost)
  expect(verdict).toMatchObject({ kind: 'answer', publish: { result: 'rejected_malformed' } })
  expect(verdict).toMatchObject({ stanza: expect.stringContaining("type='modify'><bad-request ") })
})

test('the options of a domain can be replaced while it works', async () => {
  await using app = await startAppServer()
  expect(app.publish({ from: 'bob@chat.test/r' })).toBe('push')
  app.server.reconfigure(
    optionsFor({ publishers: 'servers', tags: ['new'], content: { defaultTitle: 'Neu' } }),
  )
  expect(app.publish({ from: 'bob@chat.test/r' })).toBe('auth/forbidden')
  expect(app.notification({ summary: { 'message-count': '1' } })).toMatchObject({
    tags: ['new'],
    content: { title: 'Neu' },
  })
})
