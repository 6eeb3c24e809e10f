/**
 * What the hot path holds of the metrics: plain objects, one per set of label values, fetched once and kept
 * by whoever counts. Counting is an addition; nothing is hashed, looked up or made.
 */

/** One counter. */
export interface Tally {
  /** `count` is not negative. */
  add(count: number): void
}

/** One histogram of durations. */
export interface Distribution {
  observe(seconds: number): void
}

/** One value that goes up and down. */
export interface Level {
  set(value: number): void
}

export class CountedTally implements Tally {
  count = 0

  add(count: number): void {
    this.count += count
  }
}

export class BucketedDistribution implements Distribution {
  /** Per bucket alone, not cumulative: that is for who renders. The last one is above every bound. */
  readonly counts: number[]
  sum = 0
  readonly #bounds: readonly number[]

  /** `bounds`: upper bounds in seconds, ascending, each inclusive. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(seconds: number): void {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket++
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
    this.sum += seconds
  }
}

export class SetLevel implements Level {
  #value = 0
  /** When given, asked instead: for what is cheap to ask and costly to keep up to date. */
  reader: (() => number) | undefined

  set(value: number): void {
    this.#value = value
  }

  get value(): number {
    return this.reader === undefined ? this.#value : this.reader()
  }
}
