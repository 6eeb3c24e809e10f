import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../median.ts'
import type { LatencySummary } from './latencies.ts'
import { type Rig, startRig } from './rig.ts'
import type { Subject } from './subject.ts'
import { cpuPer, residentMb, threadCpu, totalCpu } from './thread-cpu.ts'

/** What a round came to. */
export interface Measured {
  readonly subject: string
  readonly seconds: number
  /** Pushes per second. */
  readonly rate: number
  /** Of the source's answers; undefined where there are none. */
  readonly latencyMs: LatencySummary | undefined
  readonly sendDelayMs: LatencySummary | undefined
  readonly errors: number
  readonly lost: number
  /** At the gateway. */
  readonly requests: number
  readonly gatewayConnections: number
  /** µs of CPU per push. */
  readonly daemonCpuUs: number
  readonly daemonThreadsCpuUs: Readonly<Record<string, number>>
  readonly sourceCpuUs: number
  readonly sinkCpuUs: number
  readonly residentMb: { readonly anonymous: number; readonly file: number }
}

/** What is said of all rounds of a subject. */
export interface Medians {
  readonly subject: string
  readonly rate: number
  readonly lowestRate: number
  readonly highestRate: number
  readonly daemonCpuUs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly residentMb: { readonly anonymous: number; readonly file: number }
  readonly errors: number
}

export interface Rounds {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

export interface Comparison {
  readonly medians: readonly Medians[]
  readonly rounds: readonly Measured[]
}

/**
 * Measures the subjects side by side: all are started and warmed up, then each has a round in turn, so that what
 * disturbs the machine disturbs all. A line is printed for each round.
 */
export async function compare(subjects: readonly Subject[], plan: Rounds): Promise<Comparison> {
  const rigs: Rig[] = []
  const rounds: Measured[] = []
  try {
    for (const subject of subjects) rigs.push(await startRig(subject))
    for (const rig of rigs) await measure(rig, plan.warmUpSeconds)
    for (let i = 0; i < plan.rounds; i++) {
      for (const rig of rigs) {
        const measured = await measure(rig, plan.seconds)
        rounds.push(measured)
        console.log(line(measured))
      }
    }
  } finally {
    for (const rig of rigs) await rig[Symbol.asyncDispose]()
  }
  return { medians: subjects.map(({ name }) => mediansOf(name, rounds)), rounds }
}

/** One round, to its last answer. */
export async function measure(rig: Rig, seconds: number): Promise<Measured> {
  const { source, range, window, rate } = rig.subject.setUp
  const pid = rig.daemon.pid ?? 0
  const sinkBefore = await rig.count()
  const before = threadCpu(pid)
  const round = await rig.run({ seconds, range, window, rate })
  // Events have no answers: what tells that all are through is the gateway.
  const isAnswered = source !== 'event'
  const takenInTime = isAnswered ? round.answers : (await rig.count()).requests - sinkBefore.requests
  const sink = isAnswered ? await rig.count() : await settled(rig)
  const after = threadCpu(pid)
  const requests = sink.requests - sinkBefore.requests
  const pushes = isAnswered ? round.allAnswers : requests
  return {
    subject: rig.subject.name,
    seconds: round.seconds,
    rate: takenInTime / round.seconds,
    latencyMs: round.latencyMs,
    sendDelayMs: round.sendDelayMs,
    errors: round.errors,
    lost: isAnswered ? round.lost : round.allAnswers - requests,
    requests,
    gatewayConnections: sink.connections,
    daemonCpuUs: (totalCpu(after) - totalCpu(before)) / pushes,
    daemonThreadsCpuUs: cpuPer(pushes, before, after),
    sourceCpuUs: round.cpuUs / pushes,
    sinkCpuUs: (sink.cpuUs - sinkBefore.cpuUs) / pushes,
    residentMb: residentMb(pid),
  }
}

/** Once nothing has come to the gateway for half a second. */
async function settled(rig: Rig) {
  for (let last = await rig.count(); ; ) {
    await sleep(500)
    const now = await rig.count()
    if (now.requests === last.requests) return now
    last = now
  }
}

function mediansOf(subject: string, rounds: readonly Measured[]): Medians {
  const own = rounds.filter((round) => round.subject === subject)
  const of = (value: (round: Measured) => number) => round(median(own.map(value)))
  const rates = own.map(({ rate }) => Math.round(rate))
  return {
    subject,
    rate: Math.round(median(rates)),
    lowestRate: Math.min(...rates),
    highestRate: Math.max(...rates),
    daemonCpuUs: of(({ daemonCpuUs }) => daemonCpuUs),
    p50Ms: of(({ latencyMs }) => latencyMs?.p50 ?? Number.NaN),
    p99Ms: of(({ latencyMs }) => latencyMs?.p99 ?? Number.NaN),
    residentMb: {
      anonymous: of(({ residentMb }) => residentMb.anonymous),
      file: of(({ residentMb }) => residentMb.file),
    },
    errors: own.reduce((sum, { errors, lost }) => sum + errors + lost, 0),
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function line(m: Measured): string {
  const threads = Object.entries(m.daemonThreadsCpuUs).map(([name, us]) => `${name} ${us}`)
  return [
    m.subject.padEnd(6),
    `${Math.round(m.rate)}/s`.padStart(9),
    `daemon ${m.daemonCpuUs.toFixed(1)} µs (${threads.join(', ')})`,
    `source ${m.sourceCpuUs.toFixed(1)} µs, sink ${m.sinkCpuUs.toFixed(1)} µs`,
    m.latencyMs === undefined ? '' : `p50 ${m.latencyMs.p50} ms, p99 ${m.latencyMs.p99} ms`,
    m.sendDelayMs === undefined ? '' : `(send delay ${m.sendDelayMs.p50}, ${m.sendDelayMs.p99})`,
    `RSS ${m.residentMb.anonymous}+${m.residentMb.file} MB`,
    m.errors + m.lost > 0 ? `ERRORS ${m.errors}, LOST ${m.lost}` : '',
  ].join('  ')
}

export function printMedians({ medians }: Comparison): void {
  console.table(medians.map(({ residentMb, ...others }) => ({ ...others, ...residentMb })))
}
