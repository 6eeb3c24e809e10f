/**
 * A log line about actions of strangers: the first time at once, then at most once a minute, with the number of times since
 * the previous line.
 */
export class RareLine {
  readonly #write: (times: number, detail: string) => void
  readonly #monotonicMs: () => number
  #writtenMs = Number.NEGATIVE_INFINITY
  #times = 0

  /** `write` gets the latest detail. */
  constructor(write: (times: number, detail: string) => void, monotonicMs: () => number) {
    this.#write = write
    this.#monotonicMs = monotonicMs
  }

  note(detail: string): void {
    this.#times++
    const nowMs = this.#monotonicMs()
    if (nowMs - this.#writtenMs < intervalMs) return
    this.#writtenMs = nowMs
    this.#write(this.#times, detail)
    this.#times = 0
  }
}

const intervalMs = 60_000
