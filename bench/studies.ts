import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { hasH2load } from './load/h2load.ts'
import { type Comparison, compare, type Measured, measure } from './load/measure.ts'
import type { ServedClient } from './load/reports.ts'
import { startRig } from './load/rig.ts'
import { daemon, type SetUp, type Subject, yardstick } from './load/subject.ts'
import { residentMb } from './load/thread-cpu.ts'
import { readResult } from './results.ts'

/** Some set-ups measured side by side for one question. */
export interface Study {
  /** Of its result file. */
  readonly name: string
  readonly title: string
  /** By subject, the rate of the real MongoosePush for the same, with client and providers on the same two cores. */
  readonly mongoosePush?: Readonly<Record<string, number>>
  run(): Promise<Comparison | { readonly memory: readonly Memory[] }>
}

const plan = { rounds: 3, seconds: 5, warmUpSeconds: 8 }
const million = 1_000_000
const events: Partial<SetUp> = {
  range: million,
  stored: { nodes: 0, subscriptions: million, deadDevices: 0 },
}
/** MongoosePush 2.3.0 at its best: 256 connections of wrk over HTTP/1.1, 50 connections to each provider. */
const ofMongoosePush = Object.fromEntries(
  Object.entries({ apns: 911, fcm: 846, invalid: 2037 }).flatMap(([push, rate]) =>
    ['autocannon', 'h2load-http1', 'h2load-http2'].map((client) => [`${push}, ${client}`, rate]),
  ),
)
/** Shares of what the daemon does at most. */
const shares = [0.01, 0.25, 0.5, 0.75]

export const studies: readonly Study[] = [
  {
    name: 'headline',
    title: 'the machine is full: the daemon, a naive pipeline, a raw floor',
    run: () =>
      compare([daemon('main'), yardstick('naive'), yardstick('floor')], {
        ...plan,
        rounds: 5,
        warmUpSeconds: 12,
      }),
  },
  {
    name: 'latency',
    title: 'from a publish that is due to its answer, at a share of what is possible',
    run: () => compare(shares.map(atShare), plan),
  },
  sideBySide('durability', 'every push on disk before it is sent', [
    daemon('acknowledged'),
    daemon('always', { durability: 'always' }),
  ]),
  sideBySide(
    'growth',
    'publishes to nodes, with so many nodes, subscriptions and dead devices stored',
    [1_000, 10_000, 100_000, million].map((count) =>
      daemon(String(count), {
        source: 'node',
        range: count,
        stored: { nodes: count, subscriptions: count, deadDevices: count },
      }),
    ),
  ),
  varied('streams', 'streams to the XMPP server', [1, 2, 4, 8, 16], (streams) => ({ streams })),
  varied('workers', 'worker threads', [1, 2, 4, 8], (workers) => ({ workers })),
  varied('connections', 'connections to a gateway that takes 50 ms', [64, 256, 1024], (httpConnections) => ({
    httpConnections,
    gatewayLatencyMs: 50,
    window: 4000,
  })),
  varied('gateway-latency', 'milliseconds that the gateway takes', [0, 10, 50, 100, 500], (ms) => ({
    gatewayLatencyMs: ms,
    // As docs/configuration.md says: the rate times the latency, for 10,000 a second.
    httpConnections: Math.max(64, ms * 10),
    window: 10_000,
  })),
  varied('sizes', 'bytes of a publish', [927, 2048, 3500], (stanzaBytes) => ({ stanzaBytes })),
  sideBySide('https', 'the gateway speaks HTTPS', [daemon('http'), daemon('https', { tls: true })]),
  sideBySide('http-publish', 'POST /v1/publish, 128 connections', [
    daemon('xmpp'),
    daemon('http-publish', { source: 'http-publish', window: 128 }),
  ]),
  sideBySide('events', 'message events, a million subscriptions stored', [
    daemon('publish', events),
    daemon('event', { ...events, source: 'event', stanzaBytes: 600 }),
    daemon('http-event', { ...events, source: 'http-event', window: 128 }),
    daemon('http-event, lists of 10', { ...events, source: 'http-events', window: 1280 }),
  ]),
  {
    ...served('served', 'the served API, 100 requests at a time, over HTTP/1.1 and HTTP/2', clients(), {
      window: 100,
    }),
    mongoosePush: ofMongoosePush,
  },
  {
    ...served('served-invalid', 'the same, for what fails validation', clients(['invalid']), { window: 100 }),
    mongoosePush: ofMongoosePush,
  },
  served('served-alone', 'one request at a time', clients(['apns', 'fcm'], ['autocannon', 'h2load-http2']), {
    window: 1,
  }),
  served('served-latency', 'providers that take 0, 10 and 50 ms', latencies('apns', 'h2load-http2'), {
    window: 1000,
  }),
  sideBySide('direct', 'publishes over XMPP, by way of MongoosePush and to the providers themselves', [
    daemon('MongoosePush, HTTPS', { tls: true }),
    daemon('FCM', { gateway: 'direct', push: 'fcm' }),
    daemon('APNs', { gateway: 'direct', push: 'apns' }),
  ]),
  varied('direct-latency', 'publishes to a provider that takes its time', [0, 10, 50], (ms) => ({
    gateway: 'direct',
    push: 'apns',
    gatewayLatencyMs: ms,
    window: 4000,
  })),
  { name: 'memory', title: 'resident memory, idle and at saturation', run: memory },
]

/** What the served API is asked for, and by whom: a subject each. */
function clients(
  pushes: readonly SetUp['push'][] = ['apns', 'fcm'],
  which: readonly ServedClient[] = ['autocannon', 'h2load-http1', 'h2load-http2'],
): [name: string, changes: Partial<SetUp>][] {
  return pushes.flatMap((push) =>
    which.map((source): [string, Partial<SetUp>] => [`${push}, ${source}`, { push, source }]),
  )
}

function latencies(push: SetUp['push'], source: ServedClient): [name: string, changes: Partial<SetUp>][] {
  return [0, 10, 50].map((ms) => [`${ms} ms`, { push, source, gatewayLatencyMs: ms }])
}

function served(
  name: string,
  title: string,
  subjects: readonly (readonly [name: string, changes: Partial<SetUp>])[],
  common: Partial<SetUp>,
): Study {
  return {
    name,
    title,
    run() {
      const possible = subjects.filter(([, { source }]) => source === 'autocannon' || hasH2load())
      if (possible.length < subjects.length) {
        console.error('h2load is not installed (Debian: nghttp2-client): what it is to send is left out')
      }
      return compare(
        possible.map(([subject, changes]) => daemon(subject, { gateway: 'direct', ...common, ...changes })),
        plan,
      )
    },
  }
}

function sideBySide(name: string, title: string, subjects: readonly Subject[]): Study {
  return { name, title, run: () => compare(subjects, plan) }
}

/** The same daemon with one thing different. */
function varied(
  name: string,
  title: string,
  values: readonly number[],
  changes: (value: number) => Partial<SetUp>,
): Study {
  return sideBySide(
    name,
    title,
    values.map((value) => daemon(String(value), changes(value))),
  )
}

function atShare(share: number): Subject {
  const headline = readResult<Comparison>('headline')?.medians.find(({ subject }) => subject === 'main')
  if (headline === undefined) throw new Error('the headline study says what is possible: run it first')
  return daemon(`${share * 100} %`, { rate: Math.round(headline.rate * share), window: 100_000 })
}

/** Resident memory in MB; `file`: mapped files, the store's among them. */
export interface Memory {
  readonly stored: number
  readonly idle: Measured['residentMb']
  readonly full: Measured['residentMb']
}

/**
 * Idle for long enough that what was only needed at the start is gone; then the machine is full for a while. Of the
 * program that is installed, which has no types to be stripped when it starts.
 */
async function memory(): Promise<{ memory: readonly Memory[] }> {
  const tree = fileURLToPath(new URL('..', import.meta.url))
  execFileSync('npm', ['run', 'build'], { cwd: tree, stdio: ['ignore', 'ignore', 'inherit'] })
  const built = join(tree, 'dist/main/cli.js')
  const figures: Memory[] = []
  for (const count of [0, million]) {
    const stored = { nodes: count, subscriptions: count, deadDevices: count }
    const source = count === 0 ? 'virtual' : 'node'
    const rig = await startRig(daemon('main', { source, range: Math.max(1, count), stored }, built))
    try {
      await sleep(15_000)
      const idle = residentMb(rig.daemon.pid ?? 0)
      const { residentMb: full } = await measure(rig, 30)
      figures.push({ stored: count, idle, full })
    } finally {
      await rig[Symbol.asyncDispose]()
    }
  }
  return { memory: figures }
}
