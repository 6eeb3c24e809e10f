import { expect, test } from 'vitest'
import { exitCodes } from '../../src/main/exit-codes.ts'
import { startPhases } from '../../src/main/metrics/table.ts'
import { startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'
import { secret, virtualDomain } from './installation.ts'

/** A tenth of what a stream may bring at once, and more than are answered in one turn. */
const publishes = 20

/** A virtual domain at this server, with two streams. */
function tables(port: number, gatewayUrl: string): Record<string, unknown> {
  return {
    component: [
      {
        domain: virtualDomain,
        server: `127.0.0.1:${port}`,
        secret,
        pubsub: false,
        publishers: ['chat.test'],
        connections: 2,
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

test('publishes that come with the handshake, before the store is open, are delivered and answered', async () => {
  const early = Array.from({ length: publishes }, (_, i) => publish(`early${i}`)).join('')
  let streams = 0
  await using xmpp = await startXmppSandbox({
    domains: { [virtualDomain]: secret },
    withHandshake: () => (streams++ === 0 ? early : ''),
  })
  await using gateway = await startGatewaySandbox()
  await using daemon = await startDaemon(tables(xmpp.port, gateway.url))
  for (let i = 0; i < publishes; i++) {
    await xmpp.waitFor(({ xml }) => xml.includes(`id='early${i}'`) && xml.includes("type='result'"))
  }
  expect(gateway.requests).toHaveLength(publishes)
  expect(daemon.complaints).toEqual([])
})

test('the metrics and the log say when each phase of the start was over', async () => {
  await using xmpp = await startXmppSandbox({ domains: { [virtualDomain]: secret } })
  await using gateway = await startGatewaySandbox()
  await using daemon = await startDaemon(tables(xmpp.port, gateway.url))
  const shown: number[] = []
  for (const phase of startPhases) shown.push(await daemon.metric('start_seconds', { phase }))
  expect(Math.min(...shown)).toBeGreaterThan(0)
  const ended = startPhases.map((phase, i) => ({ phase, ms: Math.round((shown[i] ?? 0) * 1000) }))
  // On a busy machine the streams take longer than the start waits for them.
  const inOrder = ended.filter(({ phase }) => phase !== 'streams')
  const times = inOrder.map(({ ms }) => ms)
  expect(times).toEqual([...times].sort((a, b) => a - b))
  const started = daemon.log.find(({ msg }) => msg === 'started')
  expect(started?.startMs).toMatchObject(Object.fromEntries(inOrder.map(({ phase, ms }) => [phase, ms])))
})

test('a second daemon of a data directory opens no stream', async () => {
  await using xmpp = await startXmppSandbox({ domains: { [virtualDomain]: secret } })
  await using gateway = await startGatewaySandbox()
  await using daemon = await startDaemon(tables(xmpp.port, gateway.url))
  await xmpp.waitForStreams(virtualDomain, 2)
  const sameData = { ...tables(xmpp.port, gateway.url), data_dir: `${daemon.dir}/data` }
  await expect(startDaemon(sameData, 'alive')).rejects.toThrow('another xmpp-pushd works on')
  expect(xmpp.openedCount(virtualDomain)).toBe(2)
})

test('a start that fails late ends the streams that it has opened, and tells why', async () => {
  await using xmpp = await startXmppSandbox({ domains: { [virtualDomain]: secret } })
  await using gateway = await startGatewaySandbox()
  await using daemon = await startDaemon(tables(xmpp.port, gateway.url))
  await daemon.stop()
  daemon.configure({
    ...tables(xmpp.port, gateway.url),
    data_dir: `${daemon.dir}/data`,
    http: { listen: `127.0.0.1:${xmpp.port}` },
  })
  await expect(daemon.start('alive')).rejects.toThrow('cannot start')
  await until('the streams to be closed', () => xmpp.streamCount(virtualDomain) === 0)
  expect(await daemon.stop()).toBe(exitCodes.tempFail)
  // Two of the first start, and at least one of this.
  expect(xmpp.openedCount(virtualDomain)).toBeGreaterThan(2)
  expect(daemon.complaints.at(-1)).toMatchObject({ msg: 'cannot start', err: { code: 'EADDRINUSE' } })
})
