/**
 * What a notification costs from `submit` to its outcome, CPU of this process alone (main thread and workers),
 * against a raw HTTP sink in a process of its own.
 *
 * node bench/micro/dispatcher.ts [notifications] [window] [workers] [connections] [acknowledged|always]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import type { Notification } from '../../src/core/notification.ts'
import { Dispatcher } from '../../src/main/dispatch/dispatcher.ts'
import { Metrics } from '../../src/main/metrics/table.ts'
import { takeDataDirectory } from '../../src/main/store/data-directory.ts'
import { LmdbDeadDeviceStore } from '../../src/main/store/dead-devices.ts'
import { deadLetterDefaults, LmdbDeadLetterStore } from '../../src/main/store/dead-letters.ts'
import { openEnvironment } from '../../src/main/store/environment.ts'
import { LmdbJournal } from '../../src/main/store/journal.ts'
import { LmdbOutbox } from '../../src/main/store/outbox.ts'

const [count = 200_000, window = 2_000, workers = 2, connections = 100] = process.argv.slice(2, 6).map(Number)
const durability = process.argv[6] ?? 'acknowledged'

const sink = spawn(process.execPath, [fileURLToPath(new URL('http-sink.ts', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
const [line] = (await once(sink.stdout, 'data')) as [Buffer]
const url = `http://127.0.0.1:${line.toString().trim()}`

const directory = mkdtempSync(join(tmpdir(), 'xmpp-pushd-bench-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const log = pino({ level: 'warn' })
const store = await openEnvironment({ directory: await takeDataDirectory(directory), log })
const letters = new LmdbDeadLetterStore(store, { ...deadLetterDefaults, nowMs: Date.now })

const dispatcher = new Dispatcher(
  {
    urls: [url],
    apiVersion: 'v3',
    pathPrefix: '/',
    defaults: { title: 'New message', body: 'You have a new message' },
    tls: { ca: undefined, verify: true },
    maxHttpConnections: connections,
    requestTimeoutMs: 2_000,
    workers,
    workerHangMs: 5_000,
    replyDeadlineMs: 10_000,
    maxPending: 100_000,
    maxPendingBytes: 268_435_456,
    domains: ['push.test'],
    retry: { baseMs: 500, capMs: 60_000, maxAttempts: 0 },
    suspectLimit: 5,
    defaultTtlS: 86_400,
    journalAll: durability === 'always',
    pools: [],
    direct: false,
    suspectShare: 0.05,
  },
  {
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    random: Math.random,
    log,
    metrics: new Metrics('bench'),
    deadDevices: new LmdbDeadDeviceStore(store, { ttlS: 3_600, nowMs: Date.now }),
    outbox: new LmdbOutbox(store, letters, {
      maxStored: 1_000_000,
      maxStoredBytes: 1e12,
      domainShare: 1,
      collapse: true,
      nowMs: Date.now,
    }),
    journal: new LmdbJournal(store, Date.now),
    onDeadDevice: () => undefined,
    holdReading: () => undefined,
    registeredAtMs: () => undefined,
    tokenRefused: () => undefined,
  },
)
await dispatcher.start()

function notification(i: number): Notification {
  return {
    domain: 'push.example.com',
    node: `node-${i % 1_000}`,
    device: { service: 'fcm', mode: undefined, id: `${'fGx9:APA91b'.repeat(14)}-${i}` },
    topic: undefined,
    priority: undefined,
    mutableContent: undefined,
    timeToLiveS: undefined,
    tags: [],
    content: {
      kind: 'alert',
      title: 'romeo@example.com',
      body: 'But soft, what light through yonder window breaks? It is the east, and Juliet is the sun.',
      badge: 3,
      tag: 'romeo@example.com',
      clickAction: undefined,
      sound: undefined,
      data: undefined,
    },
    collapsible: true,
    enabledAtMs: undefined,
    createdAtMs: Date.now(),
  }
}

/** Keeps `window` notifications under way, as so many waiting XMPP publishes do. */
async function run(total: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let submitted = 0
  let settled = 0
  let failed = 0
  const outcome = {
    settle(result: { kind: string }) {
      if (result.kind !== 'delivered') failed++
      settled++
      if (settled === total) resolve()
      else if (submitted < total) submit()
    },
  }
  function submit(): void {
    dispatcher.submit(notification(submitted++), outcome)
  }
  while (submitted < Math.min(window, total)) submit()
  await promise
  if (failed > 0) console.log(`${failed} not delivered`)
}

await run(Math.ceil(count / 5))
const startedMs = performance.now()
const cpuBefore = process.cpuUsage()
const mainBefore = process.threadCpuUsage?.() ?? { user: 0, system: 0 }
await run(count)
const cpu = process.cpuUsage(cpuBefore)
const main = process.threadCpuUsage?.(mainBefore) ?? { user: 0, system: 0 }
const seconds = (performance.now() - startedMs) / 1000
console.log(
  JSON.stringify({
    node: process.version,
    cores: cpus().length,
    workers,
    connections,
    durability,
    window,
    notifications: count,
    perSecond: Math.round(count / seconds),
    cpuMicrosEach: +((cpu.user + cpu.system) / count).toFixed(1),
    mainThreadMicrosEach: +((main.user + main.system) / count).toFixed(1),
  }),
)
await dispatcher.stop(1_000)
await store.close()
sink.stdin.end()
