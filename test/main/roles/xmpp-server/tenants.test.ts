import { describe, expect, test } from 'vitest'
import { XmppServers } from '../../../../src/core/xmpp-servers.ts'
import {
  carol,
  component,
  phoneOptions,
  startXmppServer,
  virtualHost,
  type XmppServerAtWork,
} from './xmpp-server-at-work.ts'

/** `chat.test` is the server of `component`, `other.test` that of the second domain. */
const second = 'second.chat.test'
const servers = new XmppServers([
  { domain: component, server: 'a:5347', hosts: ['chat.test'] },
  { domain: second, server: 'b:5347', hosts: ['other.test'] },
])
const xavier = 'xavier@other.test/x'

async function twoServers(): Promise<XmppServerAtWork> {
  const work = await startXmppServer({ servers })
  expect(await work.ask(carol, enableAt('remote.test'))).toBe('result')
  expect(await work.ask(xavier, enableAt('remote.test'), 'set', second)).toBe('result')
  return work
}

function enableAt(jid: string): string {
  return `<enable xmlns='urn:xmpp:push:0' jid='${jid}' node='n'/>`
}

function forwarded(from: string, userTo: string, to: string): string {
  return `<message from='${from}' to='${to}'><forwarded xmlns='urn:xmpp:forward:0'><message type='chat' xmlns='jabber:client' id='1' to='${userTo}' from='eve@far.test/x'><body>Hi</body></message></forwarded></message>`
}

describe('a stream speaks for its own server', () => {
  test('a server’s event about a message to a user of another server is refused, and counted', async () => {
    await using work = await twoServers()
    expect(work.verdict(forwarded('other.test', 'carol@chat.test', second), second)).toBeUndefined()
    expect(work.sent).toEqual([])
    expect(await work.count('events_total', 'source="forwarded",result="refused"')).toBe(1)
    // And it is not taken for told of.
    expect(work.verdict(forwarded('chat.test', 'carol@chat.test', component))).toEqual({ kind: 'taken' })
    expect(work.sent).toHaveLength(1)
  })

  test('a publish of a user’s messages goes out on a domain of the user’s own server, whatever else is configured', async () => {
    await using work = await twoServers()
    await work.subscriptions.put(
      { ...work.subscriptions.of('xavier@other.test')[0], domain: 'long.gone.test' } as never,
      32,
    )
    await work.event({ to: 'xavier@other.test' })
    expect(work.sent.map(({ domain }) => domain)).toEqual([second])
  })

  test('an answer to a publish is taken where it was sent from, and nowhere else', async () => {
    await using work = await twoServers()
    await work.event({ to: 'carol@chat.test' })
    const id = work.sent[0]?.stanza.attr('id')
    const error = "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    const answer = (to: string) => `<iq type='error' id='${id}' from='remote.test' to='${to}'>${error}</iq>`
    expect(work.verdict(answer(second), second)).toBeUndefined()
    await work.settled()
    expect(work.stored('carol@chat.test')).toHaveLength(1)
    expect(work.verdict(answer(component))).toEqual({ kind: 'taken' })
    await work.settled()
    expect(work.stored('carol@chat.test')).toHaveLength(0)
  })

  test('an account that a server says is gone loses what it has enabled there, and all where the server is its own', async () => {
    await using work = await twoServers()
    const [of] = work.subscriptions.of('xavier@other.test')
    if (of === undefined) throw new Error('none')
    await work.subscriptions.put({ ...of, node: 'imported', domain: '' }, 32)
    await work.subscriptions.put({ ...of, user: 'dave@far.test', domain: component }, 32)
    await work.subscriptions.put({ ...of, user: 'dave@far.test', node: 'm', domain: second }, 32)
    await work.server.accountGone('dave@far.test', second)
    expect(work.stored('dave@far.test')).toEqual([{ jid: 'remote.test', node: 'n' }])
    await work.server.accountGone('xavier@other.test', second)
    expect(work.stored('xavier@other.test')).toEqual([])
  })

  test('a virtual host of another server says itself whether a user of this one may have pushes there', async () => {
    const apart = new XmppServers([
      { domain: component, server: 'a:5347', hosts: ['chat.test'] },
      { domain: virtualHost, server: 'b:5347', hosts: ['other.test'] },
    ])
    await using work = await startXmppServer({ servers: apart })
    await work.enable(carol, virtualHost, 'n', phoneOptions)
    await work.event()
    expect(work.here[0]?.from).toBe(component)
    await work.enable('xavier@other.test/x', virtualHost, 'n', phoneOptions)
    await work.event({ to: 'xavier@other.test' })
    expect(work.here[1]?.from).toBeUndefined()
  })
})
