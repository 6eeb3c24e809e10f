import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { XmppClient } from '../support/xmpp-client.ts'
import { describeRoleServers } from './role-servers.ts'
import { bare, enablePush, SetUp, service, verdictOf } from './set-up.ts'

describeRoleServers('a server without push of its own', ({ start, tellDaemon, standIn }) => {
  let setUp: SetUp
  let alice: XmppClient

  beforeAll(async () => {
    setUp = await SetUp.start(await start())
    tellDaemon(setUp)
    alice = await setUp.online('alice')
  })
  afterAll(async () => {
    await alice?.goOffline()
    await setUp?.[Symbol.asyncDispose]()
  })

  /** alice writes to the user, who is offline. */
  async function write(to: string, body: string): Promise<void> {
    await alice.message(to, body)
    await standIn(setUp, alice, to, body)
  }

  test('lists push where an app looks for it', async () => {
    const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    const features = async () => {
      const answer = await alice.iq('get', bare(alice.jid), query)
      return answer
        .getChild('query')
        ?.getChildren('feature')
        .map(({ attrs }) => attrs.var)
    }
    await until('push is listed', async () => (await features())?.includes('urn:xmpp:push:0') === true)
  })

  test('lets an app enable push, wakes it for a message, and lets it disable push again', async () => {
    const bob = await setUp.online('bob')
    await enablePush(bob, 'token-1')
    await bob.goOffline()
    await write(bare(bob.jid), 'Zażółć 🚀 <b>')
    const [push] = await setUp.pushesTo('token-1')
    expect(push).toMatchObject({ alert: { title: bare(alice.jid), body: 'Zażółć 🚀 <b>', badge: 1 } })

    const carol = await setUp.online('carol')
    await enablePush(carol, 'token-2')
    const disable = `<disable xmlns='urn:xmpp:push:0' jid='${service}'/>`
    expect(verdictOf(await carol.iq('set', undefined, disable))).toBe('result')
    await carol.goOffline()
    await write(bare(carol.jid), 'nobody is told')
    await write(bare(bob.jid), 'but this one')
    await setUp.pushesTo('token-1', 2)
    expect(setUp.gateway.requests.map(({ deviceId }) => deviceId)).not.toContain('token-2')
  })

  test('says nothing of a message that another device gets', async () => {
    const phone = await setUp.online('erin')
    const user = bare(phone.jid)
    await enablePush(phone, 'token-4')
    const desk = await XmppClient.connect(setUp.server, user.split('@')[0] ?? '', 'desk')
    await phone.goOffline()
    await alice.message(user, 'to the desk')
    await until('the desk has it', () =>
      desk.received.some((stanza) => stanza.getChild('body') !== undefined),
    )
    await desk.goOffline()
    await write(user, 'to nobody')
    const pushes = await setUp.pushesTo('token-4')
    expect(pushes).toMatchObject([{ alert: { body: 'to nobody' } }])
  })

  test('tells an app what is wrong with its request', async () => {
    const withoutNode = `<enable xmlns='urn:xmpp:push:0' jid='${service}'/>`
    expect(verdictOf(await alice.iq('set', undefined, withoutNode))).toBe('modify/bad-request')
  })

  test('lets nobody enable push for somebody else', async () => {
    const dave = await setUp.online('dave')
    const enable = `<enable xmlns='urn:xmpp:push:0' jid='${service}' node='mine'/>`
    expect(verdictOf(await alice.iq('set', bare(dave.jid), enable))).toBe('auth/forbidden')
    expect(verdictOf(await alice.iq('set', 'example.com', enable))).toBe('auth/forbidden')
    await dave.goOffline()
  })

  test('goes on after the daemon was restarted', async () => {
    const bob = await setUp.online('bob')
    await enablePush(bob, 'token-3')
    await bob.goOffline()
    await setUp.daemon.stop()
    await setUp.daemon.start()
    await write(bare(bob.jid), 'hello again')
    expect(await setUp.pushesTo('token-3')).toHaveLength(1)
  })
})
