import type { Metrics } from '../metrics/table.ts'
import type { Tally } from '../metrics/tally.ts'

/** The counters of answers by route and status, each looked up once. */
export class AnswerTallies {
  readonly #metrics: Metrics
  readonly #routes = new Map<string, Map<number, Tally>>()

  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  of(route: string, status: number): Tally {
    let statuses = this.#routes.get(route)
    if (statuses === undefined) {
      statuses = new Map()
      this.#routes.set(route, statuses)
    }
    let tally = statuses.get(status)
    if (tally === undefined) {
      tally = this.#metrics.httpRequests.child(route, String(status))
      statuses.set(status, tally)
    }
    return tally
  }
}
