import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { startDaemon } from '../support/daemon.ts'
import { certificateOf, startEjabberd } from '../support/ejabberd.ts'
import { lacks } from '../support/installed.ts'
import { startProsody } from '../support/prosody.ts'
import { readmeSnippet } from '../support/readme.ts'
import { Relay, type RelayedConnection } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { configFor, describeServers, SetUp, service } from './set-up.ts'

const publishesOn = ({ toClient }: RelayedConnection) => toClient.split('<publish ').length - 1

describe.skipIf(lacks('ejabberd'))('streams to ejabberd', () => {
  test('two streams share the publishes, and each is answered on its own; when one breaks none is lost', async () => {
    const server = await startEjabberd()
    await using relay = await Relay.start(server.componentPort)
    await using setUp = await SetUp.start(server, {}, relay.port)
    await until('two streams', async () => (await setUp.daemon.metric('component_connected')) === 2)
    const alice = await setUp.online('alice')
    const bob = await setUp.asleep('token-1')

    for (let i = 0; i < 40; i++) await alice.message(bob, `message ${i}`)
    await setUp.pushesTo('token-1', 40)
    const shares = relay.connections.map(publishesOn)
    expect(shares.reduce((sum, share) => sum + share)).toBe(40)
    expect(Math.min(...shares)).toBeGreaterThan(0)
    for (const connection of relay.connections) {
      const answers = () => connection.toServer.split("type='result'").length - 1
      await until('all are answered', () => answers() >= publishesOn(connection))
    }

    // What ejabberd writes into a broken connection before it has seen it break is lost; nothing after that.
    await relay.connections[0]?.cut()
    for (let i = 40; i < 80; i++) await alice.message(bob, `message ${i}`)
    expect(await setUp.pushesTo('token-1', 80)).toHaveLength(80)
    expect(setUp.server.log).not.toContain('rejected notification')
    await alice.goOffline()
  })

  test('direct TLS: with the authority that signed the certificate pushes go through', async () => {
    const server = await startEjabberd({ tls: true })
    const tls = { tls: true, tls_ca_file: certificateOf(server) }
    await using setUp = await SetUp.start(server, { component: tls })
    const alice = await setUp.online('alice')
    await alice.message(await setUp.asleep('token-1'), 'over TLS')
    expect(await setUp.pushesTo('token-1')).toMatchObject([{ alert: { body: 'over TLS' } }])
    await alice.goOffline()
  })

  test('direct TLS: a certificate that nobody vouches for is refused, and /readyz says so', async () => {
    await using server = await startEjabberd({ tls: true })
    expect(readFileSync(certificateOf(server), 'utf8')).toContain('BEGIN CERTIFICATE')
    expect(await notReady(server.componentPort, { tls: true })).toMatch(/certificate/i)
  })
})

describe.skipIf(lacks('prosody'))('streams to Prosody', () => {
  test('as the README has it, a new stream takes the place of one that is half open', async () => {
    const server = await startProsody()
    await using relay = await Relay.start(server.componentPort)
    const quick = { ping_interval_ms: 300, ping_timeout_ms: 300 }
    await using setUp = await SetUp.start(server, { component: quick }, relay.port)
    const alice = await setUp.online('alice')
    const bob = await setUp.asleep('token-1')
    expect(relay.connections).toHaveLength(1)

    const [first] = relay.connections
    first?.freeze()
    await until('another stream', () => relay.connections[1]?.toClient.includes('<handshake/>') === true)
    await setUp.daemon.ready()
    await alice.message(bob, 'over the new one')
    expect(await setUp.pushesTo('token-1')).toMatchObject([{ alert: { body: 'over the new one' } }])
    expect(relay.connections).toHaveLength(2)
    expect(setUp.daemon.output).not.toContain('conflict')
    await alice.goOffline()
  })

  test('without that, one stream carries the pushes and the other stands by, until the first breaks', async () => {
    const component = readmeSnippet('prosody-component').replace(/ {2}component_conflict_resolve.*/, '')
    const server = await startProsody({ component })
    await using relay = await Relay.start(server.componentPort)
    await using setUp = await SetUp.start(
      server,
      { component: { connections: 2, standby_ms: 100 } },
      relay.port,
    )
    const alice = await setUp.online('alice')
    const bob = await setUp.asleep('token-1')
    await alice.message(bob, 'one')
    await setUp.pushesTo('token-1')
    await until('the second was refused', () =>
      relay.connections.some((one) => one.toClient.includes('conflict')),
    )
    expect(await setUp.daemon.metric('component_connected')).toBe(1)
    // For each attempt Prosody would write an error into its log: there is one until the stream breaks.
    await alice.message(bob, 'meanwhile')
    await setUp.pushesTo('token-1', 2)
    expect(relay.connections).toHaveLength(2)
    // A standby is no fault.
    expect(setUp.daemon.complaints).toEqual([])

    await relay.open.find((connection) => publishesOn(connection) > 0)?.cut()
    await until('a stream again', () => relay.open.some(({ toClient }) => toClient.includes('<handshake/>')))
    await setUp.daemon.ready()
    await alice.message(bob, 'another')
    expect(await setUp.pushesTo('token-1', 3)).toHaveLength(3)
    await alice.goOffline()
  })
})

describeServers('a stream that the server refuses', ({ start }) => {
  test.each([
    ['a wrong secret', { secret: 'wrong' }, /secret|not-authorized/i],
    [
      'a domain that the server does not have',
      { domain: 'other.example.com' },
      /domain|host-unknown|not-authorized/i,
    ],
  ])('%s: /readyz says why', async (_, component, reason) => {
    await using server = await start()
    const answer = await notReady(server.componentPort, component)
    expect(answer).toMatch(reason)
    expect(answer).toContain('domain' in component ? component.domain : service)
  })
})

/** Runs a daemon that gets no stream; what /readyz says once it knows why. */
async function notReady(port: number, component: Readonly<Record<string, unknown>>): Promise<string> {
  await using gateway = await startGatewaySandbox()
  await using daemon = await startDaemon(configFor(port, gateway.url, { component }), 'alive')
  await until('a reason', () => daemon.complaints.length > 0)
  const response = await fetch(`${daemon.url}/readyz`)
  expect(response.status).toBe(503)
  return response.text()
}
