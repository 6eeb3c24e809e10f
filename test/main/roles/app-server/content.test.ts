import { describe, expect, test } from 'vitest'
import {
  defaultContent,
  errorText,
  parseStanza,
  phoneOptions,
  publish,
  startAppServer,
  virtualHost,
} from './app-server-at-work.ts'

const whole = { 'message-count': '3', 'last-message-sender': 'bob@chat.test', 'last-message-body': 'Hi' }
const { defaultTitle, defaultBody } = defaultContent
const plain = { clickAction: undefined, sound: undefined }

describe.each(['mongooseim', 'ejabberd', 'prosody'] as const)('in the words of %s', (shape) => {
  test('body and sender: an alert whose title and tag are the sender', async () => {
    await using app = await startAppServer()
    const content = {
      kind: 'alert',
      title: 'bob@chat.test',
      body: 'Hi',
      badge: 3,
      tag: 'bob@chat.test',
      ...plain,
    }
    expect(app.notification({ shape, summary: whole }).content).toEqual(content)
  })

  test('a body without a sender: an alert with the default title and no tag', async () => {
    await using app = await startAppServer()
    const content = {
      kind: 'alert',
      title: defaultTitle,
      body: 'New message',
      badge: undefined,
      tag: undefined,
      ...plain,
    }
    const summary = { 'last-message-body': 'New message' }
    expect(app.notification({ shape, summary }).content).toMatchObject(
      shape === 'prosody' ? { ...content, badge: expect.anything() } : content,
    )
  })

  test('a count only: an alert with the default texts', async () => {
    await using app = await startAppServer()
    const content = {
      kind: 'alert',
      title: defaultTitle,
      body: defaultBody,
      badge: 7,
      tag: undefined,
      ...plain,
    }
    expect(app.notification({ shape, summary: { 'message-count': '7' } }).content).toEqual(content)
  })

  test('a bare notification: a silent push without data', async () => {
    await using app = await startAppServer()
    expect(app.notification({ shape, bare: true }).content).toEqual({ kind: 'silent', data: [] })
  })
})

test('every field empty, with or without a value: a silent push', async () => {
  await using app = await startAppServer()
  const empty = { 'message-count': '', 'last-message-sender': '', 'last-message-body': '' }
  expect(app.notification({ summary: empty }).content).toEqual({ kind: 'silent', data: [] })
  const xml = publish({ summary: whole }).replaceAll(/<value>(3|bob@chat.test|Hi)<\/value>/g, '')
  expect(app.verdict(xml, virtualHost)).toMatchObject({
    notification: { content: { kind: 'silent', data: [] } },
  })
})

test('a field without a value is an absent field', async () => {
  await using app = await startAppServer()
  const xml = publish({ summary: whole }).replace('<value>bob@chat.test</value>', '')
  expect(app.verdict(xml, virtualHost)).toMatchObject({
    notification: { content: { kind: 'alert', title: defaultTitle, body: 'Hi' } },
  })
})

test('a form of either type is read, and one without', async () => {
  await using app = await startAppServer()
  for (const type of ["type='submit'", "type='form'", '']) {
    const xml = publish({ summary: whole }).replace("type='submit'", type)
    expect(app.verdict(xml, virtualHost)).toMatchObject({ notification: { content: { body: 'Hi' } } })
  }
})

test.each([
  ['as the plugin hints tells of it', { 'jingle-message': 'propose', 'jingle-session-id': 'x1' }],
  ['as MongooseIM 6.10 does', { type: 'jmi', 'jmi-sid': 'x1', 'jmi-from': 'bob@chat.test/phone' }],
])('a call, %s, is silent, and no newer push takes its place while it is stored', async (_, summary) => {
  await using app = await startAppServer()
  const { content, collapsible } = app.notification({ summary })
  expect(content).toEqual({ kind: 'silent', data: Object.entries(summary) })
  expect(collapsible).toBe(false)
  expect(app.notification({ summary: whole }).collapsible).toBe(true)
})

test('a count of nothing alone wakes up, as does a form of other fields; a subscription request is something to read', async () => {
  await using app = await startAppServer()
  const contentOf = (summary: Record<string, string>) => app.notification({ summary }).content
  expect(contentOf({ 'message-count': '0' })).toEqual({ kind: 'silent', data: [['message-count', 0]] })
  const call = { 'jingle-message': 'propose', 'jingle-session-id': 'x1', 'message-sender': 'bob@chat.test' }
  expect(contentOf(call)).toEqual({ kind: 'silent', data: Object.entries(call) })
  expect(contentOf({ 'pending-subscription-count': '1' }).kind).toBe('alert')
  expect(contentOf({ 'pending-subscription-from': 'bob@chat.test' }).kind).toBe('alert')
  expect(contentOf({ 'pending-subscription-count': '0' }).kind).toBe('silent')
})

test.each([
  ['0', 0],
  ['007', 7],
  ['2147483647', 2_147_483_647],
  ['2147483648', 2_147_483_647],
  ['9'.repeat(40), 2_147_483_647],
])('the count %s is a badge of %d, which is at most what 32 bits hold', async (count, badge) => {
  await using app = await startAppServer()
  const summary = { 'message-count': count, 'last-message-body': 'Hi' }
  expect(app.notification({ summary }).content).toMatchObject({ badge })
})

test('several lines of a body are lines', async () => {
  await using app = await startAppServer()
  const xml = publish({ summary: whole }).replace('<value>Hi</value>', '<value>Hi</value><value>you</value>')
  expect(app.verdict(xml, virtualHost)).toMatchObject({ notification: { content: { body: 'Hi\nyou' } } })
})

test.each(['Zażółć 🚀 日本語', '<b>&amp;"q"\'a\'', '👩‍👩‍👧‍👦', '\u{10ffff}', '__proto__'])(
  'the body %s arrives as it was',
  async (body) => {
    await using app = await startAppServer()
    expect(app.notification({ summary: { ...whole, 'last-message-body': body } }).content).toMatchObject({
      body,
    })
  },
)

describe('a silent push', () => {
  const silent = { ...phoneOptions, silent: 'true' }

  test('has every summary field under its own name, unknown ones too, in their order, the count as an integer', async () => {
    await using app = await startAppServer()
    const summary = {
      'last-message-sender': 'bob@chat.test',
      'message-count': '3',
      custom: '007',
      __proto__x: 'y',
      'last-message-body': 'Hi',
      'pending-subscription-count': '1',
    }
    expect(app.notification({ options: silent, summary }).content).toEqual({
      kind: 'silent',
      data: [
        ['last-message-sender', 'bob@chat.test'],
        ['message-count', 3],
        ['custom', '007'],
        ['__proto__x', 'y'],
        ['last-message-body', 'Hi'],
        ['pending-subscription-count', '1'],
      ],
    })
  })

  test('that was asked for is not an alert for want of a text', async () => {
    await using app = await startAppServer({ content: { onMissing: 'reject' } })
    expect(app.notification({ options: silent, summary: { 'message-count': '1' } }).content.kind).toBe(
      'silent',
    )
  })

  test('an alert carries no data of unknown fields', async () => {
    await using app = await startAppServer()
    expect(JSON.stringify(app.notification({ summary: { ...whole, custom: 'xyz' } }))).not.toContain('xyz')
  })
})

describe('content.on_missing', () => {
  test.each([
    ['last-message-sender', { 'last-message-body': 'Hi' }],
    ['last-message-body', { 'last-message-sender': 'bob@chat.test' }],
    ['last-message-sender', { 'message-count': '1' }],
  ])('"reject" answers check 6, naming %s', async (field, summary) => {
    await using app = await startAppServer({ content: { onMissing: 'reject' } })
    expect(app.publish({ summary })).toBe('modify/bad-request invalid-payload')
    const answer = await app.answerText(publish({ summary }), virtualHost)
    expect(errorText(parseStanza(answer))).toBe(`${field}: missing`)
  })

  test('"reject" lets a whole publish and a bare one pass', async () => {
    await using app = await startAppServer({ content: { onMissing: 'reject' } })
    expect(app.notification({ summary: whole }).content.kind).toBe('alert')
    expect(app.notification({ bare: true }).content.kind).toBe('silent')
  })

  test('"silent" makes it silent, with what there is as data', async () => {
    await using app = await startAppServer({ content: { onMissing: 'silent' } })
    const summary = { 'message-count': '1', 'last-message-body': 'Hi' }
    expect(app.notification({ summary }).content).toEqual({
      kind: 'silent',
      data: [
        ['message-count', 1],
        ['last-message-body', 'Hi'],
      ],
    })
    expect(app.notification({ summary: whole }).content.kind).toBe('alert')
  })
})

describe('content.on_empty = "drop"', () => {
  test.each([
    ['a bare notification', { bare: true }],
    ['empty fields', { summary: { 'last-message-body': '' } }],
  ])('%s gets a result, and nothing is sent', async (_, change) => {
    await using app = await startAppServer({ content: { onEmpty: 'drop' } })
    expect(app.publish(change)).toBe('result')
    expect(app.result(change)).toBe('dropped')
  })

  test('anything more is sent', async () => {
    await using app = await startAppServer({ content: { onEmpty: 'drop' } })
    expect(app.publish({ summary: { 'message-count': '0' } })).toBe('push')
    expect(app.publish({ summary: { 'jingle-message': 'propose' } })).toBe('push')
  })

  test('the checks before it still answer', async () => {
    await using app = await startAppServer({ content: { onEmpty: 'drop' } })
    expect(app.publish({ bare: true, options: {} })).toBe('cancel/conflict precondition-not-met')
  })
})

describe('privacy switches', () => {
  const secretive = {
    ...whole,
    'message-sender': 'eve@x',
    'pending-subscription-from': 'eve@y',
    'jmi-from': 'eve@z/phone',
  }

  test('without include_sender no field that names one is in the notification, alert or silent', async () => {
    await using app = await startAppServer({ content: { includeSender: false } })
    const alert = app.notification({ summary: secretive })
    expect(alert.content).toMatchObject({
      kind: 'alert',
      title: defaultTitle,
      body: 'Hi',
      tag: undefined,
      badge: 3,
    })
    const silent = app.notification({ summary: secretive, options: { ...phoneOptions, silent: '1' } })
    expect(silent.content).toEqual({
      kind: 'silent',
      data: [
        ['message-count', 3],
        ['last-message-body', 'Hi'],
      ],
    })
    for (const notification of [alert, silent]) expect(JSON.stringify(notification)).not.toMatch(/bob@|eve@/)
  })

  test('without include_body the body is not in the notification, alert or silent', async () => {
    await using app = await startAppServer({ content: { includeBody: false } })
    expect(app.notification({ summary: whole }).content).toMatchObject({
      title: 'bob@chat.test',
      body: defaultBody,
    })
    const silent = app.notification({ summary: whole, options: { ...phoneOptions, silent: '1' } })
    expect(JSON.stringify(silent)).not.toContain('Hi')
  })

  test.each(['reject', 'silent'] as const)(
    'a text that may not go out is not a missing one: on_missing = %s',
    async (onMissing) => {
      await using app = await startAppServer({
        content: { onMissing, includeSender: false, includeBody: false },
      })
      expect(app.notification({ summary: whole }).content).toMatchObject({
        kind: 'alert',
        title: defaultTitle,
        body: defaultBody,
      })
    },
  )
})
