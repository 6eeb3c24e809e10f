import { describe, expect, test } from 'vitest'
import { stanzaErrors } from '../../../../src/core/stanza-error.ts'
import type { PublishEnd } from '../../../../src/main/roles/app-server/publish-end.ts'
import {
  carol,
  component,
  offline,
  startXmppServer,
  usualOptions,
  virtualHost,
  type XmppServerAtWork,
} from './xmpp-server-at-work.ts'

const message = (attributes = "type='chat'", children = '<body>off 🚀</body>') =>
  `<message xmlns='jabber:client' id='f1' to='carol@chat.test' xml:lang='en' from='alice@chat.test/phone' ${attributes}>${children}</message>`

/** As Prosody's mod_firewall routes a copy. */
const forwarded = (inner = message(), from = 'chat.test') =>
  `<message from='${from}' to='${component}'><forwarded xmlns='urn:xmpp:forward:0'>${inner}</forwarded></message>`

/** As ejabberd's mod_push_offline tells. */
const pushOffline = (inner = message(), from = 'carol@chat.test', node = 'urn:xmpp:push:nodes:messages') =>
  `<message to='${component}' from='${from}' id='10655570866566869680'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${node}'><item id='10655570866566869680'>${inner}</item></items></event></message>`

async function subscribed(plugin = 'defaults'): Promise<XmppServerAtWork> {
  const work = await startXmppServer({ plugin })
  await work.enable(carol, 'remote.test', 'n')
  return work
}

test.each([
  ['forwarded', forwarded()],
  ['push_offline', pushOffline()],
])('a message told of as %s is published to the user’s subscription', async (source, stanza) => {
  await using work = await subscribed()
  expect(work.verdict(stanza)).toEqual({ kind: 'taken' })
  expect(work.sent).toHaveLength(1)
  work.answerLast('result')
  await work.settled()
  expect(await work.count('events_total', `source="${source}",result="notified"`)).toBe(1)
})

test('ejabberd’s mod_push_offline is understood as it was seen on the wire', async () => {
  await using work = await startXmppServer()
  await work.enable('u50@chat.test/r', virtualHost, 'n')
  const seen = `<message to='${component}' from='u50@chat.test' id='10655570866566869680'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:push:nodes:messages'><item id='10655570866566869680'><message xml:lang='en' to='u50@chat.test' from='u51@chat.test/phone' type='chat' id='p1' xmlns='jabber:client'><delay from='chat.test' stamp='2026-11-22T04:11:27.717210Z' xmlns='urn:xmpp:delay'>Offline storage</delay><body>Zażółć 🚀</body></message></item></items></event></message>`
  expect(work.verdict(seen)).toEqual({ kind: 'taken' })
  expect(work.here[0]?.summary.fields).toEqual([
    'message-count',
    '1',
    'last-message-sender',
    'u51@chat.test',
    'last-message-body',
    'Zażółć 🚀',
  ])
})

test.each([
  ['forwarded', 'a server that is not served', forwarded(message(), 'elsewhere.test')],
  ['forwarded', 'a user of a served host', forwarded(message(), carol)],
  ['forwarded', 'a user whose resource looks international', forwarded(message(), 'eve@chat.test/xn--')],
  ['forwarded', 'a user whose name is not ASCII', forwarded(message(), 'ève@chat.test')],
  ['forwarded', 'a resource of the server', forwarded(message(), 'chat.test/é')],
  ['forwarded', 'what looks like the server’s port', forwarded(message(), 'é@elsewhere.test/@chat.test')],
  ['push_offline', 'a client of the user', pushOffline(message(), carol)],
  ['push_offline', 'another user', pushOffline(message(), 'mallory@chat.test')],
  [
    'push_offline',
    'a user elsewhere',
    pushOffline(message().replace('carol@chat', 'carol@else'), 'carol@else.test'),
  ],
  ['push_offline', 'the server', pushOffline(message(), 'chat.test')],
])('%s from %s is refused, and left to be dropped', async (source, _, stanza) => {
  await using work = await subscribed()
  expect(work.verdict(stanza)).toBeUndefined()
  expect(work.sent).toEqual([])
  expect(await work.count('events_total', `source="${source}",result="refused"`)).toBe(1)
})

test.each([
  ['no type', '', 1],
  ['chat', "type='chat'", 1],
  ['groupchat', "type='groupchat'", 1],
  ['normal', "type='normal'", 1],
  ['an unknown type', "type='surprise'", 1],
  ['error', "type='error'", 0],
  ['headline', "type='headline'", 0],
])('a message of %s is pushed or not', async (_, attributes, published) => {
  await using work = await subscribed()
  work.verdict(forwarded(message(attributes)))
  expect(work.sent).toHaveLength(published)
})

test.each([
  ['a presence', "<presence xmlns='jabber:client' from='a@chat.test/x' to='carol@chat.test'/>"],
  ['an iq', "<iq xmlns='jabber:client' from='a@chat.test/x' to='carol@chat.test' type='get' id='1'/>"],
  ['a message without an address', "<message xmlns='jabber:client'><body>x</body></message>"],
  ['a message to a user who is not served', message().replace('carol@chat.test', 'carol@elsewhere.test')],
  ['a message to a user without subscriptions', message().replace('carol@chat.test', 'dave@chat.test')],
  ['a chat state', message("type='chat'", "<composing xmlns='http://jabber.org/protocol/chatstates'/>")],
  ['an empty body', message("type='chat'", '<body/>')],
  ['nothing', ''],
])('%s is skipped', async (_, inner) => {
  await using work = await subscribed()
  expect(work.verdict(forwarded(inner))).toEqual({ kind: 'taken' })
  expect(work.sent).toEqual([])
  expect(await work.count('events_total', 'source="forwarded",result="skipped"')).toBe(1)
})

test.each([forwarded(), pushOffline()])(
  'an event that comes back as an error tells of nothing',
  async (event) => {
    await using work = await subscribed()
    expect(work.verdict(event.replace('<message ', "<message type='error' "))).toBeUndefined()
    expect(work.sent).toEqual([])
  },
)

test('an event of another node is a message like any', async () => {
  await using work = await subscribed()
  expect(
    work.verdict(pushOffline(message(), 'carol@chat.test', 'urn:xmpp:push:nodes:presence')),
  ).toBeUndefined()
})

test('one message is pushed once, however often and in whichever ways it is told of', async () => {
  await using work = await subscribed()
  work.verdict(pushOffline())
  work.verdict(pushOffline())
  work.verdict(forwarded())
  expect(await work.event({ id: 'f1' })).toBe(0)
  expect(work.sent).toHaveLength(1)
  expect(await work.count('events_total', 'source="push_offline",result="duplicate"')).toBe(1)
  expect(await work.count('events_total', 'source="message",result="duplicate"')).toBe(1)
})

test.each([
  ['another id', { id: 'f2' }, 0],
  ['another sender', { from: 'bob@chat.test/x' }, 0],
  ['no id, which cannot be known again,', { id: '' }, 1],
])('a message of %s is another one', async (_, change, again) => {
  await using work = await subscribed()
  await work.event()
  expect(await work.event(change)).toBe(1)
  expect(await work.event(change)).toBe(again)
})

test('after the window a message may be told of anew', async () => {
  await using work = await subscribed()
  await work.event()
  work.clock.nowMs += 299_999
  expect(await work.event()).toBe(0)
  work.clock.nowMs += 1
  expect(await work.event()).toBe(1)
})

test('without a window everything is pushed', async () => {
  await using work = await startXmppServer({ dedupWindowMs: 0 })
  await work.enable(carol, 'remote.test', 'n')
  expect([await work.event(), await work.event()]).toEqual([1, 1])
})

test('a host that is no longer served gets no more pushes', async () => {
  await using work = await subscribed()
  expect(await work.event({ id: '1' })).toBe(1)
  work.server.reconfigure({ ...usualOptions, servedHosts: ['other.test'], dedupWindowMs: 0 })
  expect(await work.event({ id: '2' })).toBe(0)
})

test('of lost streams each client is told once, and of the same message as offline only those not told yet', async () => {
  await using work = await subscribed('enhanced')
  await work.enable('carol@chat.test/r2', 'remote.test', 'n2')
  await work.enable('carol@chat.test/r3', 'remote.test', 'n3')
  const unacked = (session: string) => work.event({ kind: 'unacked', session })
  const nodes = () => work.sent.map(({ stanza }) => stanza.firstChild()?.firstChild()?.attr('node'))

  expect(await unacked(carol)).toBe(1)
  expect(await unacked(carol)).toBe(0)
  expect(await unacked('carol@chat.test/r2')).toBe(1)
  expect(await unacked('carol@chat.test/unknown')).toBe(0)
  expect(await work.event(offline)).toBe(1)
  expect(await work.event(offline)).toBe(0)
  expect(nodes()).toEqual(['n', 'n2', 'n3'])
})

test('with a plugin that heeds no kinds an unacked message is pushed to all, once', async () => {
  await using work = await subscribed()
  await work.enable('carol@chat.test/r2', 'remote.test', 'n2')
  expect(await work.event({ kind: 'unacked', session: carol })).toBe(2)
  expect(await work.event()).toBe(0)
  expect(await work.event({ kind: 'unacked', session: 'carol@chat.test/r2' })).toBe(0)
})

describe('a message whose push is neither delivered nor stored', () => {
  const undelivered: PublishEnd = { error: stanzaErrors.remoteServerTimeout, result: 'failed' }
  const delivered: PublishEnd = { error: undefined, result: 'delivered' }

  test.each([
    ['remoteServerTimeout', 'undelivered'],
    ['internalServerError', 'undelivered'],
    ['overload', 'no-room'],
    // The gateway will not take them the next time either.
    ['submitFailed', 'safe'],
    ['unsendable', 'safe'],
    ['deviceNotRegistered', 'safe'],
    ['invalidPayload', 'safe'],
  ] as const)('%s leaves it %s', async (name, safety) => {
    await using work = await startXmppServer()
    await work.enable(carol, virtualHost, 'n')
    work.hereEnd = { error: stanzaErrors[name], result: 'failed' }
    expect(await work.take()).toEqual({ notified: 1, safety })
    const result = safety === 'safe' ? 'notified' : 'failed'
    expect(await work.count('events_total', `source="message",result="${result}"`)).toBe(1)
  })

  test('told of again it goes to those alone whom it had not reached', async () => {
    await using work = await subscribed()
    await work.enable(carol, virtualHost, 'n')
    work.hereEnd = undelivered
    const first = work.take()
    work.answerLast('result')
    expect(await first).toEqual({ notified: 2, safety: 'undelivered' })
    work.hereEnd = delivered
    expect(await work.take()).toEqual({ notified: 1, safety: 'safe' })
    expect([work.here.length, work.sent.length]).toEqual([2, 1])
    expect(await work.take()).toEqual({ notified: 0, safety: 'safe' })
  })

  test('told of again meanwhile it comes to the same end', async () => {
    await using work = await startXmppServer()
    await work.enable(carol, virtualHost, 'n')
    work.hereEnd = undelivered
    const ends = await Promise.all([work.take(), work.take(), work.take()])
    expect(ends.map(({ safety }) => safety)).toEqual(['undelivered', 'undelivered', 'undelivered'])
    expect(work.here).toHaveLength(1)
  })

  test('may be told of again for the same lost stream, and as offline', async () => {
    await using work = await startXmppServer({ plugin: 'enhanced' })
    await work.enable(carol, virtualHost, 'n')
    await work.enable('carol@chat.test/r2', virtualHost, 'n2')
    const unacked = { kind: 'unacked', session: carol } as const
    work.hereEnd = undelivered
    expect(await work.take(unacked)).toEqual({ notified: 1, safety: 'undelivered' })
    expect(await work.take(unacked)).toEqual({ notified: 1, safety: 'undelivered' })
    work.hereEnd = delivered
    expect(await work.take(unacked)).toEqual({ notified: 1, safety: 'safe' })
    expect(await work.take(unacked)).toEqual({ notified: 0, safety: 'safe' })
    expect(await work.take()).toEqual({ notified: 1, safety: 'safe' })
    expect(work.here.map(({ node }) => node)).toEqual(['n', 'n', 'n', 'n2'])
  })

  test('for a lost stream is open although it was told of as offline meanwhile', async () => {
    await using work = await startXmppServer({ plugin: 'enhanced' })
    await work.enable(carol, virtualHost, 'n')
    work.hereEnd = undelivered
    const lost = work.take({ kind: 'unacked', session: carol })
    const asOffline = work.take()
    expect([await lost, await asOffline]).toEqual([
      { notified: 1, safety: 'undelivered' },
      { notified: 0, safety: 'undelivered' },
    ])
    work.hereEnd = delivered
    expect(await work.take({ kind: 'unacked', session: carol })).toEqual({ notified: 1, safety: 'safe' })
  })
})

test('an event that the store cannot be asked about is to be told of again', async () => {
  await using work = await subscribed()
  await work.environment.close()
  expect(await work.take()).toEqual({ notified: 0, safety: 'undelivered' })
  expect(work.log.join()).toContain('an event cannot be handled')
})

test('an event is to be told of again when a fault of ours keeps its push back', async () => {
  await using work = await startXmppServer()
  await work.enable(carol, virtualHost, 'n')
  const { publishHere } = work
  work.publishHere = () => {
    throw new Error('a bug')
  }
  expect(await work.take()).toEqual({ notified: 1, safety: 'undelivered' })
  expect(work.log.join()).toContain('an event cannot be handled')
  work.publishHere = publishHere
  expect(await work.take()).toEqual({ notified: 1, safety: 'safe' })
})

test('an account that is gone loses its subscriptions', async () => {
  await using work = await subscribed()
  await work.enable('dave@chat.test/x', 'remote.test', 'n')
  await work.server.accountGone('carol@chat.test', component)
  expect([work.stored('carol@chat.test').length, work.stored('dave@chat.test').length]).toEqual([0, 1])
  expect(await work.count('registrations_disabled_total', 'reason="account_gone"')).toBe(1)
  expect(work.log.join()).toContain('account_gone')
})
