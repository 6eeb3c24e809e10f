/**
 * How long an XMPP server is without the daemon while it is restarted: SIGTERM under light load, its end, the next
 * process, its streams. The XMPP server and the gateway are the sandbox's, in this process; the daemon's environment is
 * that of the unit in systemd/. The first round, which fills the cache of compiled code, is not counted.
 *
 * node bench/restart/gap.ts [--rounds N] [--no-cache] [--name NAME]
 *
 * XMPP_PUSHD_CLI names the `cli` of another build: dist/main/cli.js after `npm run build` is what packages run.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { Child } from '../../test/support/child.ts'
import { writeResult } from '../results.ts'
import { unitEnvironment } from '../unit-environment.ts'
import { publish, spread } from './publish.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    'no-cache': { type: 'boolean', default: false },
    name: { type: 'string', default: 'restart-gap' },
  },
})

const root = fileURLToPath(new URL('../..', import.meta.url))
const commandLine = process.env.XMPP_PUSHD_CLI ?? join(root, 'src/main/cli.ts')
const domain = 'push.example.com'
const connections = 2
const publishEveryMs = 20
const patienceMs = 60_000

/** From SIGTERM on, in milliseconds. */
interface Gap {
  readonly exited: number
  readonly firstStream: number
  readonly allStreams: number
  readonly firstDelivery: number
  /** Of the new process's main thread, until its first stream: what a machine busy with other things does not change. */
  readonly cpuToFirstStream: number
}

const dir = mkdtempSync(join(tmpdir(), 'pushd-restart-'))
let delivered: (() => void) | undefined
const gateway = await startGatewaySandbox({ keep: 10, latencyMs: 5, onRequest: () => delivered?.() })
const xmpp = await startXmppSandbox({ domains: { [domain]: 'a secret' }, keep: 10 })
let daemon = await prepare()
const stopLoad = publishAllTheWhile()
const gaps: Gap[] = []
for (let round = 0; round <= Number(values.rounds); round++) {
  const gap = await restart()
  if (round > 0) gaps.push(gap)
}
stopLoad()
daemon.kill('SIGKILL')
await daemon.exited
await Promise.all([gateway.close(), xmpp.close()])
rmSync(dir, { recursive: true, force: true })

const result = {
  cli: relative(root, commandLine),
  compileCache: !values['no-cache'],
  rounds: gaps.length,
  publishesPerSecond: 1000 / publishEveryMs,
  msFromSigterm: {
    exited: spread(gaps.map(({ exited }) => exited)),
    firstStream: spread(gaps.map(({ firstStream }) => firstStream)),
    allStreams: spread(gaps.map(({ allStreams }) => allStreams)),
    firstDelivery: spread(gaps.map(({ firstDelivery }) => firstDelivery)),
  },
  cpuMsToFirstStream: spread(gaps.map(({ cpuToFirstStream }) => cpuToFirstStream)),
}
console.table({ ...result.msFromSigterm, '(CPU to first stream)': result.cpuMsToFirstStream })
writeResult(values.name, result)

async function prepare(): Promise<Child> {
  mkdirSync(join(dir, 'cache'))
  writeFileSync(
    join(dir, 'pushd.toml'),
    `data_dir = "data"
    [http]
    listen = "127.0.0.1:0"
    [[component]]
    domain = "${domain}"
    server = "127.0.0.1:${xmpp.port}"
    secret = "a secret"
    pubsub = false
    connections = ${connections}
    [push]
    served_hosts = ["example.com"]
    virtual_pubsub_hosts = ["${domain}"]
    [mongoosepush]
    url = "${gateway.url}"\n`,
  )
  const first = start()
  await xmpp.waitForStreams(domain, connections, patienceMs)
  return first
}

function start(): Child {
  const env = { ...process.env, ...unitEnvironment(join(dir, 'cache')) }
  if (values['no-cache']) env.NODE_COMPILE_CACHE = ''
  return new Child(process.execPath, [commandLine, 'start', '--config', join(dir, 'pushd.toml')], { env })
}

async function restart(): Promise<Gap> {
  const sinceMs = performance.now()
  const passed = () => Math.round(performance.now() - sinceMs)
  daemon.kill('SIGTERM')
  const { code } = await daemon.exited
  if (code !== 0) throw new Error(`it ended with ${code}: ${daemon.output.slice(-2_000)}`)
  const exited = passed()
  const deliveredAgain = new Promise<void>((resolve) => {
    delivered = resolve
  })
  daemon = start()
  const opened = xmpp.openedCount(domain)
  await xmpp.waitForStreams(domain, 1, patienceMs)
  const firstStream = passed()
  const cpuToFirstStream = mainThreadCpuMs(daemon.pid)
  if (xmpp.openedCount(domain) < opened + connections)
    await xmpp.waitForStreams(domain, connections, patienceMs)
  const allStreams = passed()
  await deliveredAgain
  return { exited, firstStream, allStreams, firstDelivery: passed(), cpuToFirstStream }
}

/** One every so often, while there is a stream to take it. */
function publishAllTheWhile(): () => void {
  let count = 0
  const timer = setInterval(() => {
    if (xmpp.streamCount(domain) > 0) xmpp.send(domain, publish(domain, count++))
  }, publishEveryMs)
  return () => clearInterval(timer)
}

function mainThreadCpuMs(pid: number): number {
  return Math.round(Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
}
