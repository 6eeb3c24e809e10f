import { expect, test } from 'vitest'
import { stanzaErrors } from '../../../../src/core/stanza-error.ts'
import { isForXmppServer } from '../../../../src/main/roles/role-of.ts'
import { oneServer } from '../../../support/one-server.ts'
import { parseStanza } from '../app-server/app-server-at-work.ts'
import { pass, timeStands } from './passing-time.ts'
import {
  carol,
  component,
  eventContent,
  fieldsOf,
  phoneOptions,
  startXmppServer,
  virtualHost,
  type XmppServerAtWork,
} from './xmpp-server-at-work.ts'

timeStands()

async function published(options?: Record<string, string>): Promise<XmppServerAtWork> {
  const work = await startXmppServer()
  await work.enable(carol, 'remote.test', 'n <1>', options)
  expect(await work.event()).toBe(1)
  return work
}

test('an App Server elsewhere gets a publish from the domain that the client enabled on', async () => {
  await using work = await published(phoneOptions)
  const [{ domain, stanza } = { domain: '', stanza: undefined }] = work.sent
  expect(domain).toBe(component)
  expect([stanza?.attr('type'), stanza?.attr('from'), stanza?.attr('to')]).toEqual([
    'set',
    component,
    'remote.test',
  ])
  const [publish, options] = stanza?.firstChild()?.elements() ?? []
  expect(publish?.attr('node')).toBe('n <1>')
  expect(fieldsOf(publish?.firstChild()?.firstChild()?.firstChild())).toEqual({
    FORM_TYPE: 'urn:xmpp:push:summary',
    'message-count': '1',
    'last-message-sender': 'alice@chat.test',
    'last-message-body': 'off 🚀',
  })
  expect(fieldsOf(options?.firstChild())).toEqual({
    FORM_TYPE: 'http://jabber.org/protocol/pubsub#publish-options',
    ...phoneOptions,
  })
})

test('without options there are no publish-options', async () => {
  await using work = await published()
  expect(work.sent[0]?.stanza.firstChild()?.elements()).toHaveLength(1)
})

test('what the operator lets nobody see is not in a publish', async () => {
  await using work = await startXmppServer({
    content: { ...eventContent, includeSender: false, includeBody: false },
  })
  await work.enable(carol, 'remote.test', 'n')
  await work.event()
  const form = work.sent[0]?.stanza.firstChild()?.firstChild()?.firstChild()?.firstChild()?.firstChild()
  expect(Object.keys(fieldsOf(form))).toEqual(['FORM_TYPE', 'message-count'])
})

test('a result keeps the subscription', async () => {
  await using work = await published()
  work.answerLast('result')
  expect(work.stored('carol@chat.test')).toHaveLength(1)
  expect(await work.count('publishes_sent_total', 'result="taken"')).toBe(1)
})

test.each(['cancel/item-not-found', 'cancel/not-acceptable', 'cancel/not-allowed'])(
  '%s disables the subscription, logged with its reason and counted',
  async (error) => {
    await using work = await published()
    await work.enable(carol, 'remote.test', 'other')
    work.answerLast(error)
    await work.settled()
    expect(work.stored('carol@chat.test')).toEqual([{ jid: 'remote.test', node: 'other' }])
    expect(await work.count('registrations_disabled_total', 'reason="refused"')).toBe(1)
    expect(work.log.map((line) => JSON.parse(line))).toMatchObject([
      { user: 'carol@chat.test', jid: 'remote.test', reason: 'refused', word: error.split('/')[1] },
    ])
  },
)

test('a refusal of a publish from before it was enabled anew disables nothing', async () => {
  await using work = await published()
  work.clock.nowMs++
  await work.enable(carol, 'remote.test', 'n <1>')
  work.answerLast('cancel/item-not-found')
  await work.settled()
  expect(work.stored('carol@chat.test')).toHaveLength(1)
  expect(await work.count('registrations_disabled_total', 'reason="refused"')).toBe(0)
})

test.each(['remote.test', virtualHost])('a push that %s takes is a use of the subscription', async (jid) => {
  await using work = await startXmppServer()
  await work.enable(carol, jid, 'n')
  work.clock.nowMs += 86_400_000
  await work.event()
  if (work.sent.length > 0) work.answerLast('result')
  await work.settled()
  expect(work.subscriptions.of('carol@chat.test')).toMatchObject([{ usedAtMs: work.clock.nowMs }])
})

test('an error says what is wrong in its condition, wherever its text stands', async () => {
  await using work = await published()
  const ns = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
  const error = `<error type='cancel'><text ${ns}>no way</text><remote-server-not-found ${ns}/></error>`
  const id = work.sent[0]?.stanza.attr('id')
  work.verdict(`<iq type='error' id='${id}' from='remote.test' to='${component}'>${error}</iq>`)
  await work.settled()
  expect(work.stored('carol@chat.test')).toHaveLength(1)
})

test.each(['auth/forbidden', 'modify/bad-request', 'continue/x'])(
  '%s keeps it, and is the end of this publish',
  async (error) => {
    await using work = await published()
    work.answerLast(error)
    pass(work, 60_000)
    await work.settled()
    expect(work.stored('carol@chat.test')).toHaveLength(1)
    expect(work.sent).toHaveLength(1)
    expect(await work.count('publishes_sent_total', 'result="failed"')).toBe(1)
  },
)

test('wait is tried once more after 10 s, under another id, and never again', async () => {
  await using work = await published()
  work.answerLast('wait/resource-constraint')
  pass(work, 9_999)
  expect(work.sent).toHaveLength(1)
  pass(work, 1)
  expect(work.sent).toHaveLength(2)
  expect(work.sent[1]?.stanza.attr('id')).not.toBe(work.sent[0]?.stanza.attr('id'))
  work.answerLast('wait/resource-constraint')
  pass(work, 60_000)
  expect(work.sent).toHaveLength(2)
  expect(work.stored('carol@chat.test')).toHaveLength(1)
  expect(await work.count('publishes_sent_total', 'result="failed"')).toBe(1)
})

test('what is to be sent again goes out with the options by then, and not at all when push was disabled', async () => {
  await using work = await startXmppServer()
  await work.enable(carol, 'remote.test', 'n', phoneOptions)
  await work.enable(carol, 'remote.test', 'gone')
  expect(await work.event()).toBe(2)
  for (const { stanza } of work.sent.slice()) {
    const [error] = [
      "<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
    ]
    work.verdict(
      `<iq type='error' id='${stanza.attr('id')}' from='remote.test' to='${component}'>${error}</iq>`,
    )
  }
  await work.ask(carol, "<disable xmlns='urn:xmpp:push:0' jid='remote.test' node='gone'/>")
  await work.enable(carol, 'remote.test', 'n', { secret: 'new' })
  pass(work, 10_000)
  const [, , again, ...more] = work.sent
  expect(more).toEqual([])
  expect(fieldsOf(again?.stanza.firstChild()?.elements()[1]?.firstChild())).toMatchObject({ secret: 'new' })
  expect(await work.count('publishes_sent_total', 'result="withdrawn"')).toBe(1)
})

test.each([
  ['remote.test', 'an App Server elsewhere'],
  [virtualHost, 'a virtual host of ours'],
])('to %s, %s, goes no more of a text than any device is sent', async (jid) => {
  await using work = await startXmppServer()
  await work.enable(carol, jid, 'n')
  // Each of these takes six bytes in a stanza, and a server may end a stream for one that is too long.
  await work.event({ body: '"'.repeat(250_000) })
  const item = work.sent[0]?.stanza.firstChild()?.firstChild()?.firstChild()
  const body =
    work.here[0]?.summary.get('last-message-body') ??
    fieldsOf(item?.firstChild()?.firstChild())['last-message-body']
  expect(body).toBe(`${'"'.repeat(4093)}…`)
})

test('silence keeps it: after 30 s nobody waits, and a late answer is nobody’s', async () => {
  await using work = await published()
  pass(work, 29_999)
  expect(await work.count('publishes_sent_total', 'result="timeout"')).toBe(0)
  pass(work, 1)
  expect(await work.count('publishes_sent_total', 'result="timeout"')).toBe(1)
  work.answerLast('cancel/item-not-found')
  await work.settled()
  expect(work.stored('carol@chat.test')).toHaveLength(1)
})

test.each(['cancel/remote-server-not-found', 'wait/remote-server-timeout', 'cancel/remote-server-timeout'])(
  '%s is our server’s word, not the App Server’s: tried once more, it keeps the subscription',
  async (error) => {
    await using work = await published()
    work.answerLast(error)
    pass(work, 10_000)
    expect(work.sent).toHaveLength(2)
    work.answerLast(error)
    pass(work, 60_000)
    await work.settled()
    expect(work.sent).toHaveLength(2)
    expect(work.stored('carol@chat.test')).toHaveLength(1)
    expect(await work.count('publishes_sent_total', 'result="failed"')).toBe(1)
  },
)

test.each([
  ['from somebody else', 'mallory@elsewhere.test'],
  ['from a domain below', 'x.remote.test'],
])('an answer %s is not the App Server’s', async (_, from) => {
  await using work = await published()
  work.answerLast('cancel/item-not-found', from)
  await work.settled()
  expect(work.stored('carol@chat.test')).toHaveLength(1)
  work.answerLast('result')
  expect(await work.count('publishes_sent_total', 'result="taken"')).toBe(1)
})

test('our own publish that comes back to us is the App Server’s, and so is any other answer', async () => {
  await using work = await published()
  const [sent] = work.sent
  if (sent === undefined) throw new Error('nothing sent')
  expect(isForXmppServer(sent.stanza)).toBe(false)
  expect(isForXmppServer(parseStanza(`<iq type='result' id='other' from='x' to='${component}'/>`))).toBe(
    false,
  )
})

test('a virtual host of ours gets it directly, with the options and the summary', async () => {
  await using work = await startXmppServer()
  await work.enable(carol, virtualHost, 'n', { ...phoneOptions, tags: 'mine' })
  expect(await work.event({ messageCount: 3 })).toBe(1)
  expect(work.sent).toEqual([])
  const [input] = work.here
  expect(input).toMatchObject({
    domain: virtualHost,
    node: 'n',
    from: undefined,
    isNotification: true,
    asksForTags: true,
  })
  expect(input?.options).toMatchObject({ service: 'apns', deviceId: 'tok123', topic: 'x' })
  expect(input?.summary.fields).toEqual([
    'message-count',
    '3',
    'last-message-sender',
    'alice@chat.test',
    'last-message-body',
    'off 🚀',
  ])
})

test.each([
  ['a dead device', stanzaErrors.deviceNotRegistered, 'dead_device', 'dead_device'],
  ['options without a device', stanzaErrors.preconditionNotMet, 'rejected_no_device', 'refused'],
] as const)('%s at a virtual host of ours disables the subscription', async (_, error, result, reason) => {
  await using work = await startXmppServer()
  await work.enable(carol, virtualHost, 'n')
  work.hereEnd = { error, result }
  expect(await work.event()).toBe(1)
  await work.settled()
  expect(work.stored('carol@chat.test')).toEqual([])
  expect(await work.count('registrations_disabled_total', `reason="${reason}"`)).toBe(1)
})

test.each(['overload', 'unsendable', 'submitFailed', 'internalServerError', 'invalidPayload'] as const)(
  '%s at a virtual host of ours keeps it',
  async (name) => {
    await using work = await startXmppServer()
    await work.enable(carol, virtualHost, 'n')
    work.hereEnd = { error: stanzaErrors[name], result: 'failed' }
    await work.event()
    await work.settled()
    expect(work.stored('carol@chat.test')).toHaveLength(1)
  },
)

test('a publish goes out from another domain when the one it was enabled on is gone', async () => {
  await using work = await startXmppServer({ servers: oneServer('second.chat.test') })
  await work.enable(carol, 'remote.test', 'n')
  await work.event()
  expect(work.sent[0]?.domain).toBe('second.chat.test')
})
