import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEjabberd } from '../support/ejabberd.ts'
import { lacks } from '../support/installed.ts'
import { snippet } from '../support/pages.ts'
import { startProsody } from '../support/prosody.ts'
import { until } from '../support/until.ts'
import type { XmppClient } from '../support/xmpp-client.ts'
import { bare, enablePush, SetUp, service, verdictOf } from './set-up.ts'

const page = 'docs/server-role.md'

const servers = [
  {
    name: 'ejabberd',
    program: 'ejabberd',
    start: () => startEjabberd({ modules: snippet(page, 'ejabberd-modules') }),
  },
  {
    name: 'Prosody',
    program: 'prosody',
    start: () =>
      startProsody({
        modules: snippet(page, 'prosody-modules'),
        settings: snippet(page, 'prosody-settings'),
        component: snippet(page, 'prosody-hosts'),
        files: { 'offline.pfw': snippet(page, 'offline.pfw') },
      }),
  },
] as const

for (const { name, program, start } of servers) {
  describe.skipIf(lacks(program))(`a server without push of its own (${name})`, () => {
    let setUp: SetUp
    let alice: XmppClient

    beforeAll(async () => {
      setUp = await SetUp.start(await start(), { push: { served_hosts: ['example.com'] } })
      alice = await setUp.online('alice')
    })
    afterAll(async () => {
      await alice?.goOffline()
      await setUp?.[Symbol.asyncDispose]()
    })

    /** alice writes to the user, who is offline; the event comes as the server can tell of it. */
    async function write(to: string, body: string): Promise<void> {
      await alice.message(to, body)
      if (name === 'Prosody') return
      // What mod_offline_http_post would post.
      const [user = '', vhost = ''] = to.split('@')
      const form = new URLSearchParams({ to: user, from: bare(alice.jid).split('@')[0] ?? '', vhost, body })
      const response = await fetch(`${setUp.daemon.url}/v1/events/ejabberd`, { method: 'POST', body: form })
      expect(response.status).toBe(202)
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
}
