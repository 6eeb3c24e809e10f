/**
 * Floods of people who are not the operator: what each costs in memory (RSS, peak) and disk (`data_dir`), and how long
 * others wait meanwhile. Nothing of them is in a ledger.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { publishIq, summaryOf } from '../../../src/sandbox/stanzas.ts'
import { freePort } from '../../../test/support/free-port.ts'
import { until } from '../../../test/support/until.ts'
import { Latencies } from '../../load/latencies.ts'
import { deviceId } from '../../load/stanza-template.ts'
import { DaemonProcess, type Tables } from '../daemon-process.ts'
import { Gateway } from '../gateway.ts'
import { PeopleSource } from '../people-source.ts'
import { Providers } from '../providers.ts'
import { fine } from '../weather.ts'
import type { CaseOptions, CaseReport, FaultCase } from './fault-case.ts'

const serverDomain = 'people.test'
const pushDomain = `push.${serverDomain}`
const nodesDomain = `pubsub.${serverDomain}`
/** Longer than anything waits for an answer. */
const silence = { ...fine, latencyMs: 60_000 }
/** A gateway that takes 10 ms, by so many connections: its limit is 1 600 a second. */
const busy = { ...fine, latencyMs: 10 }
const connections = 16

const stranger = `mallory@${serverDomain}/flood`
const other = `romeo@${serverDomain}/orchard`

interface Scene {
  readonly source: PeopleSource
  readonly gateway: Gateway
  readonly daemon: DaemonProcess
  readonly seconds: number
}

interface Flood {
  /** Over the run's own configuration. */
  readonly config?: Tables
  readonly domain?: string
  /** What is measured, beside memory, disk and answers. */
  run(scene: Scene): Promise<Readonly<Record<string, number>>>
}

async function flood(
  { config = {}, domain = pushDomain, run }: Flood,
  options: CaseOptions,
): Promise<CaseReport> {
  const source = await PeopleSource.listen(domain)
  const gateway = await Gateway.start({ seed: options.seed })
  const daemon = await DaemonProcess.prepare({
    log: { level: 'error' },
    push: { wpool: { workers: 2 }, virtual_pubsub_hosts: [pushDomain], served_hosts: [serverDomain] },
    mongoosepush: { url: `http://127.0.0.1:${gateway.port}`, max_http_connections: connections },
    component: [
      {
        domain,
        server: `127.0.0.1:${source.port}`,
        secret: 'run',
        pubsub: domain === nodesDomain,
        connections: 1,
      },
    ],
    ...config,
  })
  try {
    const { faults } = source
    daemon.onOwnEnd((how) => faults.push(`the daemon ended by itself: ${how}`))
    await gateway.weather(busy)
    daemon.start()
    await daemon.ready()
    const [rssStartMb, diskStartMb] = [daemon.peakMb, daemon.diskMb]
    const measured = await run({ source, gateway, daemon, seconds: options.seconds })
    if (source.opened > 1) faults.push(`${source.opened - 1} streams were lost`)
    const { results, errors: waits } = source
    const { peakMb: rssMostMb, diskMb: diskEndMb } = daemon
    const figures = { results, waits, rssStartMb, rssMostMb, diskStartMb, diskEndMb, ...measured }
    return { figures, faults }
  } finally {
    await daemon[Symbol.asyncDispose]()
    await gateway[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
  }
}

function peopleCase(about: string, one: Flood): FaultCase {
  return { about, run: (options) => flood(one, options) }
}

/** A publish to a device of its own. */
function publishOf(from: string, number: number, body: string): string {
  const device = deviceId(String(number).padStart(10, '0'))
  const options = { service: 'fcm', device_id: device }
  return publishIq({ id: `f${number}`, from, to: pushDomain, options, summary: summaryOf(from, body) })
}

function* publishesOf(from: string, count: number, body: string): Generator<string> {
  for (let number = 0; number < count; number++) yield publishOf(from, number, body)
}

const large = 'x'.repeat(240_000)

/** So many large publishes, as far as there is time for, and what they leave behind. */
function largePublishes(count: number): Flood {
  return {
    async run({ source, gateway, seconds }) {
      await gateway.weather(silence)
      const sent = await source.flood(
        publishesOf(stranger, count, large),
        performance.now() + seconds * 1_000,
      )
      // Past the reply deadline all that can be is stored.
      await until('every publish to be answered', () => source.answers >= sent, 30_000)
      return { sent }
    },
  }
}

/** Another sender's waits, one publish after the other, for so long. */
async function waitsOf(source: PeopleSource, milliseconds: number, name: string) {
  const waits = new Latencies()
  const endMs = performance.now() + milliseconds
  for (let i = 0; performance.now() < endMs; i++) {
    const id = `${name}${i}`
    const xml = publishOf(other, i, 'Good night').replace(/id='f\d+'/, `id='${id}'`)
    waits.add(await source.ask(id, xml))
    await delay(20)
  }
  return waits.summary()
}

const senderFlood: Flood = {
  async run({ source, daemon, seconds }) {
    await waitsOf(source, 2_000, 'warm-up')
    const alone = await waitsOf(source, (seconds * 1_000) / 3, 'alone')
    const texts = [...publishesOf(stranger, 20_000, 'Good night, good night!')]
    const flooded = source.flood(texts)
    const first = await source.ask(
      'first',
      publishOf(other, 0, 'Good night').replace("id='f0'", "id='first'"),
    )
    const isRead = async () => ((await daemon.metric('stanzas_total')) ?? 0) >= texts.length
    await until('all of the flood to be read', isRead, 15_000)
    const beside = await waitsOf(source, (seconds * 1_000) / 2, 'beside')
    return {
      sent: await flooded,
      // Behind what the daemon had still to read.
      firstMs: Math.round(first),
      normalP50Ms: alone.p50,
      normalP99Ms: alone.p99,
      faultyP50Ms: beside.p50,
      faultyP99Ms: beside.p99,
      p99Ratio: Math.round((beside.p99 / alone.p99) * 100) / 100,
    }
  },
}

/** All that one account may have, each as large as it may be, and more than that. */
function* nodeRequests(): Generator<string> {
  const iq = (id: string, payload: string) =>
    `<iq from='${stranger}' to='${nodesDomain}' id='${id}' type='set'>${payload}</iq>`
  for (let number = 0; number < 300; number++) {
    const node = `${number}-${'n'.repeat(240)}`
    yield iq(
      `c${number}`,
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='${node}' type='push'/></pubsub>`,
    )
    for (let part = 0; part < 10; part++) {
      const jids = Array.from({ length: 20 }, (_, i) => `${'j'.repeat(900)}${part}-${i}@${serverDomain}`)
      const affiliations = jids
        .map((jid) => `<affiliation jid='${jid}' affiliation='publish-only'/>`)
        .join('')
      yield iq(
        `a${number}-${part}`,
        `<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><affiliations node='${node}'>${affiliations}` +
          '</affiliations></pubsub>',
      )
    }
  }
}

const nodes: Flood = {
  domain: nodesDomain,
  async run({ source, seconds }) {
    const sent = await source.flood(nodeRequests(), performance.now() + seconds * 1_000)
    await until('every request to be answered', () => source.answers >= sent, 30_000)
    return { sent }
  },
}

const fieldCount = 85_000

const manyFields: Flood = {
  async run({ source, daemon, seconds }) {
    const names = Array.from({ length: fieldCount }, (_, i) => `f${i}`)
    const summary = Object.fromEntries(names.map((name) => [name, '1']))
    const publish = publishIq({
      id: 'fields',
      from: stranger,
      to: pushDomain,
      options: { service: 'fcm', device_id: deviceId('0'.repeat(10)) },
      summary,
    })
    const options = { service: 'fcm', device_id: deviceId('1'.repeat(10)) }
    const bodies = [
      JSON.stringify({ host: pushDomain, options, summary }),
      JSON.stringify({ host: pushDomain, options: { ...summary, ...options }, summary: {} }),
    ]
    let longestMs = 0
    const endMs = performance.now() + seconds * 1_000
    let sent = 0
    for (let turn = 0; performance.now() < endMs; turn++) {
      const id = `fields${turn}`
      const asked = [source.ask(id, publish.replace("id='fields'", `id='${id}'`))]
      sent++
      for (const body of bodies) {
        const headers = { 'content-type': 'application/json' }
        asked.push(
          daemon.request('/v1/publish', { method: 'POST', headers, body }).then(async (response) => {
            await response.arrayBuffer()
            return 0
          }),
        )
      }
      // Whoever else wants something of the main thread.
      await delay(5)
      const startedMs = performance.now()
      await (await fetch(`${daemon.url}/healthz`)).arrayBuffer()
      longestMs = Math.max(longestMs, performance.now() - startedMs)
      await Promise.all(asked)
    }
    return { sent, longestPauseMs: Math.round(longestMs) }
  },
}

const halfBytes = 51_000
const halfCount = 1_000

/** Requests to the served API whose bodies never end. */
async function halfRequests(options: CaseOptions): Promise<CaseReport> {
  const providers = await Providers.start()
  const port = await freePort()
  const { push, gateway } = providers.tables as Readonly<Record<string, Tables>>
  const config = {
    push: {
      wpool: { workers: 2 },
      virtual_pubsub_hosts: [pushDomain],
      served_hosts: [serverDomain],
      ...push,
    },
    gateway: { ...gateway, listen: `127.0.0.1:${port}` },
  }
  const run = async ({ seconds }: Scene) => {
    const sockets: Socket[] = []
    let refused = 0
    for (let i = 0; i < halfCount; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => socket.destroy())
      socket.on('close', () => refused++)
      // What it is answered is of no interest, but that it is over.
      socket.resume()
      socket.write(
        `POST /v3/notification/device-${i} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
          `content-length: ${halfBytes + 9_000}\r\n\r\n{"alert":{"title":"${'x'.repeat(halfBytes)}`,
      )
      sockets.push(socket)
      if (i % 50 === 0) await delay(5)
    }
    await delay(seconds * 1_000)
    const refusedInTime = refused
    for (const socket of sockets) socket.destroy()
    return { sent: halfCount, refused: refusedInTime }
  }
  try {
    return await flood({ config, run }, options)
  } finally {
    await providers[Symbol.asyncDispose]()
  }
}

export const peopleCases: Readonly<Record<string, FaultCase>> = {
  'people-large-publishes': peopleCase(
    'one user sends 2 000 publishes of 240 KB, and the gateway answers nothing',
    largePublishes(2_000),
  ),
  'people-many-large-publishes': peopleCase('one user sends 14 000 of them', largePublishes(14_000)),
  'people-sender-flood': peopleCase(
    'one user sends 20 000 publishes, more than the gateway takes; another user of the domain is measured',
    senderFlood,
  ),
  'people-nodes': peopleCase('one account makes nodes and fills them', nodes),
  'people-many-fields': peopleCase(
    'publishes whose summary has 85 000 fields, and HTTP bodies of 85 000',
    manyFields,
  ),
  'people-half-requests': { about: '1 000 half requests at the served API', run: halfRequests },
}
