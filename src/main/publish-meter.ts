import { type Metrics, type PublishResult, publishResults } from './metrics/table.ts'
import type { Distribution, Tally } from './metrics/tally.ts'
import { type RecentOutcome, RecentOutcomes } from './recent-outcomes.ts'

/** What is counted of one domain's publishes; its metrics are looked up once. */
export class PublishMeter {
  readonly #results: Readonly<Record<PublishResult, Tally>>
  readonly #duration: Distribution
  readonly #recent = new RecentOutcomes()

  constructor(metrics: Metrics, domain: string) {
    this.#results = Object.fromEntries(
      publishResults.map((result) => [result, metrics.publishes.child(domain, result)]),
    ) as Record<PublishResult, Tally>
    this.#duration = metrics.publishDuration.child(domain)
  }

  /** `node`: '' when none is known. */
  answered(result: PublishResult, node: string, durationMs: number): void {
    this.#results[result].add(1)
    this.#duration.observe(durationMs / 1000)
    if (node !== '') this.#recent.add(node, result, Date.now())
  }

  /** What became of the last publishes to a node, newest first. */
  recent(node: string): RecentOutcome[] {
    return this.#recent.of(node)
  }
}
