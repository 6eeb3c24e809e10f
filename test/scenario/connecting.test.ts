import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'
import { secret, virtualDomain } from './installation.ts'

/** A virtual domain at this server. */
function tables(port: number, gatewayUrl: string, component: Readonly<Record<string, unknown>>) {
  return {
    component: [
      {
        domain: virtualDomain,
        server: `127.0.0.1:${port}`,
        secret,
        pubsub: false,
        publishers: ['chat.test'],
        ...component,
      },
    ],
    push: { served_hosts: ['chat.test'], virtual_pubsub_hosts: ['virtual.@HOST@'] },
    mongoosepush: { url: gatewayUrl },
  }
}

function publish(id: string): string {
  const options = { service: 'fcm', device_id: id }
  const summary = summaryOf('juliet@chat.test', 'O Romeo')
  return publishIq({ id, from: 'chat.test', to: virtualDomain, node: 'NODE', options, summary })
}

test('of two daemons that MongooseIM accepts at one instant one gives way, and pushes arrive', async () => {
  // Their attempts come every 250 ms.
  await using xmpp = await startXmppSandbox({
    domains: { [virtualDomain]: secret },
    secondStream: 'MongooseIM',
    raceMs: 400,
  })
  await using gateway = await startGatewaySandbox()
  await xmpp.refuseConnections()
  const config = tables(xmpp.port, gateway.url, { connections: 1 })
  await using one = await startDaemon(config, 'alive')
  await using other = await startDaemon(config, 'alive')
  await xmpp.acceptConnections()
  await xmpp.waitForStreams(virtualDomain, 2)
  // A stream that only waits for its ping would be there for ten seconds.
  await xmpp.waitForStreams(virtualDomain, 1, 8_000)
  const isUp = async () =>
    (await one.metric('component_connected')) + (await other.metric('component_connected'))
  await until('one of them to be up', async () => (await isUp()) === 1, 8_000)
  expect((await xmpp.request(virtualDomain, publish('a'))).attr('type')).toBe('result')
  expect(gateway.requests).toHaveLength(1)
  const lost = { cause: 'conflict' }
  await until('the other to stand by', async () => {
    return (
      (await one.metric('component_streams_lost_total', lost)) +
        (await other.metric('component_streams_lost_total', lost)) >
      0
    )
  })
})

test('a server that reads slowly keeps its stream, is told of once, and gets every answer', async () => {
  await using xmpp = await startXmppSandbox({
    domains: { [virtualDomain]: secret },
    readBytesPerSecond: 20_000,
  })
  await using gateway = await startGatewaySandbox()
  const pings = { connections: 1, ping_interval_ms: 1_000, ping_timeout_ms: 1_500 }
  await using daemon = await startDaemon(tables(xmpp.port, gateway.url, pings))
  const answers: Promise<string | undefined>[] = []
  // Twice as much as the server reads, for eight seconds: the last answers are read after eighteen.
  for (let second = 0; second < 16; second++) {
    for (let i = 0; i < 300; i++) {
      const answer = xmpp.request(virtualDomain, publish(`p${second}-${i}`), { timeoutMs: 60_000 })
      answers.push(answer.then((iq) => iq.attr('type')))
    }
    await delay(500)
  }
  await until('a delay to be seen', async () => (await daemon.metric('component_read_delay_seconds')) > 2)
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['result']))
  expect(daemon.complaints).toMatchObject([{ stream: 0, msg: expect.stringContaining('slow to read') }])
  expect(daemon.complaints[0]?.bytesPerSecond).toBeGreaterThan(5_000)
  expect(daemon.complaints[0]?.bytesPerSecond).toBeLessThan(40_000)
  expect(xmpp.openedCount(virtualDomain)).toBe(1)
  await until('no delay any more', async () => (await daemon.metric('component_read_delay_seconds')) === 0)
})
