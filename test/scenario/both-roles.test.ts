import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GatewaySandbox, startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'
import { fullDomain, type Installation, install, secret, virtualDomain } from './installation.ts'
import { createNode, enablePush, forwarded, postEvents } from './server-role.ts'

/** One daemon as the users' server and as their App Server, beside an App Server elsewhere: another of its kind. */

const elsewhere = 'push.elsewhere.test'
const carol = 'carol@chat.test'
const dave = 'dave@chat.test'

let installed: Installation
let otherGateway: GatewaySandbox
let other: Daemon

beforeAll(async () => {
  installed = await install({ others: [elsewhere], fullComponent: { publishers: ['chat.test'] } })
  otherGateway = await startGatewaySandbox()
  const server = `127.0.0.1:${installed.xmpp.port}`
  other = await startDaemon({
    component: [{ domain: elsewhere, server, secret, pubsub: false }],
    push: { virtual_pubsub_hosts: [elsewhere] },
    mongoosepush: { url: otherGateway.url },
  })

  await createNode(installed, `${carol}/r`, 'full')
  await enablePush(installed, `${carol}/r`, virtualDomain, 'virtual', 'here')
  await enablePush(installed, `${carol}/r`, fullDomain, 'full', 'by-loop')
  await enablePush(installed, `${carol}/r`, elsewhere, 'remote', 'there')
  await enablePush(installed, `${dave}/r`, virtualDomain, 'dave', 'of-dave')
  // Two daemons, on a machine that may be busy.
}, 60_000)
afterAll(async () => {
  await other?.[Symbol.asyncDispose]()
  await otherGateway?.close()
  await installed?.[Symbol.asyncDispose]()
})

/** What each gateway was asked to push since the last time, by device. */
function pushed(): { here: string[]; there: string[] } {
  const devicesOf = (gateway: GatewaySandbox) => {
    const devices = gateway.requests.map(({ deviceId }) => deviceId).sort()
    gateway.requests.length = 0
    return devices
  }
  return { here: devicesOf(installed.gateway), there: devicesOf(otherGateway) }
}

/** All pushes of an event that is answered have gone out. */
async function answered(to: string, id: string, notified: number): Promise<void> {
  expect(await postEvents(installed, { to, id })).toMatchObject({ status: 202, body: { notified } })
}

test('one message event makes one push for each subscription, wherever its App Server is, and no other', async () => {
  await answered(carol, 'm1', 3)
  expect(pushed()).toEqual({ here: ['by-loop', 'here'], there: ['there'] })
  await answered(dave, 'm1', 1)
  expect(pushed()).toEqual({ here: ['of-dave'], there: [] })
})

test('so does one that a server tells of over XMPP, and telling of it twice makes none more', async () => {
  const { xmpp, gateway } = installed
  xmpp.send(fullDomain, forwarded(carol, 'm2', fullDomain))
  await gateway.next(2)
  await otherGateway.next(1)
  xmpp.send(virtualDomain, forwarded(carol, 'm2', virtualDomain))
  await answered(carol, 'm2', 0)
  expect(pushed()).toEqual({ here: ['by-loop', 'here'], there: ['there'] })
})

test('a publish of the users’ server is answered meanwhile as ever, and tells nobody else', async () => {
  const options = { service: 'fcm', device_id: 'of-a-publish' }
  const summary = summaryOf('bob@chat.test', 'Hi')
  const iq = publishIq({ id: 'p1', from: 'chat.test', to: virtualDomain, node: 'virtual', options, summary })
  expect((await installed.xmpp.request(virtualDomain, iq)).attr('type')).toBe('result')
  expect(pushed()).toEqual({ here: ['of-a-publish'], there: [] })
})

test('a device that is dead elsewhere ends that subscription alone', async () => {
  const { daemon } = installed
  await enablePush(installed, `${carol}/r`, elsewhere, 'remote', 'gone-there')
  await answered(carol, 'm3', 3)
  expect(pushed()).toEqual({ here: ['by-loop', 'here'], there: ['gone-there'] })
  const refused = () => daemon.metric('registrations_disabled_total', { reason: 'refused' })
  await until('it is disabled', async () => (await refused()) === 1)
  await answered(carol, 'm4', 2)
  expect(pushed()).toEqual({ here: ['by-loop', 'here'], there: [] })
})
