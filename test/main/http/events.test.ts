import { describe, expect, test } from 'vitest'
import type { MessageEvent } from '../../../src/main/roles/xmpp-server/plugin.ts'
import { snippet } from '../../support/pages.ts'
import { event, post } from './post-event.ts'
import { run } from './running.ts'

const inner =
  "<message xmlns='jabber:client' to='room@muc.test' from='room@muc.test/nick' type='groupchat' id='s1'><body>Hi</body></message>"
const mucSub = `<message to='carol@chat.test' from='room@muc.test' id='e1'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:mucsub:nodes:messages'><item id='1'>${inner}</item></items></event></message>`
const stanza =
  "<message to='carol@chat.test/x' from='room@muc.test/nick' type='groupchat' id='s1'><body>from the stanza</body></message>"

describe('POST /v1/events/message', () => {
  test('takes an event, and says how many are notified', async () => {
    const { url, events } = await run()
    expect(await post(url, 'message', JSON.stringify(event))).toMatchObject({
      status: 202,
      body: { notified: 1 },
    })
    expect(events).toEqual([
      {
        source: 'message',
        domain: '',
        message: {
          to: 'carol@chat.test',
          from: 'alice@chat.test/phone',
          type: 'chat',
          body: 'Hi 🚀',
          id: '',
          messageCount: undefined,
          kind: 'offline',
          session: undefined,
          stanza: undefined,
        },
      },
    ])
  })

  test('takes what the page about it shows', async () => {
    const { url, events } = await run()
    const shown = snippet('docs/server-role.md', 'event.json')
    expect(await post(url, 'message', shown)).toMatchObject({ status: 202 })
    expect(events[0]?.message).toMatchObject({ to: 'bob@example.com', messageCount: 3, id: 'a-message-id' })
  })

  test('sums over a list, of which each may be decided about later', async () => {
    const { url } = await run({
      takeEvent: ({ message }, ended) => ended({ notified: Number(message?.id), safety: 'safe' }),
    })
    const list = [1, 0, 4].map((id) => ({ ...event, id: `${id}` }))
    expect(await post(url, 'message', JSON.stringify(list))).toMatchObject({ body: { notified: 5 } })
    expect(await post(url, 'message', '[]')).toMatchObject({ status: 202, body: { notified: 0 } })
  })

  test.each<[string, object, Partial<MessageEvent>]>([
    ['a count', { ...event, message_count: 0 }, { messageCount: 0 }],
    ['an id', { ...event, id: 'x' }, { id: 'x' }],
    ['no type', { ...event, type: undefined }, { type: 'normal' }],
    ['null fields', { ...event, type: null, id: null, stanza: null }, { type: 'normal', id: '' }],
    ['an empty body', { ...event, body: '' }, { body: '' }],
    ['a full to', { ...event, to: 'carol@chat.test/x' }, { to: 'carol@chat.test' }],
    [
      'a lost session',
      { ...event, kind: 'unacked', session: 'carol@chat.test/r1' },
      { kind: 'unacked', session: 'carol@chat.test/r1' },
    ],
    [
      'the stanza alone',
      { stanza },
      {
        to: 'carol@chat.test',
        from: 'room@muc.test/nick',
        type: 'groupchat',
        id: 's1',
        body: undefined,
      },
    ],
    [
      'a stanza without addresses',
      { to: event.to, from: event.from, stanza: '<message><body>its text</body></message>' },
      { to: 'carol@chat.test', from: event.from, type: 'normal', body: undefined },
    ],
    [
      'an event of MUC/Sub, whose message says from whom it is',
      { to: event.to, from: 'room@muc.test', stanza: mucSub },
      { to: 'carol@chat.test', from: 'room@muc.test/nick', type: 'groupchat', id: 's1', body: undefined },
    ],
    [
      'a lost session as it was written',
      { ...event, kind: 'unacked', session: 'Carol@Chat.test/R1' },
      { session: 'carol@chat.test/R1' },
    ],
    ['fields before the stanza', { ...event, stanza, id: 'i' }, { type: 'chat', id: 'i', body: 'Hi 🚀' }],
  ])('takes %s', async (_, given, expected) => {
    const { url, events } = await run()
    expect(await post(url, 'message', JSON.stringify(given))).toMatchObject({ status: 202 })
    expect(events[0]?.message).toMatchObject(expected)
  })

  test.each(['error', 'headline'])('takes a message of type %s, of which nothing comes', async (type) => {
    const { url, events } = await run()
    expect(await post(url, 'message', JSON.stringify({ ...event, type }))).toMatchObject({ status: 202 })
    expect(events).toEqual([{ source: 'message', domain: '', message: undefined }])
  })

  test.each([
    ['to', { ...event, to: undefined }],
    ['to', { ...event, to: 'chat.test' }],
    ['to', { ...event, to: 5 }],
    ['from', { ...event, from: '' }],
    ['from', { ...event, from: '@' }],
    ['body', { ...event, body: undefined }],
    ['body', { ...event, body: 1 }],
    ['type', { ...event, type: {} }],
    ['id', { ...event, id: 7 }],
    ['kind', { ...event, kind: 'delivered' }],
    ['session', { ...event, kind: 'unacked' }],
    ['session', { ...event, kind: 'unacked', session: 'carol@chat.test' }],
    ['session', { ...event, kind: 'unacked', session: 'dave@chat.test/x' }],
    ['message_count', { ...event, message_count: -1 }],
    ['message_count', { ...event, message_count: '1' }],
    ['stanza', { ...event, stanza: '<message>' }],
    ['stanza', { ...event, stanza: "<iq type='get' id='1'/>" }],
    ['stanza', { ...event, stanza: stanza + stanza }],
    ['stanza', { ...event, stanza: '</stream:stream>' }],
    ['stanza', { ...event, stanza: '' }],
    ['surprise', { ...event, surprise: 1 }],
  ])('refuses a wrong %s, in a list by its index, and takes nothing then', async (field, wrong) => {
    const { url, events } = await run()
    expect(await post(url, 'message', JSON.stringify(wrong))).toMatchObject({
      status: 400,
      body: { error: 'invalid-field', field },
    })
    expect(await post(url, 'message', JSON.stringify([event, wrong]))).toMatchObject({
      status: 400,
      body: { error: 'invalid-field', field: `[1].${field}` },
    })
    expect(events).toEqual([])
  })

  test.each(['5', 'null', '"x"', '[5]', '[[]]'])('refuses %s, which is no event', async (body) => {
    const { url } = await run()
    expect(await post(url, 'message', body)).toMatchObject({ status: 400 })
  })
})

describe('POST /v1/events/mongooseim', () => {
  test('takes what mod_event_pusher_http sends', async () => {
    const { url, events } = await run()
    const form = 'author=alice&server=localhost&receiver=carol&message=Hi+%F0%9F%9A%80%26'
    expect(await post(url, 'mongooseim', form)).toMatchObject({ status: 202, body: { notified: 1 } })
    expect(events).toMatchObject([
      {
        source: 'mongooseim',
        message: { from: 'alice@localhost', to: 'carol@localhost', type: 'chat', body: 'Hi 🚀&', id: '' },
      },
    ])
  })

  test.each([
    ['author', 'server=localhost&receiver=carol&message=x'],
    ['receiver', 'server=localhost&author=carol&message=x'],
    ['server', 'author=a&receiver=carol&message=x'],
    ['author', 'author=%20&server=localhost&receiver=carol&message=x'],
    ['server', ''],
  ])('names the missing or wrong %s', async (field, form) => {
    const { url, events } = await run()
    expect(await post(url, 'mongooseim', form)).toMatchObject({ status: 400, body: { field } })
    expect(events).toEqual([])
  })
})

test('POST /v1/events/ejabberd takes what mod_offline_http_post sends', async () => {
  const { url, events } = await run()
  const form = 'to=carol&from=alice&vhost=chat.test&body=Hi&messageId=m1&access_token=x'
  expect(await post(url, 'ejabberd', form)).toMatchObject({ status: 202, body: { notified: 1 } })
  expect(events).toMatchObject([
    {
      source: 'ejabberd',
      message: { from: 'alice@chat.test', to: 'carol@chat.test', type: 'chat', body: 'Hi', id: 'm1' },
    },
  ])
  expect(await post(url, 'ejabberd', 'to=carol&from=alice&body=Hi')).toMatchObject({
    status: 400,
    body: { field: 'vhost' },
  })
})

test.each([
  ['+48600100200', '+48600100201'],
  ['%2B48600100200', '%2B48600100201'],
])('POST /v1/events/ejabberd takes users named by a telephone number, as %s', async (to, from) => {
  const { url, events } = await run()
  const form = `to=${to}&from=${from}&vhost=chat.test&body=1+1&messageId=m1`
  expect(await post(url, 'ejabberd', form)).toMatchObject({ status: 202 })
  expect(events[0]?.message).toMatchObject({
    to: '+48600100200@chat.test',
    from: '+48600100201@chat.test',
    body: '1 1',
  })
})

test.each([
  ['ejabberd', 'to=carol&from=&vhost=chat.test&body=Hi&messageId=m1'],
  ['mongooseim', 'author=&server=chat.test&receiver=carol&message=Hi'],
])('POST /v1/events/%s takes a message of the server itself', async (path, form) => {
  const { url, events } = await run()
  expect(await post(url, path, form)).toMatchObject({ status: 202 })
  expect(events[0]?.message).toMatchObject({ to: 'carol@chat.test', from: 'chat.test', body: 'Hi' })
})

test.each([
  ['Tom & Jerry + 50% = 🚀', 'Tom & Jerry + 50% = 🚀'],
  ['a&to=mallory&messageId=m0', 'a&to=mallory&messageId=m0'],
  ['Tom+%26+Jerry%20%F0%9F%9A%80', 'Tom & Jerry 🚀'],
  ['50%25', '50%'],
  ['', ''],
])('POST /v1/events/ejabberd takes the text %j, written out or encoded', async (written, body) => {
  const { url, events } = await run()
  const form = `to=carol&from=alice&vhost=chat.test&body=${written}&messageId=m1`
  expect(await post(url, 'ejabberd', form)).toMatchObject({ status: 202 })
  expect(events[0]?.message).toMatchObject({ to: 'carol@chat.test', body, id: 'm1' })
})

test.each([
  ['message', 'application/x-www-form-urlencoded', 'application/json'],
  ['mongooseim', 'application/json', 'application/x-www-form-urlencoded'],
  ['ejabberd', 'text/plain', 'application/x-www-form-urlencoded'],
])('/v1/events/%s as %s is 415, which says what is taken', async (path, type, expected) => {
  const { url } = await run()
  const answer = await post(url, path, '{}', type)
  expect(answer).toMatchObject({ status: 415, body: { error: 'wrong-type' } })
  expect(answer.body.message).toContain(expected)
})

test.each(['message', 'ejabberd'])('more than 1 MiB for /v1/events/%s is 413', async (path) => {
  const { url } = await run()
  expect(await post(url, path, ' '.repeat(1_048_577))).toMatchObject({ status: 413 })
})
