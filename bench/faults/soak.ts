/**
 * npm run soak -- [--minutes 60] [--rate N] [--share 0.7] [--seed N] [--name soak]
 *
 * Runs the daemon for so long at a share of its capacity (measured first, unless a rate is given), with a gateway that
 * fails once in a hundred times, and holds memory and latency against time. Figures are written every
 * ten seconds to bench/results/<name>.json, so that a run broken off has shown what it could.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { writeResult } from '../results.ts'
import { Rig } from './rig.ts'
import { type Slope, slopeOf } from './slope.ts'
import { fine, weathers } from './weather.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string' },
    share: { type: 'string', default: '0.7' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    name: { type: 'string', default: 'soak' },
  },
})

interface Sample {
  readonly minute: number
  readonly rate: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly rssMb: number
  readonly pending: number
  readonly stored: number
}

const sampleMs = 10_000
/** The first part of the run, in which memory still grows to its working size. */
const warmUpShare = 0.1
/** Memory that is flat grows by less than this over the run, or by no more than its own noise. */
const flatMb = 5

const endMs = performance.now() + Number(values.minutes) * 60_000
const seed = Number(values.seed)
const rig = await Rig.start({ seed, config: { mongoosepush: { max_http_connections: 64 } } })
const { source, gateway, daemon } = rig
const rate =
  values.rate === undefined ? Math.floor((await capacity()) * Number(values.share)) : Number(values.rate)
console.log(`seed ${seed}, ${rate} publishes per second for ${values.minutes} minutes`)
await gateway.weather(weathers['one in a hundred 503'] ?? fine)
source.start({ rate, window: 20_000, sharedShare: 0.05, sharedDevices: 1_000 })

const startedMs = performance.now()
const samples: Sample[] = []
while (performance.now() < endMs) {
  source.takeLatencies()
  await delay(Math.min(sampleMs, Math.max(100, endMs - performance.now())))
  samples.push(await sample())
  save({ isOver: false })
}
const { counts, faults } = await rig.settle(300_000)
const steady = samples.slice(Math.ceil(samples.length * warmUpShare))
const rss = slopeOf(steady.map(({ minute, rssMb }) => [minute, rssMb]))
const p99 = slopeOf(steady.map(({ minute, p99Ms }) => [minute, p99Ms]))
const growthMb = rss.perUnit * (steady.at(-1)?.minute ?? 0)
const flat = growthMb < flatMb || Math.abs(rss.perUnit) < 3 * rss.error
save({ isOver: true, counts, faults, slopes: { rssMbPerMinute: rss, p99MsPerMinute: p99 }, growthMb, flat })
console.log(`memory ${shown(rss)} MB a minute, p99 ${shown(p99)} ms a minute; ${JSON.stringify(counts)}`)
for (const fault of faults) console.error(`  ${fault}`)
console.log(`${faults.length === 0 ? 'no fault' : 'FAULTS'}, memory ${flat ? 'flat' : 'GROWS'}`)
process.exitCode = faults.length === 0 && flat ? 0 : 1
await rig[Symbol.asyncDispose]()

/** Publishes per second that are answered when as many come as the window lets through. */
async function capacity(): Promise<number> {
  source.start({ rate: 100_000, window: 500 })
  await delay(3_000)
  source.takeLatencies()
  const measureMs = performance.now()
  await delay(5_000)
  const { count } = source.takeLatencies()
  source.pause()
  return (count * 1000) / (performance.now() - measureMs)
}

async function sample(): Promise<Sample> {
  const { count, p50, p99: p99Ms } = source.takeLatencies()
  const taken = {
    minute: Math.round((performance.now() - startedMs) / 600) / 100,
    rate: Math.round((count * 1000) / sampleMs),
    p50Ms: p50,
    p99Ms,
    rssMb: daemon.memory.anonymousMb,
    pending: (await daemon.metric('pending')) ?? -1,
    stored: (await daemon.metric('stored')) ?? -1,
  }
  console.log(JSON.stringify(taken))
  return taken
}

function save(more: object): void {
  writeResult(values.name, { seed, minutes: Number(values.minutes), rate, ...more, samples })
}

function shown({ perUnit, error }: Slope): string {
  return `${perUnit.toFixed(4)} ± ${error.toFixed(4)}`
}
