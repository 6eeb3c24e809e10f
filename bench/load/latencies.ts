/** All latencies of a round, in milliseconds: exact, four bytes each, sorted once at the end. */
export class Latencies {
  #values = new Float32Array(1 << 16)
  #count = 0

  get count(): number {
    return this.#count
  }

  add(ms: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float32Array(this.#values.length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#count++] = ms
  }

  clear(): void {
    this.#count = 0
  }

  summary(): LatencySummary {
    const sorted = this.#values.subarray(0, this.#count).toSorted()
    const at = (share: number) => {
      const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
      return Math.round(value * 1000) / 1000
    }
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) }
  }
}

/** Milliseconds. */
export interface LatencySummary {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}
