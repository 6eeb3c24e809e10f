/**
 * npm run bench:figures
 *
 * Writes the tables of docs/performance.md and the charts of docs/charts anew, from what the studies have left in
 * bench/results.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import type { Comparison, Medians } from './load/measure.ts'
import { code, replacePart, table } from './markdown.ts'
import { type Made, readResult } from './results.ts'
import { type Memory, type Study, studies } from './studies.ts'
import { lineChart } from './svg-chart.ts'

const charts = new URL('../docs/charts/', import.meta.url)
mkdirSync(charts, { recursive: true })

/** What a study's chart shows, by its name. */
const drawn: Readonly<Record<string, { readonly unit: string; readonly lines: readonly Line[] }>> = {
  latency: { unit: 'ms', lines: [line('p50', 'p50Ms'), line('p99', 'p99Ms')] },
  growth: { unit: 'µs of CPU for a publish', lines: [line('CPU', 'daemonCpuUs')] },
  streams: { unit: 'publishes a second', lines: [line('rate', 'rate')] },
  workers: { unit: 'publishes a second', lines: [line('rate', 'rate')] },
  connections: { unit: 'publishes a second', lines: [line('rate', 'rate')] },
  'gateway-latency': { unit: 'publishes a second', lines: [line('rate', 'rate')] },
  'served-latency': { unit: 'ms', lines: [line('p50', 'p50Ms'), line('p99', 'p99Ms')] },
  'direct-latency': { unit: 'publishes a second', lines: [line('rate', 'rate')] },
}

interface Line {
  readonly label: string
  readonly figure: 'rate' | 'daemonCpuUs' | 'p50Ms' | 'p99Ms'
}

function line(label: string, figure: Line['figure']): Line {
  return { label, figure }
}

for (const study of studies) replacePart('performance.md', study.name, part(study))

function part({ name, title, mongoosePush }: Study): string {
  const file = readResult<Made & (Comparison | { readonly memory: readonly Memory[] })>(name)
  if (file === undefined) return `Not run yet: ${code(`npm run bench -- ${name}`)}.`
  const of = `${code(`npm run bench -- ${name}`)}, ${file.measuredAt.slice(0, 10)}, ${file.commit}, Node.js ${file.node.slice(1)}, ${file.cores} cores, load average ${file.loadAverage[0]?.toFixed(1)}: [${name}.json](../bench/results/${name}.json)`
  if ('memory' in file) return `${memoryTable(file.memory)}\n\n${of}`
  const chart = drawn[name]
  if (chart === undefined) return `${mediansTable(file.medians, mongoosePush)}\n\n${of}`
  const lines = chart.lines.map(({ label, figure }) => ({
    label,
    values: file.medians.map((medians) => medians[figure]),
  }))
  const labels = file.medians.map(({ subject }) => subject)
  writeFileSync(new URL(`${name}.svg`, charts), lineChart(title, chart.unit, labels, lines))
  return `${mediansTable(file.medians)}\n\n![${title}](charts/${name}.svg)\n\n${of}`
}

/** The last two columns: against the first row; or the last one: against MongoosePush. */
function mediansTable(medians: readonly Medians[], mongoosePush?: Study['mongoosePush']): string {
  const [first] = medians
  const last = mongoosePush === undefined ? ['rate ×', 'CPU ×'] : ["MongoosePush's ×"]
  const columns = ['', 'a second', 'lowest – highest', 'CPU each', 'p50', 'p99', 'memory', ...last]
  const rows = medians.map((m) => [
    m.subject,
    m.rate.toLocaleString('en'),
    `${m.lowestRate.toLocaleString('en')} – ${m.highestRate.toLocaleString('en')}`,
    `${m.daemonCpuUs.toFixed(1)} µs`,
    latency(m.p50Ms),
    latency(m.p99Ms),
    `${Math.round(m.residentMb.anonymous)} MB`,
    ...(mongoosePush === undefined
      ? [ratio(m.rate, first?.rate), ratio(m.daemonCpuUs, first?.daemonCpuUs)]
      : [ratio(m.rate, mongoosePush[m.subject])]),
  ])
  return table(columns, rows)
}

function memoryTable(memory: readonly Memory[]): string {
  const columns = ['stored, of each', 'idle', 'full', 'mapped files, idle', 'mapped files, full']
  const mb = (value: number) => `${Math.round(value)} MB`
  const rows = memory.map(({ stored, idle, full }) => [
    stored.toLocaleString('en'),
    mb(idle.anonymous),
    mb(full.anonymous),
    mb(idle.file),
    mb(full.file),
  ])
  return table(columns, rows)
}

/** Null in the file: there are no answers to time. */
function latency(ms: number | null): string {
  return ms === null || Number.isNaN(ms) ? '–' : `${ms} ms`
}

function ratio(value: number, first: number | undefined): string {
  return first === undefined ? '' : (value / first).toFixed(2)
}
