import {
  BucketedDistribution,
  CountedTally,
  type Distribution,
  type Level,
  SetLevel,
  type Tally,
} from './tally.ts'

/**
 * The values of a label: listed when they are known to all, named by where they come from when the
 * configuration knows them, `met` when they show only as they are met. All but `met` exist from the start.
 */
export type LabelValues = readonly string[] | keyof KnownValues | 'met'

/** What the configuration knows. */
export interface KnownValues {
  /** All domains that publishes are taken for. */
  readonly domains: readonly string[]
  /** Those of them with streams to an XMPP server: a virtual host may be reached over HTTP alone. */
  readonly components: readonly string[]
  /** Gateways, each with each service: `push.example:8443/apns`. */
  readonly pools: readonly string[]
  /** Numbers of the worker threads, from 0. */
  readonly workers: readonly string[]
}

/** Label name to its values. */
export type Labels = Readonly<Record<string, LabelValues>>

/** One line of the exposition, as prom-client renders it. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** When it differs from the family's name (`…_bucket`). */
  readonly metricName?: string
}

/** Every metric's name begins with it. */
const prefix = 'xmpp_pushd_'

/** All children of one metric. `Child` is what a caller keeps. */
abstract class Family<Child> {
  readonly name: string
  readonly help: string
  abstract readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: Labels
  readonly #labelNames: readonly string[]
  readonly #children = new Map<string, { labels: Readonly<Record<string, string>>; child: Child }>()

  constructor(name: string, help: string, labels: Labels = {}) {
    this.name = prefix + name
    this.help = help
    this.labels = labels
    this.#labelNames = Object.keys(labels)
  }

  protected abstract make(): Child
  protected abstract samplesOf(child: Child, labels: Readonly<Record<string, string>>): Sample[]

  protected childOf(labelValues: readonly string[]): Child {
    if (labelValues.length !== this.#labelNames.length) {
      throw new TypeError(`${this.name} has the labels ${this.#labelNames.join(', ')}`)
    }
    const key = labelValues.join('\0')
    let entry = this.#children.get(key)
    if (entry === undefined) {
      const labels = Object.fromEntries(this.#labelNames.map((name, i) => [name, labelValues[i] ?? '']))
      entry = { labels, child: this.make() }
      this.#children.set(key, entry)
    }
    return entry.child
  }

  /** Makes every child whose label values are all known. */
  prepare(known: KnownValues): void {
    let combinations: string[][] = [[]]
    for (const values of Object.values(this.labels)) {
      const list = values === 'met' ? [] : typeof values === 'string' ? known[values] : values
      combinations = combinations.flatMap((before) => list.map((value) => [...before, value]))
    }
    for (const combination of combinations) this.childOf(combination)
  }

  samples(): Sample[] {
    return [...this.#children.values()].flatMap(({ labels, child }) => this.samplesOf(child, labels))
  }
}

export type AnyFamily = CounterFamily | GaugeFamily | HistogramFamily

export class CounterFamily extends Family<CountedTally> {
  readonly type = 'counter'

  /** The counter of these label values, in the order of the table: to fetch once and keep. */
  child(...labelValues: string[]): Tally {
    return this.childOf(labelValues)
  }

  protected make(): CountedTally {
    return new CountedTally()
  }

  protected samplesOf(child: CountedTally, labels: Sample['labels']): Sample[] {
    return [{ labels, value: child.count }]
  }
}

export class GaugeFamily extends Family<SetLevel> {
  readonly type = 'gauge'

  child(...labelValues: string[]): Level {
    return this.childOf(labelValues)
  }

  /** From now on `reader` is asked at each scrape; it must be cheap and must not throw. */
  read(reader: () => number, ...labelValues: string[]): void {
    this.childOf(labelValues).reader = reader
  }

  protected make(): SetLevel {
    return new SetLevel()
  }

  protected samplesOf(child: SetLevel, labels: Sample['labels']): Sample[] {
    return [{ labels, value: child.value }]
  }
}

export class HistogramFamily extends Family<BucketedDistribution> {
  readonly type = 'histogram'
  readonly #bounds: readonly number[]

  constructor(name: string, help: string, bounds: readonly number[], labels: Labels = {}) {
    super(name, help, labels)
    this.#bounds = bounds
  }

  child(...labelValues: string[]): Distribution {
    return this.childOf(labelValues)
  }

  protected make(): BucketedDistribution {
    return new BucketedDistribution(this.#bounds)
  }

  protected samplesOf(child: BucketedDistribution, labels: Sample['labels']): Sample[] {
    const samples: Sample[] = []
    let cumulative = 0
    for (const [i, count] of child.counts.entries()) {
      cumulative += count
      const le = i < this.#bounds.length ? String(this.#bounds[i]) : '+Inf'
      samples.push({ labels: { ...labels, le }, value: cumulative, metricName: `${this.name}_bucket` })
    }
    samples.push({ labels, value: child.sum, metricName: `${this.name}_sum` })
    samples.push({ labels, value: cumulative, metricName: `${this.name}_count` })
    return samples
  }
}
