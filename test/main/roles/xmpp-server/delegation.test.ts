import { expect, test } from 'vitest'
import { summaryOfAnswer } from '../app-server/app-server-at-work.ts'
import {
  carol,
  component,
  enable,
  phoneOptions,
  startXmppServer,
  type XmppServerAtWork,
} from './xmpp-server-at-work.ts'

interface Delegated {
  readonly ns?: string
  readonly outerFrom?: string
  readonly innerFrom?: string
  /** Undefined: none. */
  readonly innerTo?: string | undefined
  readonly innerType?: string
  readonly payload?: string
}

function delegated(given: Delegated = {}): string {
  const {
    ns = 'urn:xmpp:delegation:2',
    outerFrom = 'chat.test',
    innerFrom = carol,
    innerTo,
    innerType = 'set',
  } = given
  const to = innerTo === undefined ? '' : ` to='${innerTo}'`
  const { payload = enable(component, 'node1', phoneOptions) } = given
  return `<iq type='set' to='${component}' id='out&amp;er' from='${outerFrom}'><delegation xmlns='${ns}'><forwarded xmlns='urn:xmpp:forward:0'><iq type='${innerType}' xmlns='jabber:client' id='q5' xml:lang='en' from='${innerFrom}'${to}>${payload}</iq></forwarded></delegation></iq>`
}

/** What the user is told within the outer result. */
async function inner(work: XmppServerAtWork, given: Delegated): Promise<string> {
  const outer = await work.answer(delegated(given))
  expect(outer.attr('type')).toBe('result')
  const iq = outer.firstChild()?.firstChild()?.firstChild()
  if (iq?.attr('type') === 'result') return 'result'
  const error = iq?.child('error', 'jabber:client')
  return `${error?.attr('type')}/${error?.firstChild()?.name}`
}

const delay = "<delay xmlns='urn:xmpp:delay' from='chat.test' stamp='2026-11-22T03:52:37Z'/>"

test.each<[string, (xml: string) => string]>([
  ['before the request', (xml) => xml.replace(/(<forwarded [^>]*>)/, `$1${delay}`)],
  ['in it, beside what is asked for', (xml) => xml.replace('<enable', `${delay}<enable`)],
  [
    'in both places',
    (xml) => xml.replace('<enable', `${delay}<enable`).replace(/(<forwarded [^>]*>)/, `$1${delay}`),
  ],
])('a delay %s is taken', async (_, edit) => {
  await using work = await startXmppServer()
  const xml = edit(delegated())
  expect(xml).toContain(delay)
  const outer = await work.answer(xml)
  expect(outer.firstChild()?.firstChild()?.firstChild()?.attr('type')).toBe('result')
  expect(work.stored('carol@chat.test')).toEqual([{ jid: component, node: 'node1' }])
})

test.each(['urn:xmpp:delegation:1', 'urn:xmpp:delegation:2'])(
  'a request under %s is answered under it, word by word',
  async (ns) => {
    await using work = await startXmppServer()
    expect(await work.answerText(delegated({ ns }))).toBe(
      `<iq type='result' id='out&amp;er' from='${component}' to='chat.test'><delegation xmlns='${ns}'><forwarded xmlns='urn:xmpp:forward:0'>` +
        `<iq xmlns='jabber:client' type='result' id='q5' from='carol@chat.test' to='${carol}'/></forwarded></delegation></iq>`,
    )
    expect(work.stored('carol@chat.test')).toEqual([{ jid: component, node: 'node1' }])
  },
)

test('the inner to may be the own bare JID', async () => {
  await using work = await startXmppServer()
  expect(await inner(work, { innerTo: 'Carol@chat.test' })).toBe('result')
})

test.each([
  ['somebody else', { innerTo: 'alice@chat.test' }],
  ['the server', { innerTo: 'chat.test' }],
  ['the own full JID', { innerTo: carol }],
  ['what is no JID', { innerTo: '@' }],
  ['nobody, from a user of another host', { innerFrom: 'bob@other.test/x' }],
  ['nobody, from the server itself', { innerFrom: 'chat.test' }],
])('a request to %s is refused to the user, in an outer result', async (_, given) => {
  await using work = await startXmppServer()
  expect(await inner(work, given)).toBe('auth/forbidden')
  expect(work.subscriptions.count()).toBe(0)
})

test.each(['elsewhere.test', 'carol@chat.test', 'chat.test/x', 'sub.chat.test', carol])(
  'a delegation from %s, no served host, is refused itself',
  async (outerFrom) => {
    await using work = await startXmppServer()
    expect(summaryOfAnswer(await work.answer(delegated({ outerFrom })))).toBe('auth/forbidden')
    expect(work.subscriptions.count()).toBe(0)
  },
)

test.each([
  ['a get', { innerType: 'get' }, 'cancel/not-allowed'],
  ['no node', { payload: `<enable xmlns='urn:xmpp:push:0' jid='p.test'/>` }, 'modify/bad-request'],
  ['no payload', { payload: '' }, 'modify/bad-request'],
  ['an answer', { innerType: 'result' }, 'modify/bad-request'],
  ['another request', { payload: "<query xmlns='jabber:iq:version'/>" }, 'cancel/service-unavailable'],
  ['a disable', { payload: `<disable xmlns='urn:xmpp:push:0' jid='p.test'/>` }, 'result'],
])('%s is answered in an outer result', async (_, given, expected) => {
  await using work = await startXmppServer()
  expect(await inner(work, given)).toBe(expected)
})

test.each([
  '',
  "<forwarded xmlns='urn:xmpp:forward:0'/>",
  "<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' id='x'/></forwarded>",
])('what names nobody to be answered is a bad request', async (content) => {
  await using work = await startXmppServer()
  const iq = `<iq type='set' to='${component}' id='o' from='chat.test'><delegation xmlns='urn:xmpp:delegation:1'>${content}</delegation></iq>`
  expect(summaryOfAnswer(await work.answer(iq))).toBe('modify/bad-request')
})

test('what asks for something and does not set it, is a bad request', async () => {
  await using work = await startXmppServer()
  const iq = `<iq type='get' to='${component}' id='o' from='chat.test'><delegation xmlns='urn:xmpp:delegation:1'/></iq>`
  expect(summaryOfAnswer(await work.answer(iq))).toBe('modify/bad-request')
})

test.each([
  'urn:xmpp:delegation:1::urn:xmpp:push:0',
  'urn:xmpp:delegation:1:bare:urn:xmpp:push:0',
  'urn:xmpp:delegation:2::urn:xmpp:push:0',
  'urn:xmpp:delegation:2:bare:urn:xmpp:push:0',
])('the nesting question %s is answered with the push feature and its node', async (node) => {
  await using work = await startXmppServer()
  const query = `<iq to='${component}' from='chat.test' type='get' id='rr-1/+='><query node='${node}' xmlns='http://jabber.org/protocol/disco#info'/></iq>`
  expect(await work.answerText(query)).toBe(
    `<iq type='result' id='rr-1/+=' from='${component}' to='chat.test'><query xmlns='http://jabber.org/protocol/disco#info' node='${node}'><feature var='urn:xmpp:push:0'/></query></iq>`,
  )
})

test.each([
  ['about another namespace', 'chat.test', 'get', 'urn:xmpp:delegation:1::jabber:iq:roster'],
  ['from a server that is not served', 'elsewhere.test', 'get', 'urn:xmpp:delegation:1::urn:xmpp:push:0'],
  ['that is none', 'chat.test', 'set', 'urn:xmpp:delegation:1::urn:xmpp:push:0'],
])('a nesting question %s is left to the App Server', async (_, from, type, node) => {
  await using work = await startXmppServer()
  const query = `<iq to='${component}' from='${from}' type='${type}' id='n'><query node='${node}' xmlns='http://jabber.org/protocol/disco#info'/></iq>`
  expect(work.verdict(query)).toBeUndefined()
})

test('what a served host delegates and permits is taken in silence, from others it is a message like any', async () => {
  await using work = await startXmppServer()
  const about = (from: string, payload: string) =>
    `<message from='${from}' to='${component}'>${payload}</message>`
  const delegation =
    "<delegation xmlns='urn:xmpp:delegation:2'><delegated namespace='urn:xmpp:push:0'/></delegation>"
  const privilege =
    "<privilege xmlns='urn:xmpp:privilege:1'><perm type='outgoing' access='message'/></privilege>"
  for (const payload of [delegation, privilege]) {
    expect(work.verdict(about('chat.test', payload))).toEqual({ kind: 'taken' })
    expect(work.verdict(about('elsewhere.test', payload))).toBeUndefined()
  }
})
