/**
 * npm run faults:figures
 *
 * Writes the figures of docs/reliability.md anew, from what the runs have left in bench/results.
 */
import { code, replacePart, table } from '../markdown.ts'
import { aimsTable } from '../restart/aims.ts'
import type { AwayFile } from '../restart/away-figures.ts'
import { type Made, readResult } from '../results.ts'
import type { CaseReport } from './cases/fault-case.ts'
import type { Counts } from './ledger.ts'

interface CrashFile extends Made {
  readonly totals: Counts & { readonly kills: number; readonly faults: readonly string[] }
}
interface FaultsFile extends Made {
  readonly seconds: number
  readonly cases: Readonly<Record<string, CaseReport & { readonly about: string }>>
}
interface SoakFile extends Made {
  readonly minutes: number
  readonly rate: number
  readonly isOver: boolean
  readonly counts?: Counts
  readonly faults?: readonly string[]
  readonly growthMb?: number
  readonly slopes?: { readonly p99MsPerMinute: { readonly perUnit: number } }
}
interface FuzzFile extends Made {
  readonly runs: number
  readonly properties: number
  readonly failed: readonly string[]
}

const runs = [
  faultRuns('faults', ''),
  faultRuns('faults-handover', ' --name faults-handover --case handover --case handover-killed'),
  faultRuns('provider-faults', ' --name provider-faults --case provider-goaway …'),
  peopleRuns('people-faults', ' --name people-faults --case people-'),
]
const restarts = [
  awayRuns(
    'away',
    'The duration is that from the beginning of the restart to ready; of a server restart, from its listening to ready.',
  ),
  awayRuns(
    'systemd',
    'The duration is that from the first connection closed to the handshakes of as many streams as before, as the server sees it.',
  ),
]
replacePart('reliability.md', 'aims', aimsTable())
replacePart('reliability.md', 'figures', [longRuns(), ...restarts, ...runs].join('\n\n'))

function longRuns(): string {
  const rows = [
    crashRow('crash', 'npm run crash -- --kills 200'),
    crashRow('crash-always', 'npm run crash -- --kills 200 --durability always --name crash-always'),
    soakRow(),
    fuzzRow(),
  ]
  return table(['run', 'command', 'figures', 'faults', 'date', 'commit'], rows)
}

function crashRow(name: string, command: string): string[] {
  const file = readResult<CrashFile>(name)
  if (file === undefined) return [name, code(command), 'not run yet', '', '', '']
  const { totals } = file
  const figures =
    `${totals.kills} kills; ${totals.results} acknowledged of ${totals.sent}, ${totals.deliveredLater} of them ` +
    `delivered from the store; ${totals.gone} to devices that were gone, ${totals.superseded} superseded, ` +
    `${totals.recorded} recorded as dead letters; ${totals.duplicates} delivered twice`
  return [name, code(command), figures, String(totals.faults.length), ...made(file)]
}

function soakRow(): string[] {
  const command = 'npm run soak -- --minutes 60'
  const file = readResult<SoakFile>('soak')
  if (file?.isOver !== true) return ['soak', code(command), 'not run yet', '', '', '']
  const figures =
    `${file.minutes} minutes at ${file.rate}/s, ${file.counts?.results} acknowledged; memory grew by ` +
    `${file.growthMb?.toFixed(1)} MB, p99 by ${file.slopes?.p99MsPerMinute.perUnit.toFixed(3)} ms a minute`
  return ['soak', code(command), figures, String(file.faults?.length), ...made(file)]
}

function fuzzRow(): string[] {
  const file = readResult<FuzzFile>('fuzz')
  const command = `npm run fuzz -- --runs ${file?.runs ?? 250_000}`
  if (file === undefined) return ['fuzz', code(command), 'not run yet', '', '', '']
  const figures = `${file.properties} properties, each up to ${file.runs} times`
  return ['fuzz', code(command), figures, String(file.failed.length), ...made(file)]
}

/** What restarts cost the users of an XMPP server. `duration`: what it is. */
function awayRuns(name: 'away' | 'systemd', duration: string): string {
  const file = readResult<AwayFile>(name)
  const command = code(`node bench/restart/${name}.ts`)
  if (file === undefined) return `${command}: not run yet.`
  const [date, commit] = made(file)
  const rows = file.figures.map((figures) => [
    figures.server,
    figures.case,
    String(figures.rounds),
    `${figures.lost.median}; ${figures.lost.most}`,
    String(figures.pushesMissing),
    `${figures.awayMs.median} ms; ${figures.awayMs.most} ms`,
    `${figures.slowestPushMs.median} ms; ${figures.slowestPushMs.most} ms`,
    String(figures.connectionsClosed),
  ])
  const columns = [
    'server',
    'case',
    'rounds',
    'registrations lost: median; most',
    'pushes missing, all rounds',
    'duration: median; most',
    'slowest push: median; most',
    'connections closed',
  ]
  return (
    `${command}, ${date}, ${commit}: ${file.registrations} registrations, ${file.messagesPerSecond} messages a second. ` +
    `${duration}\n\n${table(columns, rows)}`
  )
}

/** `options`: of the command, beside the seconds. */
function faultRuns(name: string, options: string): string {
  const file = readResult<FaultsFile>(name)
  if (file === undefined) return `${code(`npm run faults${options}`)}: not run yet.`
  const [date, commit] = made(file)
  const rows = Object.entries(file.cases).map(([name, { about, figures, faults }]) => {
    const { sent = 0, results = 0, waits = 0, deliveredLater = 0, duplicates = 0 } = figures
    const memory = figures.rssMostMb === undefined ? '' : `${figures.rssStartMb} → ${figures.rssMostMb} MB`
    const ratio =
      figures.p99Ratio === undefined
        ? ''
        : `${figures.normalP99Ms} → ${figures.faultyP99Ms} ms (× ${figures.p99Ratio})`
    const counts = [sent, results, deliveredLater, waits, duplicates].map(String)
    return [code(name), about, ...counts, memory, ratio, String(faults.length)]
  })
  const columns = [
    'case',
    'what goes wrong',
    'sent',
    'acknowledged',
    'from the store',
    'wait',
    'twice',
    'memory, most',
    "others' p99",
    'faults',
  ]
  return `\`npm run faults -- --seconds ${file.seconds}${options}\`, ${date}, ${commit}:\n\n${table(columns, rows)}`
}

/** What people's floods cost. */
function peopleRuns(name: string, options: string): string {
  const file = readResult<FaultsFile>(name)
  if (file === undefined) return `${code(`npm run faults --${options}`)}: not run yet.`
  const [date, commit] = made(file)
  const rows = Object.entries(file.cases).map(([name, { about, figures, faults }]) => {
    const { sent = 0, results = 0, waits = 0, refused = 0 } = figures
    const waited =
      figures.p99Ratio === undefined
        ? ''
        : `${figures.normalP99Ms} → ${figures.faultyP99Ms} ms (× ${figures.p99Ratio})`
    const pause = figures.longestPauseMs === undefined ? '' : `${figures.longestPauseMs} ms`
    return [
      code(name),
      about,
      ...[sent, results, waits + refused].map(String),
      `${figures.rssStartMb} → ${figures.rssMostMb} MB`,
      `${figures.diskStartMb} → ${figures.diskEndMb} MB`,
      waited,
      pause,
      String(faults.length),
    ]
  })
  const columns = [
    'case',
    'what people do',
    'sent',
    'acknowledged',
    'refused',
    'RSS, peak',
    '`data_dir`',
    "another user's p99",
    'longest pause',
    'faults',
  ]
  return `\`npm run faults -- --seconds ${file.seconds}${options}\`, ${date}, ${commit}:\n\n${table(columns, rows)}`
}

function made({ measuredAt, commit }: Made): [date: string, commit: string] {
  return [measuredAt.slice(0, 10), commit]
}
