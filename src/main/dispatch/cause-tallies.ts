import type { CounterFamily } from '../metrics/family.ts'
import type { Tally } from '../metrics/tally.ts'

/** A count for each cause, which is the last of its metric's labels: fetched when first met. */
export class CauseTallies {
  readonly #family: CounterFamily
  readonly #labels: readonly string[]
  readonly #byCause = new Map<string, Tally>()

  /** `labels`: the values of those before it. */
  constructor(family: CounterFamily, ...labels: string[]) {
    this.#family = family
    this.#labels = labels
  }

  add(cause: string): void {
    let tally = this.#byCause.get(cause)
    if (tally === undefined) {
      tally = this.#family.child(...this.#labels, cause)
      this.#byCause.set(cause, tally)
    }
    tally.add(1)
  }
}
