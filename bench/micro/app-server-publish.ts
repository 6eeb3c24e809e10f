/**
 * What the App Server role takes for one publish, from the parsed stanza to the notification: extract, all
 * checks (the dead-device one against a real store), content. Single-threaded, medians of several rounds.
 *
 *   node bench/micro/app-server-publish.ts
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Element } from '../../src/core/xml/element.ts'
import { XmppServers } from '../../src/core/xmpp-servers.ts'
import { Metrics } from '../../src/main/metrics/table.ts'
import { answerPublish } from '../../src/main/roles/app-server/answer-publish.ts'
import { AppServer } from '../../src/main/roles/app-server/app-server.ts'
import { takeDataDirectory } from '../../src/main/store/data-directory.ts'
import { LmdbDeadDeviceStore } from '../../src/main/store/dead-devices.ts'
import { openEnvironment } from '../../src/main/store/environment.ts'
import { LmdbNodeStore } from '../../src/main/store/nodes.ts'
import { StreamParser } from '../../src/main/xmpp/stream-parser.ts'
import { defaultLimits } from '../default-limits.ts'

const stanzasPerRound = 200_000
const rounds = 7
/** Distinct stanzas, nodes and devices, so that nothing is answered from one warm cache line. */
const variants = 1000

const log = pino({ level: 'silent' })
const dataDir = mkdtempSync(join(tmpdir(), 'xmpp-pushd-bench-'))
const environment = await openEnvironment({ directory: await takeDataDirectory(dataDir), log })
const nodes = new LmdbNodeStore(environment, { ttlMs: 0, nowMs: Date.now, log })
const deadDevices = new LmdbDeadDeviceStore(environment, { ttlS: 3600, nowMs: Date.now })
const nodeLimits = { perOwner: variants, perHost: variants, inAll: variants }
const domains = ['virtual.test', 'pubsub.test']
const server = new AppServer(
  {
    version: '0',
    domains: [
      {
        domain: 'virtual.test',
        pubsub: false,
        virtual: true,
        publishers: 'servers',
        tags: [],
        nodeOwners: 'any',
      },
      {
        domain: 'pubsub.test',
        pubsub: true,
        virtual: false,
        publishers: 'servers',
        tags: [],
        nodeOwners: 'any',
      },
    ],
    servers: new XmppServers(domains.map((domain) => ({ domain, server: '', hosts: ['chat.test'] }))),
    content: {
      defaultTitle: 'New message',
      defaultBody: 'You have a new message',
      includeSender: true,
      includeBody: true,
      sender: 'full',
      onMissing: 'default',
      onEmpty: 'silent',
    },
    targets: undefined,
    nodeLimits,
  },
  {
    nodes,
    deadDevices,
    metrics: new Metrics('0', domains),
    log,
    nowMs: Date.now,
    accountGone: () => undefined,
  },
)
await Promise.all(
  Array.from({ length: variants }, (_, i) =>
    nodes.create(
      'pubsub.test',
      `node${i}`,
      {
        owner: 'alice@chat.test',
        configuration: { publish_model: 'publishers' },
        affiliations: { 'alice@chat.test': 'owner', 'chat.test': 'publish-only', localhost: 'publish-only' },
        registration: undefined,
        createdAtMs: Date.now(),
        usedAtMs: Date.now(),
      },
      nodeLimits,
    ),
  ),
)
await deadDevices.add({ service: 'fcm', mode: undefined, id: 'dead' }, 'virtual.test', 'n', 'provider')

for (const server of ['mongooseim', 'ejabberd', 'prosody', 'ejabberd-bare']) {
  for (const domain of domains) report(`${server}, ${domain}`, stanzasOf(server, domain))
}
await environment.close()
rmSync(dataDir, { recursive: true, force: true })

function report(name: string, stanzas: Element[]): void {
  const publishUs: number[] = []
  const answerUs: number[] = []
  for (let round = 0; round < rounds; round++) {
    publishUs.push(microseconds((i) => pushOf(stanzas[i % variants])))
    const { request } = pushOf(stanzas[0])
    answerUs.push(microseconds(() => answerPublish(request, { kind: 'delivered' })))
  }
  console.log(
    `${name.padEnd(28)} publish ${median(publishUs).toFixed(2)} µs   answer ${median(answerUs).toFixed(2)} µs`,
  )
}

function microseconds(work: (i: number) => unknown): number {
  const { user } = process.cpuUsage()
  for (let i = 0; i < stanzasPerRound; i++) work(i)
  return (process.cpuUsage().user - user) / stanzasPerRound
}

function pushOf(stanza: Element | undefined) {
  const verdict = stanza === undefined ? undefined : server.handle(stanza.attr('to') ?? '', stanza)
  if (verdict?.kind !== 'push') throw new Error(`not a push: ${verdict?.kind}`)
  return verdict
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

/** A real server's publish to the domain, with nodes and devices of its own. */
function stanzasOf(server: string, domain: string): Element[] {
  const file = new URL(`../../test/fixtures/publishes/${server}.xml`, import.meta.url)
  const xml = readFileSync(file, 'utf8').trim()
  return Array.from({ length: variants }, (_, i) =>
    parse(
      xml
        .replace(/ to='[^']*'/, ` to='${domain}'`)
        .replace(/node='[^']*'/, `node='node${i}'`)
        .replace(/tok[^<]*/, `tok${i}${'f'.repeat(60)}`),
    ),
  )
}

/** As the daemon's own parser makes it, which knows the usual names and namespaces. */
function parse(xml: string): Element {
  let found: Element | undefined
  const events = {
    streamStart() {},
    stanza(element: Element) {
      found = element
    },
    streamEnd() {},
    error(fault: { text: string }) {
      throw new Error(fault.text)
    },
  }
  const parser = new StreamParser(events, defaultLimits)
  const header =
    "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>"
  parser.write(Buffer.from(header + xml))
  if (found === undefined) throw new Error('no stanza')
  return found
}
