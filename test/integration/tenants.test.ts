import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GatewaySandbox, startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import type { XmppSandbox } from '../../src/sandbox/xmpp-sandbox.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { RawComponent } from '../sandbox/raw-component.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { startEjabberd } from '../support/ejabberd.ts'
import { lacks } from '../support/installed.ts'
import { startProsody } from '../support/prosody.ts'
import { until } from '../support/until.ts'
import { register, XmppClient } from '../support/xmpp-client.ts'
import type { XmppServer } from '../support/xmpp-server.ts'
import { bare, configFor, createNode, enablePush, pubsub, SetUp, service, verdictOf } from './set-up.ts'

const other = 'other.example.com'
const ping = "<ping xmlns='urn:xmpp:ping'/>"

describe.skipIf(lacks('ejabberd'))(
  'a stream speaks for its own server: ejabberd with several hosts on one listener',
  () => {
    /** What requests of a user to the other component are answered: from whom, and how. */
    async function answersOfOther(setUp: SetUp): Promise<string[]> {
      const component = await new RawComponent(setUp.server.componentPort).open(other, 'change-me')
      const answering = setInterval(() => {
        for (const [, from, id] of component.text.matchAll(
          /<iq [^>]*from='([^']*)' type='[gs]et' id='([^']*)'/g,
        )) {
          component.write(`<iq type='result' from='${other}' to='${from}' id='${id}'/>`)
        }
        component.text = ''
      }, 20)
      const alice = await setUp.online('alice')
      const payloads = Array.from({ length: 20 }, (_, i) =>
        i % 2 === 0 ? ping : createNode(`n${i}`, 'open'),
      )
      const answers = await Promise.all(
        payloads.map((payload) => alice.iq(payload === ping ? 'get' : 'set', other, payload)),
      )
      clearInterval(answering)
      component.destroy()

      // All is well with the daemon's own.
      await alice.message(await setUp.asleep('token-1'), 'as ever')
      expect(await setUp.pushesTo('token-1')).toMatchObject([{ alert: { body: 'as ever' } }])
      expect(await setUp.daemon.metric('component_reconnects_total')).toBe(0)
      await alice.goOffline()
      return answers.map((answer) => `${answer.attrs.from}: ${verdictOf(answer)}`)
    }

    test('with global_routes, its default, no result is ever given in the name of another component, no stream is lost, and the log names the cure', async () => {
      await using setUp = await SetUp.start(await startEjabberd({ others: [other], globalRoutes: true }))
      const answers = await answersOfOther(setUp)
      const [ours, theirs] = [`${other}: cancel/item-not-found`, `${other}: result`]
      expect(answers.filter((answer) => answer !== ours && answer !== theirs)).toEqual([])
      // ejabberd sends each to any of the three streams that it has for that domain.
      const dropped = await setUp.daemon.metric('stanzas_dropped_total', {
        domain: service,
        why: 'foreign-to',
      })
      expect(dropped).toBeGreaterThan(0)
      expect(answers.filter((answer) => answer === ours)).toHaveLength(dropped)
      expect(setUp.daemon.complaints.map(({ msg, host }) => [msg, host])).toEqual([
        [
          'received stanzas for another component: in ejabberd, set global_routes: false on the listener',
          other,
        ],
      ])
      expect(await setUp.daemon.metric('nodes')).toBe(0)
    })

    test('as the README has it, each component gets its own requests alone', async () => {
      await using setUp = await SetUp.start(await startEjabberd({ others: [other] }))
      expect(new Set(await answersOfOther(setUp))).toEqual(new Set([`${other}: result`]))
      expect(await setUp.daemon.metric('stanzas_dropped_total', { why: 'foreign-to' })).toBe(0)
      expect(setUp.daemon.complaints).toEqual([])
    })
  },
)

const lacksOne = [lacks('ejabberd'), lacks('prosody')].some(Boolean)

describe.skipIf(lacksOne)(
  'a stream speaks for its own server: ejabberd, Prosody and a hostile server on one daemon',
  () => {
    let servers: readonly XmppServer[]
    let hostile: XmppSandbox
    let gateway: GatewaySandbox
    let daemon: Daemon
    let clients: XmppClient[]

    beforeAll(async () => {
      servers = [await startEjabberd(), await startProsody({ domain: 'example.net' })]
      hostile = await startXmppSandbox({ domains: { 'push.example.org': 'change-me' } })
      gateway = await startGatewaySandbox()
      const { component, ...rest } = configFor(0, gateway.url) as { component: Record<string, unknown>[] }
      const at = (domain: string, port: number) => ({
        ...component[0],
        domain: `push.${domain}`,
        server: `127.0.0.1:${port}`,
        hosts: [domain],
        publishers: [domain],
        connections: 1,
      })
      daemon = await startDaemon({
        ...rest,
        component: [
          ...servers.map(({ domain, componentPort }) => at(domain, componentPort)),
          at('example.org', hostile.port),
        ],
        push: { served_hosts: ['example.com', 'example.net'], virtual_pubsub_hosts: [] },
      })
      clients = []
      for (const server of servers) {
        await register(server, 'alice', 'bob')
        clients.push(await XmppClient.connect(server, 'alice'))
      }
    })
    afterAll(async () => {
      for (const client of clients ?? []) await client.goOffline()
      await daemon?.[Symbol.asyncDispose]()
      for (const server of servers ?? []) await server[Symbol.asyncDispose]()
      await hostile?.close()
      await gateway?.close()
    })

    /** The user's node as its owner sees it. */
    async function affiliations(bob: XmppClient, component: string): Promise<string> {
      const answer = await bob.iq(
        'get',
        component,
        `<pubsub xmlns='${pubsub}#owner'><affiliations node='n'/></pubsub>`,
      )
      return `${verdictOf(answer)} ${answer.getChild('pubsub')}`
    }

    test('users of both have their pushes, whatever the third forges about them', async () => {
      const bobs: XmppClient[] = []
      for (const server of servers) {
        const component = `push.${server.domain}`
        const bob = await XmppClient.connect(server, 'bob')
        bobs.push(bob)
        expect(verdictOf(await bob.iq('set', component, createNode('n', 'open')))).toBe('result')
        await enablePush(bob, `device-${server.domain}`, {}, 'n', component)
      }
      const before = await Promise.all(bobs.map((bob, i) => affiliations(bob, `push.${servers[i]?.domain}`)))

      const set = (from: string, to: string, payload: string) =>
        `<iq type='set' id='f' from='${from}' to='${to}'>${payload}</iq>`
      const owner = (payload: string) => `<pubsub xmlns='${pubsub}#owner'>${payload}</pubsub>`
      for (const { domain } of servers) {
        for (const to of [`push.${domain}`, 'push.example.org']) {
          for (const from of [`bob@${domain}`, `bob@${domain}/phone`]) {
            hostile.send('push.example.org', set(from, to, owner("<delete node='n'/>")))
            const taken = `<affiliations node='n'><affiliation jid='eve@example.org' affiliation='owner'/></affiliations>`
            hostile.send('push.example.org', set(from, to, owner(taken)))
          }
          const options = { service: 'apns', device_id: `device-${domain}` }
          hostile.send(
            'push.example.org',
            publishIq({
              id: 'p',
              from: domain,
              to,
              node: 'n',
              options,
              summary: summaryOf('eve@example.org', 'forged'),
            }),
          )
          const gone = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
          hostile.send(
            'push.example.org',
            `<message type='error' from='bob@${domain}' to='${to}'>${gone}</message>`,
          )
        }
      }
      const honest = `<iq type='get' id='h' from='eve@example.org/x' to='push.example.org'>${ping}</iq>`
      expect((await hostile.request('push.example.org', honest)).attr('type')).toBe('result')
      expect(hostile.closed).toEqual([])

      expect(
        await Promise.all(bobs.map((bob, i) => affiliations(bob, `push.${servers[i]?.domain}`))),
      ).toEqual(before)
      for (const [i, bob] of bobs.entries()) {
        await bob.goOffline()
        await clients[i]?.message(bare(bob.jid), 'honest')
      }
      const bodies = await until('both pushes', () => {
        const all = gateway.requests.map(({ deviceId, body }) => [
          deviceId,
          (body.alert as { body: string }).body,
        ])
        return all.length >= 2 ? all : undefined
      })
      expect(bodies.toSorted()).toEqual([
        ['device-example.com', 'honest'],
        ['device-example.net', 'honest'],
      ])
      expect(
        await daemon.metric('stanzas_dropped_total', { domain: 'push.example.org', why: 'foreign-from' }),
      ).toBe(24)
    })
  },
)
