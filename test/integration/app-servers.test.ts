import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type GatewaySandbox, startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'
import type { XmppClient } from '../support/xmpp-client.ts'
import { describeRoleServers } from './role-servers.ts'
import { admit, bare, configFor, createNode, enablePush, SetUp, service, verdictOf } from './set-up.ts'

/** Publishes of the daemon's own, by way of a real server: to itself, and to another App Server. */

const elsewhere = 'elsewhere.example.com'

describeRoleServers('publishes of the daemon’s own', ({ start, tellDaemon, standIn }) => {
  let setUp: SetUp
  let alice: XmppClient

  beforeAll(async () => {
    // PubSub-full alone: a publish goes into a node, and so takes the way over the server.
    setUp = await SetUp.start(await start([elsewhere]), { push: { virtual_pubsub_hosts: [] } })
    tellDaemon(setUp)
    alice = await setUp.online('alice')
  })
  afterAll(async () => {
    await alice?.goOffline()
    await setUp?.[Symbol.asyncDispose]()
  })

  async function write(to: string, body: string): Promise<void> {
    await alice.message(to, body)
    await standIn(setUp, alice, to, body)
  }

  const sent = (result: string) => setUp.daemon.metric('publishes_sent_total', { result })

  test('come back to it, and make one push each', async () => {
    const bob = await setUp.online('bob')
    expect(verdictOf(await bob.iq('set', service, createNode('bobs-phone', 'publishers')))).toBe('result')
    expect(verdictOf(await bob.iq('set', service, admit('bobs-phone', service)))).toBe('result')
    await enablePush(bob, 'token-1', {}, 'bobs-phone')
    await bob.goOffline()
    const before = await sent('taken')
    await write(bare(bob.jid), 'one')
    await setUp.pushesTo('token-1', 1)
    await write(bare(bob.jid), 'two')
    const pushes = await setUp.pushesTo('token-1', 2)
    expect(pushes).toMatchObject([{ alert: { body: 'one' } }, { alert: { body: 'two' } }])
    await until('both are answered', async () => (await sent('taken')) === before + 2)
    expect(setUp.gateway.requests).toHaveLength(2)
  })

  test('end with the node that they go into', async () => {
    const carol = await setUp.online('carol')
    await enablePush(carol, 'token-2', {}, 'never-made')
    await carol.goOffline()
    const before = await setUp.daemon.metric('subscriptions')
    await write(bare(carol.jid), 'hello')
    await until('it is disabled', async () => (await setUp.daemon.metric('subscriptions')) === before - 1)
  })

  describe('to another App Server of the same server', () => {
    let gateway: GatewaySandbox
    let other: Daemon

    beforeAll(async () => {
      gateway = await startGatewaySandbox()
      const component = { domain: elsewhere, publishers: [service] }
      const push = { virtual_pubsub_hosts: [elsewhere] }
      other = await startDaemon(configFor(setUp.server.componentPort, gateway.url, { component, push }))
    })
    afterAll(async () => {
      await other?.[Symbol.asyncDispose]()
      await gateway?.close()
    })
    afterEach(() => {
      gateway.requests.length = 0
    })

    /** A user whose app has enabled push there and gone to sleep. */
    async function asleep(deviceId: string): Promise<string> {
      const client = await setUp.online('dave')
      await enablePush(client, deviceId, {}, 'a-node', elsewhere)
      await client.goOffline()
      return bare(client.jid)
    }

    test('arrive, once each', async () => {
      const dave = await asleep('token-3')
      await write(dave, 'hello')
      const [request] = await gateway.next(1)
      expect(request).toMatchObject({
        deviceId: 'token-3',
        body: { alert: { title: bare(alice.jid), body: 'hello' } },
      })
      await write(dave, 'again')
      await gateway.next(2)
      expect(gateway.requests.map(({ body }) => body)).toMatchObject([
        { alert: { body: 'hello' } },
        { alert: { body: 'again' } },
      ])
    })

    test('end with a device that is dead there', async () => {
      const dave = await asleep('gone-1')
      const before = await setUp.daemon.metric('subscriptions')
      await write(dave, 'hello')
      await until('it is disabled', async () => (await setUp.daemon.metric('subscriptions')) === before - 1)
      const said = await until('the log says so', () => setUp.daemon.log.find(({ user }) => user === dave))
      expect(said).toMatchObject({ jid: elsewhere, reason: 'refused', word: 'not-acceptable' })
    })

    test('cost nobody the subscription while it is away', async () => {
      const dave = await asleep('token-4')
      const before = await setUp.daemon.metric('subscriptions')
      const failedBefore = await sent('failed')
      await other.stop()
      await write(dave, 'while it is away')
      // ejabberd: nobody else may be reached from here; Prosody: later, perhaps.
      await until('the server has said so, or waits', async () => {
        return (await sent('failed')) + (await setUp.daemon.metric('publishes_unanswered')) > failedBefore
      })
      expect(await setUp.daemon.metric('subscriptions')).toBe(before)
      await other.start()
      await write(dave, 'once it is back')
      await until('it arrives', () =>
        gateway.requests.some(({ body }) => JSON.stringify(body).includes('once it is back')),
      )
    })
  })
})
