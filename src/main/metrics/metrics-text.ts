import type { BucketedDistribution } from './tally.ts'

type LabelValues = Readonly<Record<string, string>>

/** Metrics as text in Prometheus's exposition format, version 0.0.4: family by family, each with its samples. */
export class MetricsText {
  readonly #lines: string[] = []
  #name = ''

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#name = name
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
  }

  /** Of the family begun last. `part`: `_bucket`, … or ''. */
  sample(part: string, labels: LabelValues, value: number): void {
    const shown = Object.entries(labels).map(([name, text]) => `${name}="${escapeLabel(text)}"`)
    this.#lines.push(`${this.#name}${part}${shown.length === 0 ? '' : `{${shown.join(',')}}`} ${value}`)
  }

  histogram(labels: LabelValues, bounds: readonly number[], { counts, sum }: BucketedDistribution): void {
    let cumulative = 0
    for (const [i, count] of counts.entries()) {
      cumulative += count
      this.sample('_bucket', { ...labels, le: i < bounds.length ? String(bounds[i]) : '+Inf' }, cumulative)
    }
    this.sample('_sum', labels, sum)
    this.sample('_count', labels, cumulative)
  }

  /** A family of one sample. */
  single(name: string, type: 'counter' | 'gauge', help: string, value: number): void {
    this.family(name, type, help)
    this.sample('', {}, value)
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
