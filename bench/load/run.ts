/**
 * The end-to-end bench: node bench/load/run.ts [--daemon main --daemon naive …] [--rounds 3] …
 *
 * Starts source, daemon and sink for each daemon named, warms all up, then measures rounds in turn, so
 * that what disturbs the machine disturbs all. Prints a table and writes bench/results/<name>.json.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { SourceRound } from './reports.ts'
import { type DaemonName, daemons, type Rig, startRig } from './rig.ts'
import { cpuPer, residentMb, threadCpu, totalCpu } from './thread-cpu.ts'

const { values } = parseArgs({
  options: {
    daemon: { type: 'string', multiple: true, default: ['main'] },
    name: { type: 'string', default: 'load' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    warmup: { type: 'string', default: '5' },
    window: { type: 'string', default: '1000' },
    rate: { type: 'string' },
    devices: { type: 'string', default: '100000' },
    streams: { type: 'string', default: '2' },
    workers: { type: 'string', default: '2' },
    connections: { type: 'string', default: '64' },
    latency: { type: 'string', default: '0' },
  },
})

interface Measured extends Omit<SourceRound, 'cpuUs'> {
  readonly daemon: DaemonName
  readonly requests: number
  readonly gatewayConnections: number
  /** µs of CPU per notification. */
  readonly daemonCpuUs: number
  readonly daemonThreadsCpuUs: Readonly<Record<string, number>>
  readonly sourceCpuUs: number
  readonly sinkCpuUs: number
  readonly residentMb: { readonly anonymous: number; readonly file: number }
}

const load = {
  window: Number(values.window),
  devices: Number(values.devices),
  ...(values.rate === undefined ? {} : { rate: Number(values.rate) }),
}
const options = {
  streams: Number(values.streams),
  workers: Number(values.workers),
  httpConnections: Number(values.connections),
  gatewayLatencyMs: Number(values.latency),
}

async function measure(rig: Rig): Promise<Measured> {
  const pid = rig.daemon.pid ?? 0
  const sinkBefore = await rig.count()
  const before = threadCpu(pid)
  const round = await rig.run({ ...load, seconds: Number(values.seconds) })
  const after = threadCpu(pid)
  const sink = await rig.count()
  const { cpuUs: sourceCpuUs, ...answers } = round
  return {
    daemon: rig.name,
    ...answers,
    requests: sink.requests - sinkBefore.requests,
    gatewayConnections: sink.connections,
    daemonCpuUs: (totalCpu(after) - totalCpu(before)) / round.allAnswers,
    daemonThreadsCpuUs: cpuPer(round.allAnswers, before, after),
    sourceCpuUs: sourceCpuUs / round.allAnswers,
    sinkCpuUs: (sink.cpuUs - sinkBefore.cpuUs) / round.allAnswers,
    residentMb: residentMb(pid),
  }
}

function daemonNamed(name: string): DaemonName {
  const known = daemons.find((daemon) => daemon === name)
  if (known === undefined) throw new Error(`--daemon ${name}: one of ${daemons.join(', ')}`)
  return known
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim()
  } catch {
    return 'unknown'
  }
}

function line(m: Measured): string {
  const threads = Object.entries(m.daemonThreadsCpuUs).map(([name, us]) => `${name} ${us}`)
  return [
    m.daemon.padEnd(6),
    `${Math.round(m.rate)}/s`.padStart(9),
    `daemon ${m.daemonCpuUs.toFixed(1)} µs (${threads.join(', ')})`,
    `source ${m.sourceCpuUs.toFixed(1)} µs, sink ${m.sinkCpuUs.toFixed(1)} µs`,
    `p50 ${m.latencyMs.p50} ms, p99 ${m.latencyMs.p99} ms`,
    m.sendDelayMs === undefined ? '' : `(send delay ${m.sendDelayMs.p50}, ${m.sendDelayMs.p99})`,
    `RSS ${m.residentMb.anonymous}+${m.residentMb.file} MB`,
    m.errors + m.lost > 0 ? `ERRORS ${m.errors}, LOST ${m.lost}` : '',
  ].join('  ')
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const [lower = 0, upper = lower] = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1)
  return (lower + upper) / 2
}

// An interrupted run leaves no daemon behind: see the rig's exit handler.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const loadBefore = loadavg()
const rigs: Rig[] = []
const rounds: Measured[] = []
try {
  for (const name of values.daemon) rigs.push(await startRig(daemonNamed(name), options))
  for (const rig of rigs) await rig.run({ ...load, seconds: Number(values.warmup) })
  for (let i = 0; i < Number(values.rounds); i++) {
    for (const rig of rigs) {
      const measured = await measure(rig)
      rounds.push(measured)
      console.log(line(measured))
    }
  }
} finally {
  for (const rig of rigs) await rig[Symbol.asyncDispose]()
}

const medians = rigs.map(({ name }) => {
  const own = rounds.filter(({ daemon }) => daemon === name)
  return {
    daemon: name,
    rate: Math.round(median(own.map(({ rate }) => rate))),
    daemonCpuUs: Math.round(median(own.map(({ daemonCpuUs }) => daemonCpuUs)) * 10) / 10,
    p50Ms: Math.round(median(own.map(({ latencyMs }) => latencyMs.p50)) * 100) / 100,
    p99Ms: Math.round(median(own.map(({ latencyMs }) => latencyMs.p99)) * 100) / 100,
  }
})
console.table(medians)
const result = {
  measuredAt: new Date().toISOString(),
  commit: commit(),
  node: process.version,
  cores: cpus().length,
  cpu: cpus()[0]?.model,
  loadAverage: { before: loadBefore, after: loadavg() },
  load,
  options,
  medians,
  rounds,
}
const file = new URL(`../results/${values.name}.json`, import.meta.url)
mkdirSync(new URL('.', file), { recursive: true })
writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`)
console.log(`written to bench/results/${values.name}.json`)
