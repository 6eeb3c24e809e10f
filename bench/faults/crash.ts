/**
 * npm run crash -- [--kills 200] [--seed N] [--minutes 60] [--rate 300] [--durability always] [--name crash]
 *
 * Kills the daemon so many times, in rounds of ten, each with accounts of its own. After each round the
 * figures are written to bench/results/<name>.json; a run that was broken off goes on from there when it is
 * started again with --resume. A round that failed is repeated by its seed: --kills 10 --seed <its seed>.
 */
import { parseArgs } from 'node:util'
import { readResult, writeResult } from '../results.ts'
import { type CrashRound, crashRound } from './crash-round.ts'
import type { Counts } from './ledger.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '300' },
    durability: { type: 'string', default: 'acknowledged' },
    name: { type: 'string', default: 'crash' },
    resume: { type: 'boolean', default: false },
  },
})

interface CrashResult {
  readonly rounds: readonly CrashRound[]
}

const killsPerRound = 10
const earlier = values.resume ? readResult<CrashResult>(values.name) : undefined
const rounds: CrashRound[] = [...(earlier?.rounds ?? [])]
const endMs = performance.now() + Number(values.minutes) * 60_000
const durability = values.durability === 'always' ? 'always' : 'acknowledged'

console.log(`seed ${values.seed}, ${values.kills} kills, durability ${durability}`)
for (let done = killsIn(rounds); done < Number(values.kills); done = killsIn(rounds)) {
  if (performance.now() > endMs) {
    console.log(`stopped after ${values.minutes} minutes: --resume goes on`)
    break
  }
  const kills = Math.min(killsPerRound, Number(values.kills) - done)
  // Far enough apart that no two rounds draw the same.
  const seed = Number(values.seed) + rounds.length * 1_000
  const round = await crashRound({ seed, kills, rate: Number(values.rate), longestLifeMs: 4_000, durability })
  rounds.push(round)
  const { counts } = round
  console.log(
    `round ${rounds.length} (seed ${seed}): ${kills} kills, ${round.killsDuringStart} of them during a start, ` +
      `in ${round.seconds} s; ${counts.results} acknowledged of ${counts.sent}, ${counts.delivered} delivered, ` +
      `${counts.duplicates} twice, ${counts.unanswered} unanswered, ${counts.waits} wait, ` +
      `${round.faults.length === 0 ? 'no fault' : 'FAULTS'}`,
  )
  for (const fault of round.faults) console.error(`  ${fault}`)
  save()
}
const failed = rounds.filter(({ faults }) => faults.length > 0).length
console.log(`${killsIn(rounds)} kills in ${rounds.length} rounds, ${failed} with faults`)
console.table([total(rounds)])
process.exitCode = failed > 0 ? 1 : 0

function save(): void {
  const totals = { kills: killsIn(rounds), faults: rounds.flatMap(({ faults }) => faults), ...total(rounds) }
  writeResult(values.name, { durability, totals, rounds })
}

function killsIn(list: readonly CrashRound[]): number {
  return list.reduce((sum, { kills }) => sum + kills, 0)
}

function total(list: readonly CrashRound[]): Counts {
  const sums: Record<string, number> = {}
  for (const { counts } of list) {
    for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count
  }
  return sums as unknown as Counts
}
