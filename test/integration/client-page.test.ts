// What docs/client.md tells apps to send to their own server is sent to real ones.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { snippet } from '../support/pages.ts'
import type { XmppClient } from '../support/xmpp-client.ts'
import { bare, describeServers, SetUp, verdictOf } from './set-up.ts'

describeServers('an app that does as docs/client.md says', ({ name, start }) => {
  let setUp: SetUp
  let alice: XmppClient

  beforeAll(async () => {
    setUp = await SetUp.start(await start())
    alice = await setUp.online('alice')
  })
  afterAll(async () => {
    await alice?.goOffline()
    await setUp?.[Symbol.asyncDispose]()
  })

  /** Sends what is in the snippet's `<iq/>`, with this token in place of the page's; the answer in short. */
  async function send(client: XmppClient, snippetName: string, token = 'token-1'): Promise<string> {
    const [, content = ''] = /<iq[^>]*>(.*)<\/iq>/s.exec(snippet('docs/client.md', snippetName)) ?? []
    const own = content.replace('the token that Apple or Google gave to the app', token)
    return verdictOf(await client.iq('set', undefined, own))
  }

  test('enables at every login: it is one registration, with the options of the last time', async () => {
    const bob = await setUp.online('bob')
    expect(await send(bob, 'enable', 'old-token')).toBe('result')
    expect(await send(bob, 'enable', 'new-token')).toBe('result')
    await bob.goOffline()
    await alice.message(bare(bob.jid), 'hello')
    await alice.message(await setUp.asleep('marker-1'), 'the server comes to this one last')
    await setUp.pushesTo('marker-1')
    expect(await setUp.pushesTo('new-token')).toMatchObject([{ priority: 'high' }])
    expect(setUp.gateway.requests.map(({ deviceId }) => deviceId)).not.toContain('old-token')
  })

  test.each(['disable', 'disable-all'])('is not pushed to any more after %s', async (how) => {
    const bob = await setUp.online('bob')
    await send(bob, 'enable', `off-${how}`)
    expect(await send(bob, how)).toBe('result')
    await bob.goOffline()
    await alice.message(bare(bob.jid), 'hello')
    await alice.message(await setUp.asleep(`marker-${how}`), 'the server comes to this one last')
    await setUp.pushesTo(`marker-${how}`)
    expect(setUp.gateway.requests.map(({ deviceId }) => deviceId)).not.toContain(`off-${how}`)
  })

  test('is told about what it had not enabled, or not, as the page says of each server', async () => {
    const bob = await setUp.online('bob')
    expect(await send(bob, 'disable')).toBe(name === 'ejabberd' ? 'cancel/item-not-found' : 'result')
    await bob.goOffline()
  })

  test('gets an error from ejabberd, and none from Prosody, for enabling without a node', async () => {
    const bob = await setUp.online('bob')
    const nameless = snippet('docs/client.md', 'enable').replace(" node='a-name-of-its-own'", '')
    const [, content = ''] = /<iq[^>]*>(.*)<\/iq>/s.exec(nameless) ?? []
    const answer = verdictOf(await bob.iq('set', undefined, content))
    expect(answer).toBe(name === 'ejabberd' ? 'cancel/feature-not-implemented' : 'result')
    await bob.goOffline()
  })

  test('finds out that its server knows push where the page says', async () => {
    const bob = await setUp.online('bob')
    const info = `<query xmlns='http://jabber.org/protocol/disco#info'/>`
    const answer = await bob.iq('get', bare(bob.jid), info)
    expect(String(answer)).toContain('urn:xmpp:push:0')
    await bob.goOffline()
  })
})
