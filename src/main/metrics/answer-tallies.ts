import type { CounterFamily } from './family.ts'
import type { Tally } from './tally.ts'

/** A family's counters of answers by route and status, each looked up once. `gone`: whoever asked did not wait for it. */
export class AnswerTallies {
  readonly #family: CounterFamily
  readonly #routes = new Map<string, Map<number | 'gone', Tally>>()

  constructor(family: CounterFamily) {
    this.#family = family
  }

  of(route: string, status: number | 'gone'): Tally {
    let statuses = this.#routes.get(route)
    if (statuses === undefined) {
      statuses = new Map()
      this.#routes.set(route, statuses)
    }
    let tally = statuses.get(status)
    if (tally === undefined) {
      tally = this.#family.child(route, String(status))
      statuses.set(status, tally)
    }
    return tally
  }
}
