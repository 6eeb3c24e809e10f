import { describe, expect, test } from 'vitest'
import { PublishInput } from '../../../../src/main/roles/app-server/publish-input.ts'
import {
  errorText,
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
    device: { service: 'apns', mode: 'dev', id: '../../x?y#z🚀' },
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

describe('content.sender = "bare"', () => {
  test.each([
    ['alice@chat.test/phone', 'alice@chat.test'],
    ['Alice@chat.test/phone/2', 'Alice@chat.test'],
    ['alice@chat.test', 'alice@chat.test'],
    ['room@conference.chat.test/nick', 'room@conference.chat.test/nick'],
    ['room@muc.chat.test/nick', 'room@muc.chat.test/nick'],
    ['chat.test/x', 'chat.test'],
    ['Alice / Bob', 'Alice / Bob'],
  ])('shows %s as %s', async (written, shown) => {
    await using app = await startAppServer({ content: { sender: 'bare' } })
    const summary = { 'last-message-sender': written, 'last-message-body': 'Hi' }
    expect(app.notification({ summary }).content).toMatchObject({ title: shown, tag: shown })
  })

  test('shows the sender of a message that was told of here as it was found to be', async () => {
    await using app = await startAppServer({ content: { sender: 'bare' } })
    const input = new PublishInput(virtualHost, undefined)
    input.isNotification = true
    input.isOfEvent = true
    for (const [name, value] of Object.entries(phoneOptions)) input.setOption(name, value)
    input.summary.set('last-message-sender', 'room@rooms-of.chat.test/nick')
    expect(app.server.checkPublish(input)).toMatchObject({
      notification: { content: { title: 'room@rooms-of.chat.test/nick' } },
    })
  })
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

function withType(xml: string, type: string): string {
  const retyped = xml.replace(
    /<publish-options><x xmlns='jabber:x:data' type='submit'/,
    `<publish-options><x xmlns='jabber:x:data' ${type}`,
  )
  expect(retyped).not.toBe(xml)
  return retyped
}

describe('a mistake that loses no meaning is no error', () => {
  test.each(['', "type='form'", "type='submitted'", "type=''"])(
    'publish-options in a form with %j for its type are submitted',
    async (type) => {
      await using app = await startAppServer()
      expect(app.verdict(withType(publish(), type), virtualHost)).toMatchObject({
        notification: { device: { service: 'fcm', id: 'tok-1' } },
      })
    },
  )

  test('white space around FORM_TYPE and the value of any known option is taken off', async () => {
    await using app = await startAppServer()
    const options = {
      service: 'apns',
      device_id: 'tok-1',
      mode: 'dev',
      topic: 'com.example.app',
      priority: 'high',
      sound: 'ding.wav',
      click_action: '.Open',
      mutable_content: 'true',
      silent: 'false',
      time_to_live: '60',
    }
    const xml = publish({ options })
    const spaced = xml.replaceAll('<value>', '<value>\n  \t').replaceAll('</value>', '\n</value>')
    const plain = app.notification({ options })
    expect(app.verdict(spaced, virtualHost)).toMatchObject({
      kind: 'push',
      notification: {
        device: plain.device,
        topic: plain.topic,
        priority: plain.priority,
        mutableContent: plain.mutableContent,
        timeToLiveS: plain.timeToLiveS,
        content: { kind: 'alert', badge: 2, sound: 'ding.wav', clickAction: '.Open' },
      },
    })
  })

  test.each(['many', '-1', '1.5', '0x1'])(
    'a message-count that is no number (%j) is left out',
    async (count) => {
      await using app = await startAppServer()
      const contentOf = (summary: Record<string, string>) => app.notification({ summary }).content
      const body = { 'last-message-body': 'Hi' }
      expect(contentOf({ ...body, 'message-count': count })).toEqual(contentOf(body))
      const silent = { kind: 'silent', data: [['a', 'x']] }
      expect(contentOf({ 'message-count': count, a: 'x' })).toEqual(silent)
    },
  )

  test('a message-count loses the white space around it', async () => {
    await using app = await startAppServer()
    const { content } = app.notification({ summary: { 'message-count': '\n  3\n' } })
    expect(content).toMatchObject({ kind: 'alert', badge: 3 })
  })

  test('an option of nothing but white space is an absent one', async () => {
    await using app = await startAppServer()
    expect(app.notification({ options: { ...phoneOptions, topic: ' \n' } }).topic).toBeUndefined()
    expect(app.publish({ options: { ...phoneOptions, device_id: ' \n' } })).toBe(
      'cancel/conflict precondition-not-met',
    )
  })
})

test.each([
  ['another FORM_TYPE', (xml: string) => xml.replace('pubsub#publish-options', 'pubsub#node_config')],
  ['no FORM_TYPE', (xml: string) => xml.replace("var='FORM_TYPE'><value>http", "var='form'><value>http")],
  ['the type result', (xml: string) => withType(xml, "type='result'")],
  ['the type cancel', (xml: string) => withType(xml, "type='cancel'")],
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

test('a form of another kind is refused with its type', async () => {
  await using app = await startAppServer()
  const xml = withType(publish(), "type='result'")
  expect(errorText(await app.answer(xml, virtualHost))).toBe('publish-options: a form of type result')
})
