import type { PublishResult } from './metrics/table.ts'

/** The last publishes to a domain's nodes, for the operator who asks about one: a ring, overwritten. */
export interface RecentOutcome {
  readonly result: PublishResult
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

/** A minute of a busy server. A name may keep 4 KiB of its stanza alive: 4 MiB in all at the very most. */
const capacity = 1024
/** An answer to a person. */
const mostShown = 20

export class RecentOutcomes {
  readonly #nodes = new Array<string>(capacity).fill('')
  readonly #results = new Array<PublishResult>(capacity).fill('delivered')
  readonly #times = new Float64Array(capacity)
  #next = 0

  add(node: string, result: PublishResult, atMs: number): void {
    const place = this.#next
    this.#next = (place + 1) % capacity
    this.#nodes[place] = node
    this.#results[place] = result
    this.#times[place] = atMs
  }

  /** Newest first. `node` is not ''. */
  of(node: string): RecentOutcome[] {
    const found: RecentOutcome[] = []
    for (let back = 1; back <= capacity && found.length < mostShown; back++) {
      const place = (this.#next - back + capacity) % capacity
      const result = this.#results[place]
      if (this.#nodes[place] === node && result !== undefined) {
        found.push({ result, atMs: this.#times[place] ?? 0 })
      }
    }
    return found
  }
}
