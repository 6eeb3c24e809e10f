/**
 * What a backlog costs at the start: time from the process's start to the first delivery, and memory while it is
 * delivered, of the real daemon with so many stored pushes against the same with one. The gateway is the sandbox, in
 * this process; the daemon's environment is that of the unit in systemd/.
 *
 * node bench/outbox/start.ts [stored pushes] [seconds]
 *
 * Memory is the most of it that was seen: `anonymous` is the daemon's own, `file` the store's pages and the program's,
 * which the kernel takes back when it needs them.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { takeDataDirectory } from '../../src/main/store/data-directory.ts'
import { LmdbDeadLetterStore } from '../../src/main/store/dead-letters.ts'
import { openEnvironment } from '../../src/main/store/environment.ts'
import { LmdbOutbox } from '../../src/main/store/outbox.ts'
import { startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { Child } from '../../test/support/child.ts'
import { until } from '../../test/support/until.ts'
import { writeResult } from '../results.ts'
import { unitEnvironment } from '../unit-environment.ts'

const count = Number(process.argv[2] ?? 1_000_000)
const root = fileURLToPath(new URL('../..', import.meta.url))
/** XMPP_PUSHD_CLI names the `cli` of another build. */
const commandLine = process.env.XMPP_PUSHD_CLI ?? join(root, 'src/main/cli.ts')
const perTransaction = 5_000
/** The memory is looked at until so long after the start. */
const watchedMs = 1000 * Number(process.argv[3] ?? 20)
const lookMs = 100

const directory = mkdtempSync(join(tmpdir(), 'pushd-backlog-'))
try {
  const empty = await start('empty', 1)
  const filledMs = await fill(join(directory, 'full'), count)
  const full = await start('full', count)
  const storeBytes = statSync(join(directory, 'full', 'store.mdb')).size
  const result = {
    cli: relative(root, commandLine),
    stored: count,
    storeBytesEach: Math.round(storeBytes / count),
    storingUsEach: Math.round((filledMs * 1000) / count),
    seconds: watchedMs / 1000,
    oneStored: empty,
    allStored: full,
    moreAnonymousMiB: full.anonymousMiB - empty.anonymousMiB,
  }
  console.log(result)
  writeResult('backlog-start', result)
} finally {
  rmSync(directory, { recursive: true, force: true })
}

async function fill(path: string, pushes: number): Promise<number> {
  const environment = await openEnvironment({
    directory: await takeDataDirectory(path),
    log: pino({ level: 'silent' }),
  })
  const letters = new LmdbDeadLetterStore(environment, {
    maxAgeMs: 1e9,
    maxCount: 1,
    maxBytes: 1e12,
    nowMs: Date.now,
  })
  const outbox = new LmdbOutbox(environment, letters, {
    maxStored: 1e9,
    maxStoredBytes: 1e12,
    domainShare: 1,
    collapse: true,
    nowMs: Date.now,
  })
  const startedMs = performance.now()
  for (let done = 0; done < pushes; ) {
    const written: Promise<void>[] = []
    for (; written.length < perTransaction && done < pushes; done++) {
      const addition = outbox.add(push(done))
      if (typeof addition === 'string') throw new Error(`no room: ${addition}`)
      written.push(addition.durable)
    }
    await Promise.all(written)
  }
  const tookMs = performance.now() - startedMs
  await environment.close()
  return tookMs
}

function push(i: number) {
  return {
    sender: i % 128,
    shelf: i % 2 === 0 ? 'fcm' : 'apns',
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
      enabledAtMs: undefined,
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
  const env = { ...process.env, ...unitEnvironment(join(directory, 'cache')) }
  if (name === 'empty') {
    // Compiled code is cached when the process ends.
    await compile(config, env)
    await fill(dataDir, pushes)
  }
  const startedMs = performance.now()
  const daemon = spawn(process.execPath, [commandLine, 'start', '--config', config], { env, stdio: 'ignore' })
  let [anonymousMiB, fileMiB] = [0, 0]
  const look = setInterval(() => {
    const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8')
    anonymousMiB = Math.max(anonymousMiB, inMiB(status, 'RssAnon'))
    fileMiB = Math.max(fileMiB, inMiB(status, 'RssFile') + inMiB(status, 'RssShmem'))
  }, lookMs)
  await delivered
  const firstMs = Math.round(performance.now() - startedMs)
  await sleep(watchedMs - firstMs)
  clearInterval(look)
  const total = gateway.total
  daemon.kill('SIGKILL')
  await gateway.close()
  return { firstDeliveryMs: firstMs, delivered: total, anonymousMiB, fileMiB }
}

async function compile(config: string, env: NodeJS.ProcessEnv): Promise<void> {
  const daemon = new Child(process.execPath, [commandLine, 'start', '--config', config], { env })
  await until('it to be up', () => daemon.output.includes('"started"'), 60_000)
  daemon.kill('SIGTERM')
  await daemon.exited
}

function inMiB(status: string, field: string): number {
  return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024)
}
