/**
 * What a backlog costs at the start: time from the process's start to the first delivery, and memory, of the real
 * daemon with so many stored pushes against the same with none. The gateway is the sandbox, in this process.
 *
 * node bench/outbox/start.ts [stored pushes]
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { LmdbDeadLetterStore } from '../../src/main/store/dead-letters.ts'
import { openEnvironment } from '../../src/main/store/environment.ts'
import { LmdbOutbox } from '../../src/main/store/outbox.ts'
import { startGatewaySandbox } from '../../src/sandbox/gateway.ts'

const count = Number(process.argv[2] ?? 1_000_000)
const commandLine = fileURLToPath(new URL('../../src/main/cli.ts', import.meta.url))
const perTransaction = 5_000
/** The memory is looked at until so long after the start. */
const watchedMs = 10_000

const directory = mkdtempSync(join(tmpdir(), 'pushd-backlog-'))
try {
  const empty = await start('empty', 1)
  const filledMs = await fill(join(directory, 'full'), count)
  const full = await start('full', count)
  console.log(
    JSON.stringify({
      stored: count,
      storeBytes: statSync(join(directory, 'full', 'store.mdb')).size,
      putUsEach: Math.round((filledMs * 1000) / count),
      firstDeliveryMs: { oneStored: empty.firstMs, allStored: full.firstMs },
      delivered10s: full.delivered,
      firstRssMiB: { oneStored: empty.firstRssMiB, allStored: full.firstRssMiB },
      rssMiB: { oneStored: empty.rssMiB, allStored: full.rssMiB },
      anonymousMiB: { oneStored: empty.anonymousMiB, allStored: full.anonymousMiB },
    }),
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}

async function fill(path: string, pushes: number): Promise<number> {
  const environment = await openEnvironment({ dataDir: path, log: pino({ level: 'silent' }) })
  const letters = new LmdbDeadLetterStore(environment, { maxAgeMs: 1e9, maxCount: 1, nowMs: Date.now })
  const outbox = new LmdbOutbox(environment, letters, { maxStored: 1e9, collapse: true, nowMs: Date.now })
  const startedMs = performance.now()
  for (let done = 0; done < pushes; ) {
    const written: (Promise<void> | undefined)[] = []
    for (; written.length < perTransaction && done < pushes; done++)
      written.push(outbox.add(push(done))?.durable)
    await Promise.all(written)
  }
  const tookMs = performance.now() - startedMs
  await environment.close()
  return tookMs
}

function push(i: number) {
  return {
    notification: {
      domain: 'push.example.com',
      node: `node-${i}`,
      device: {
        service: i % 2 === 0 ? 'fcm' : 'apns',
        mode: undefined,
        id: `${'fGx9:APA91b'.repeat(14)}-${i}`,
      },
      topic: undefined,
      priority: undefined,
      mutableContent: undefined,
      timeToLiveS: undefined,
      tags: [],
      content: {
        kind: 'alert' as const,
        title: 'romeo@example.com',
        body: 'But soft, what light through yonder window breaks? It is the east, and Juliet is the sun.',
        badge: 3,
        tag: 'romeo@example.com',
        clickAction: undefined,
        sound: undefined,
        data: undefined,
      },
      collapsible: true,
      createdAtMs: Date.now(),
    },
    attempts: 1,
    shortened: false,
    retryCause: 'connect_error',
    lastReason: 'connect ECONNREFUSED',
    unknownReason: '',
    unknownCount: 0,
    dueAtMs: Date.now(),
    run: 1,
  }
}

async function start(name: string, pushes: number) {
  const dataDir = join(directory, name)
  if (name === 'empty') await fill(dataDir, pushes)
  let first: (() => void) | undefined
  const delivered = new Promise<void>((resolve) => {
    first = resolve
  })
  const gateway = await startGatewaySandbox({ keep: 10, onRequest: () => first?.() })
  const config = join(directory, `${name}.toml`)
  writeFileSync(
    config,
    `data_dir = ${JSON.stringify(dataDir)}\n[http]\nlisten = "127.0.0.1:0"\n[mongoosepush]\nurl = "${gateway.url}"\n`,
  )
  const startedMs = performance.now()
  const daemon = spawn(process.execPath, [commandLine, 'start', '--config', config], { stdio: 'ignore' })
  await delivered
  const firstMs = Math.round(performance.now() - startedMs)
  const atFirst = readFileSync(`/proc/${daemon.pid}/status`, 'utf8')
  await sleep(watchedMs - firstMs)
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8')
  const total = gateway.total
  daemon.kill('SIGKILL')
  await gateway.close()
  return {
    firstMs,
    delivered: total,
    firstRssMiB: inMiB(atFirst, 'VmRSS'),
    rssMiB: inMiB(status, 'VmRSS'),
    anonymousMiB: inMiB(status, 'RssAnon'),
  }
}

/** `RssAnon` leaves out the store's pages, which the kernel takes back when it needs them. */
function inMiB(status: string, field: string): number {
  return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024)
}
