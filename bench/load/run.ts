/**
 * The end-to-end bench by hand: node bench/load/run.ts [--daemon main --daemon naive …] [--rounds 3] …
 *
 * Measures what is named side by side, prints a table and writes bench/results/<name>.json.
 */
import { parseArgs } from 'node:util'
import { writeResult } from '../results.ts'
import { compare, printMedians } from './measure.ts'
import { publishBytes } from './stanza-template.ts'
import { daemon, type SetUp, type Subject, yardstick } from './subject.ts'

const { values } = parseArgs({
  options: {
    daemon: { type: 'string', multiple: true, default: ['main'] },
    source: { type: 'string', default: 'virtual' },
    push: { type: 'string', default: 'fcm' },
    direct: { type: 'boolean', default: false },
    name: { type: 'string', default: 'load' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    warmup: { type: 'string', default: '5' },
    window: { type: 'string', default: '1000' },
    rate: { type: 'string' },
    range: { type: 'string', default: '100000' },
    bytes: { type: 'string', default: String(publishBytes) },
    streams: { type: 'string', default: '2' },
    workers: { type: 'string', default: '2' },
    connections: { type: 'string', default: '64' },
    latency: { type: 'string', default: '0' },
    tls: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '0' },
    subscriptions: { type: 'string', default: '0' },
    'dead-devices': { type: 'string', default: '0' },
  },
})

const served = ['autocannon', 'h2load-http1', 'h2load-http2'] as const
const sources = ['virtual', 'node', 'event', 'http-publish', 'http-event', 'http-events', ...served] as const
const source = oneOf('source', values.source, sources)
const push = oneOf('push', values.push, ['apns', 'fcm', 'invalid'])
/** The served API is one to the providers. */
const isDirect = values.direct || served.some((client) => client === source)

const setUp: Partial<SetUp> = {
  source,
  push,
  gateway: isDirect ? 'direct' : 'mongoosepush',
  stanzaBytes: Number(values.bytes),
  streams: Number(values.streams),
  workers: Number(values.workers),
  httpConnections: Number(values.connections),
  gatewayLatencyMs: Number(values.latency),
  tls: values.tls,
  stored: {
    nodes: Number(values.nodes),
    subscriptions: Number(values.subscriptions),
    deadDevices: Number(values['dead-devices']),
  },
  range: Number(values.range),
  window: Number(values.window),
  rate: values.rate === undefined ? undefined : Number(values.rate),
}
const plan = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  warmUpSeconds: Number(values.warmup),
}

function oneOf<Word extends string>(option: string, given: string, words: readonly Word[]): Word {
  const word = words.find((known) => known === given)
  if (word === undefined) throw new Error(`--${option} ${given}: one of ${words.join(', ')}`)
  return word
}

/** `main`; `always`: with that durability; a yardstick; or the path of another build's program. */
function subjectNamed(name: string): Subject {
  if (name === 'naive' || name === 'floor') return yardstick(name, setUp)
  if (name === 'always') return daemon(name, { ...setUp, durability: 'always' })
  return name === 'main' ? daemon(name, setUp) : daemon(name, setUp, name)
}

// An interrupted run leaves no daemon behind: see the rig's exit handler.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const subjects = values.daemon.map(subjectNamed)
const comparison = await compare(subjects, plan)
printMedians(comparison)
writeResult(values.name, { plan, subjects, ...comparison })
console.log(`written to bench/results/${values.name}.json`)
