/**
 * What MongoosePush counts, under its names and in its units, so that dashboards made for it go on. They are not to
 * Prometheus's taste (`_count` on counters, microseconds), and so are shown on the served API alone.
 */
import type { ServedCategory } from '../../core/gateway/served-answer.ts'
import type { Sample } from '../metrics/family.ts'
import { MetricsText } from '../metrics/metrics-text.ts'
import type { Metrics } from '../metrics/table.ts'
import { BucketedDistribution } from '../metrics/tally.ts'
import type { PoolState } from './pool-state.ts'

/** In µs, as MongoosePush has them. */
const sendBounds = [1000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000]

/** Providers choose the words: past so many of them, new ones are `other`. */
const maxReasons = 200

interface SendTimes {
  readonly labels: Readonly<Record<string, string>>
  readonly times: BucketedDistribution
}

export class MongoosePushMetrics {
  readonly #metrics: Metrics
  readonly #pools: () => readonly PoolState[]
  readonly #sent = new Map<string, SendTimes>()
  #defaultTopics = 0
  /** Connections that were opened and lost, as far as scrapes have seen them. */
  #opened = 0
  #lost = 0

  constructor(metrics: Metrics, pools: () => readonly PoolState[]) {
    this.#metrics = metrics
    this.#pools = pools
  }

  /** A push came to its end. `category` and `word`: of its answer; '' when it was delivered. */
  sent(service: string, category: ServedCategory | '', word: string, durationUs: number): void {
    this.#timesOf(service, category, word).observe(durationUs)
  }

  /** An APNs push came without a topic. */
  defaultTopicUsed(): void {
    this.#defaultTopics++
  }

  #timesOf(service: string, category: string, word: string): BucketedDistribution {
    const known = this.#sent.get(`${service} ${category} ${word}`)
    if (known !== undefined) return known.times
    if (this.#sent.size >= maxReasons && word !== 'other') return this.#timesOf(service, category, 'other')
    const status = category === '' ? 'success' : 'error'
    const labels = { error_category: category, error_reason: word, service, status }
    const times = new BucketedDistribution(sendBounds)
    this.#sent.set(`${service} ${category} ${word}`, { labels, times })
    return times
  }

  /** In Prometheus's text format. */
  render(): string {
    const pools = this.#pools()
    const services = [...new Set(pools.map(({ service }) => service))]
    const memory = process.memoryUsage()
    this.#countConnections(pools.reduce((sum, { connected }) => sum + connected, 0))
    const requests = this.#requests(pools)
    const text = new MetricsText()
    text.family(
      'mongoose_push_notification_send_time_microsecond',
      'histogram',
      'Time of a push, in microseconds.',
    )
    for (const { labels, times } of this.#sent.values()) text.histogram(labels, sendBounds, times)
    text.family('mongoose_push_supervisor_init_count', 'counter', 'Providers that there are pools of.')
    for (const service of services) text.sample('', { service }, 1)
    text.single(
      'mongoose_push_apns_state_init_count',
      'counter',
      'Whether there are pools of APNs.',
      services.includes('apns') ? 1 : 0,
    )
    text.single(
      'mongoose_push_apns_state_get_default_topic_count',
      'counter',
      'Pushes to APNs that named no topic.',
      this.#defaultTopics,
    )
    text.single('sparrow_pools_warden_pools_gauge', 'gauge', 'Provider pools.', pools.length)
    text.family('sparrow_pools_warden_workers_gauge', 'gauge', 'Connections that each pool may have.')
    for (const { label, connections } of pools) text.sample('', { pool: label }, connections)
    text.single(
      'sparrow_h2_worker_init_count',
      'counter',
      'Connections that all pools may have.',
      pools.reduce((sum, { connections }) => sum + connections, 0),
    )
    text.single(
      'sparrow_h2_worker_conn_success_count',
      'counter',
      'Connections opened, as scrapes saw them.',
      this.#opened,
    )
    text.single(
      'sparrow_h2_worker_conn_lost_count',
      'counter',
      'Connections lost, as scrapes saw them.',
      this.#lost,
    )
    text.single(
      'sparrow_h2_worker_conn_fail_count',
      'counter',
      'Requests that found no connection.',
      requests.unconnected,
    )
    text.single(
      'sparrow_h2_worker_request_success_count',
      'counter',
      'Requests that were answered.',
      requests.answered,
    )
    text.single(
      'sparrow_h2_worker_request_error_count',
      'counter',
      'Requests that were not answered.',
      requests.unanswered,
    )
    text.family(
      'sparrow_h2_worker_handle_duration_microsecond',
      'histogram',
      'Time of a request, in microseconds.',
    )
    this.#addRequestTimes(text, pools)
    text.single('vm_memory_total', 'gauge', 'Resident memory, in bytes.', memory.rss)
    text.single('vm_memory_processes', 'gauge', 'Heap of the main thread, in bytes.', memory.heapTotal)
    text.single(
      'vm_memory_processes_used',
      'gauge',
      'Used heap of the main thread, in bytes.',
      memory.heapUsed,
    )
    text.single('vm_memory_binary', 'gauge', 'Memory of buffers, in bytes.', memory.arrayBuffers)
    return text.toString()
  }

  /** What is open now is what was opened less what was lost. */
  #countConnections(open: number): void {
    const more = open - (this.#opened - this.#lost)
    if (more > 0) this.#opened += more
    else this.#lost -= more
  }

  #requests(pools: readonly PoolState[]): { answered: number; unanswered: number; unconnected: number } {
    const sums = { answered: 0, unanswered: 0, unconnected: 0 }
    for (const { labels, value } of ofPools(this.#metrics.gatewayRequests.samples(), pools)) {
      if (/^\d+$/.test(labels.status ?? '')) sums.answered += value
      else sums.unanswered += value
      if (labels.status === 'connect_error') sums.unconnected += value
    }
    return sums
  }

  /** Ours are in seconds, by pool. */
  #addRequestTimes(text: MetricsText, pools: readonly PoolState[]): void {
    const sums = new Map<string, { part: string; labels: { le?: string }; value: number }>()
    for (const { labels, value, metricName = '' } of ofPools(
      this.#metrics.gatewayRequestDuration.samples(),
      pools,
    )) {
      const part = metricName.slice(metricName.lastIndexOf('_'))
      const { le } = labels
      const us = part === '_sum' ? Math.round(value * 1e6) : value
      const sum = sums.get(`${part} ${le}`)
      if (sum !== undefined) sum.value += us
      else sums.set(`${part} ${le}`, { part, labels: le === undefined ? {} : { le: inUs(le) }, value: us })
    }
    for (const { part, labels, value } of sums.values()) text.sample(part, labels, value)
  }
}

function inUs(seconds: string): string {
  return seconds === '+Inf' ? seconds : String(Math.round(Number(seconds) * 1e6))
}

function ofPools(samples: readonly Sample[], pools: readonly PoolState[]): Sample[] {
  const labels = new Set(pools.map(({ label }) => label))
  return samples.filter((sample) => labels.has(sample.labels.pool ?? ''))
}
