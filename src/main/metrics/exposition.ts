import { collectDefaultMetrics, type Metric, Registry } from 'prom-client'
import type { AnyFamily, Sample } from './family.ts'

/** What prom-client's registry asks a metric for when it renders it. */
interface Snapshot {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly aggregator: string
  readonly values: readonly Sample[]
}

interface RenderedMetric {
  readonly name: string
  get(): Promise<Snapshot>
}

/** Gauges of prom-client whose names end like a counter's: they only add up the labelled ones of the same name. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

let processMetrics: readonly RenderedMetric[] | undefined

/** prom-client's `process_*` and `nodejs_*`. They are about the process, and so are collected once in it. */
function metricsOfProcess(): readonly RenderedMetric[] {
  if (processMetrics === undefined) {
    const registry = new Registry()
    collectDefaultMetrics({ register: registry })
    for (const name of misnamed) registry.removeSingleMetric(name)
    processMetrics = (registry.getMetricsAsArray() as unknown as PromMetric[]).map((metric) => ({
      name: metric.name,
      get: () => metric.getForPromString?.() ?? metric.get(),
    }))
  }
  return processMetrics
}

/** A metric of prom-client, as its registry sees it. */
interface PromMetric extends RenderedMetric {
  getForPromString?(): Promise<Snapshot>
}

function metricOf(family: AnyFamily): RenderedMetric {
  const { name, help, type } = family
  return { name, get: async () => ({ name, help, type, aggregator: 'sum', values: family.samples() }) }
}

/** OpenMetrics names a counter's family without `_total`, and the registry puts it back on every sample. */
function asOpenMetrics(metric: RenderedMetric): RenderedMetric {
  return {
    name: metric.name,
    async get() {
      const snapshot = await metric.get()
      if (snapshot.type !== 'counter') return snapshot
      return { ...snapshot, name: snapshot.name.replace(/_total$/, '') }
    },
  }
}

/**
 * Renders metrics in both formats. One registry each: prom-client's renames counters for good the first
 * time it renders them as OpenMetrics.
 */
export class Exposition {
  readonly #prometheus = new Registry()
  readonly #openMetrics = new Registry()
  /** Renderings under way: all requests during one get the same text. */
  readonly #underWay = new Map<Registry, Promise<string>>()

  constructor(families: readonly AnyFamily[]) {
    this.#openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
    for (const metric of [...families.map(metricOf), ...metricsOfProcess()]) {
      this.#prometheus.registerMetric(metric as unknown as Metric)
      this.#openMetrics.registerMetric(asOpenMetrics(metric) as unknown as Metric)
    }
  }

  async render(accept: string | undefined): Promise<{ contentType: string; body: string }> {
    const registry = prefersOpenMetrics(accept ?? '') ? this.#openMetrics : this.#prometheus
    return { contentType: registry.contentType, body: await this.#text(registry) }
  }

  #text(registry: Registry): Promise<string> {
    const underWay = this.#underWay.get(registry)
    if (underWay !== undefined) return underWay
    const text = registry.metrics().finally(() => this.#underWay.delete(registry))
    this.#underWay.set(registry, text)
    return text
  }
}

/** Whether an Accept header (RFC 9110 §12.5.1) names OpenMetrics, and does not like plain text better. */
function prefersOpenMetrics(accept: string): boolean {
  let openMetrics = 0
  let text = 0
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    const quality = weight === undefined ? 1 : Number(weight.slice(2))
    if (type === 'application/openmetrics-text') openMetrics = Math.max(openMetrics, quality)
    if (type === 'text/plain') text = Math.max(text, quality)
  }
  return openMetrics > 0 && openMetrics >= text
}
