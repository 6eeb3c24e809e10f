/**
 * What a message event takes, from the forwarded message as parsed to the notification that would be dispatched: role,
 * subscriptions in a real store, plugin, all checks of the publish to a virtual host. Single-threaded but for a plugin
 * that is not built in, medians of several rounds; no two events of a round are for the same user.
 *
 *   node bench/micro/message-events.ts [USERS, default 100000] [PLUGIN, default defaults]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Element } from '../../src/core/xml/element.ts'
import { XmppServers } from '../../src/core/xmpp-servers.ts'
import { Metrics } from '../../src/main/metrics/table.ts'
import { AppServer } from '../../src/main/roles/app-server/app-server.ts'
import { isForXmppServer } from '../../src/main/roles/role-of.ts'
import { loadPlugin } from '../../src/main/roles/xmpp-server/load-plugin.ts'
import { XmppServer } from '../../src/main/roles/xmpp-server/xmpp-server.ts'
import { takeDataDirectory } from '../../src/main/store/data-directory.ts'
import { LmdbDeadDeviceStore } from '../../src/main/store/dead-devices.ts'
import { openEnvironment } from '../../src/main/store/environment.ts'
import { LmdbNodeStore } from '../../src/main/store/nodes.ts'
import { LmdbPublishStore } from '../../src/main/store/publishes.ts'
import { LmdbSubscriptionStore } from '../../src/main/store/subscriptions.ts'

const users = Number(process.argv[2] ?? 100_000)
const eventsPerRound = Math.min(users, 50_000)
const rounds = 5
const batch = 1_000
const virtualHost = 'virtual.test'

const log = pino({ level: 'silent' })
const dataDir = mkdtempSync(join(tmpdir(), 'xmpp-pushd-bench-'))
const environment = await openEnvironment({ directory: await takeDataDirectory(dataDir), log })
const metrics = new Metrics('0', [virtualHost])
const nodes = new LmdbNodeStore(environment, { ttlMs: 0, nowMs: Date.now, log })
const deadDevices = new LmdbDeadDeviceStore(environment, { ttlS: 3600, nowMs: Date.now })
const subscriptions = new LmdbSubscriptionStore(environment)
const content = {
  defaultTitle: 'New message',
  defaultBody: 'You have a new message',
  includeSender: true,
  includeBody: true,
  language: '',
  encryptedBody: 'Encrypted message',
  invitationBody: 'Invitation',
  sender: 'full',
  onMissing: 'default',
  onEmpty: 'silent',
} as const
const servers = new XmppServers([{ domain: 'push.test', server: '127.0.0.1:5347', hosts: ['chat.test'] }])
const appServer = new AppServer(
  {
    version: '0',
    domains: [
      { domain: virtualHost, pubsub: false, virtual: true, publishers: 'servers', tags: [], nodeOwners: [] },
    ],
    servers,
    content,
    targets: undefined,
    nodeLimits: { perOwner: 1, perHost: 1, inAll: 1 },
  },
  { nodes, deadDevices, metrics, log, nowMs: Date.now, accountGone: () => undefined },
)
const plugin = await loadPlugin({
  name: process.argv[3] ?? 'defaults',
  memoryMb: 64,
  workingDirectory: process.cwd(),
})
let pushes = 0
const options = {
  servedHosts: ['chat.test'],
  servers,
  maxSubscriptionsPerUser: 32,
  dedupWindowMs: 300_000,
  pluginTimeoutMs: 100,
  lifetimeMs: 86_400_000,
  maxRemotePublishes: 100_000,
  content,
}
const server = new XmppServer(options, {
  subscriptions,
  deadDevices,
  plugin,
  metrics,
  log,
  nowMs: Date.now,
  monotonicMs: () => performance.now(),
  random: Math.random,
  isVirtual: (domain) => domain === virtualHost,
  publishHere: (input, _from, sink) => {
    if (appServer.checkPublish(input).kind === 'push') pushes++
    sink.publishEnded({ error: undefined, result: 'delivered' })
  },
  publishes: new LmdbPublishStore(environment, Date.now),
  hasRoom: () => true,
  hasStream: () => false,
  send: () => false,
})

const startedMs = performance.now()
for (let first = 0; first < users; first += batch) {
  await Promise.all(Array.from({ length: batch }, (_, i) => subscriptions.put(subscriptionOf(first + i), 32)))
}
console.log(`${users} subscriptions stored in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)

const eventUs: number[] = []
for (let round = 0; round < rounds; round++) {
  const stanzas = Array.from({ length: eventsPerRound }, (_, i) =>
    eventFor((i * 7919) % users, `${round}-${i}`),
  )
  const before = process.cpuUsage().user
  for (let i = 0; i < stanzas.length; i++) {
    const stanza = stanzas[i]
    if (stanza !== undefined && isForXmppServer(stanza)) server.handle('push.test', stanza)
    // As often as a stream's read gives way to what it has set off.
    if (i % 64 === 0) await new Promise(setImmediate)
  }
  await server.decided()
  eventUs.push((process.cpuUsage().user - before) / stanzas.length)
}
if (pushes !== rounds * eventsPerRound) throw new Error(`${pushes} pushes of ${rounds * eventsPerRound}`)
console.log(`forwarded message, one subscription: ${median(eventUs).toFixed(2)} µs`)
await plugin.stop()
await environment.close()
rmSync(dataDir, { recursive: true, force: true })

function subscriptionOf(i: number) {
  return {
    user: `user${i}@chat.test`,
    jid: virtualHost,
    node: `node${i}`,
    options: [
      ['service', 'fcm'],
      ['device_id', `tok${i}${'f'.repeat(60)}`],
      ['topic', 'com.example.app'],
    ] as const,
    session: `user${i}@chat.test/phone`,
    domain: 'push.test',
    enabledAtMs: Date.now(),
    usedAtMs: Date.now(),
    outage: undefined,
  }
}

function eventFor(i: number, id: string): Element {
  const body = new Element('body', 'jabber:client', [], ['See you at the old mill at seven, then?'])
  const addresses = ['type', 'chat', 'id', id, 'to', `user${i}@chat.test`, 'from', 'alice@chat.test/phone']
  const message = new Element('message', 'jabber:client', addresses, [body])
  const forwarded = new Element('forwarded', 'urn:xmpp:forward:0', [], [message])
  const outer = ['from', 'chat.test', 'to', 'push.test']
  return new Element('message', 'jabber:component:accept', outer, [forwarded])
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}
