/** The table of all metrics in docs/metrics.md, made from src/main/metrics/table.ts. */
import { type AnyFamily, CounterFamily, GaugeFamily, HistogramFamily } from '../src/main/metrics/family.ts'
import { Metrics } from '../src/main/metrics/table.ts'

const begin = '<!-- Made by "npm run docs" from src/main/metrics/table.ts: change it there. -->\n'
const end = '<!-- end -->\n'

/** Every family, in the order in which it is declared. */
export function metricFamilies(): AnyFamily[] {
  return Object.values(new Metrics('')).filter(
    (value) =>
      value instanceof CounterFamily || value instanceof GaugeFamily || value instanceof HistogramFamily,
  )
}

export function metricsTable(): string {
  const rows = metricFamilies().map(({ name, type, labels, help }) => {
    const names = Object.keys(labels).map((label) => `\`${label}\``)
    return `| \`${name}\` | ${type} | ${names.join(', ')} | ${help} |`
  })
  return `| metric | type | labels | |\n|---|---|---|---|\n${rows.join('\n')}\n`
}

/** The page with the table as it should be. */
export function completed(text: string): string {
  const [before = '', rest = ''] = text.split(begin)
  const [, after] = rest.split(end)
  if (after === undefined) throw new Error(`docs/metrics.md lacks ${begin} or ${end}`)
  return `${before}${begin}\n${metricsTable()}\n${end}${after}`
}
