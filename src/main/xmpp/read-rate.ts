interface Reading {
  readonly offset: number
  readonly atMs: number
}

interface SentPing {
  readonly id: string
  /** Bytes sent before its answer can come, itself included. */
  readonly offset: number
  readonly sentAtMs: number
}

/** A ping that comes back sooner tells nothing of how fast the server reads: it waited for nothing. */
const slowAnswerMs = 1_000
/** Less is no sign of a rate: it was read at once, or is a few stanzas. */
const leastBytes = 65_536
/** A server that needs longer than this for what was sent before a ping is as good as dead. */
const longestDelayMs = 120_000

/**
 * Tells a server that reads slowly (MongooseIM's `shaper`) from one that does not read any more: how long a ping waits behind
 * what was sent before it. Two things show the rate: pings that come back late, and how fast the operating system takes what is
 * unsent. Counts bytes from the start of the stream; pure.
 */
export class ReadRate {
  #bytesPerMs: number | undefined
  /** So much was read at this time. */
  #read: Reading
  /** What was read when the rate was last measured, or there was none. */
  #measuredFrom: Reading
  readonly #pings: SentPing[] = []
  /** What the operating system had taken when it had not taken all, and when that was. */
  #backlog: { readonly taken: number; readonly atMs: number } | undefined

  constructor(nowMs: number) {
    this.#read = { offset: 0, atMs: nowMs }
    this.#measuredFrom = this.#read
  }

  /** A ping was sent, with `sent` bytes up to its end. */
  pinged(id: string, sent: number, nowMs: number): void {
    this.#pings.push({ id, offset: sent, sentAtMs: nowMs })
  }

  /** A ping came back: what was sent up to it is read. One that is not known tells nothing. */
  answered(id: string, nowMs: number): void {
    const index = this.#pings.findIndex((ping) => ping.id === id)
    const ping = this.#pings[index]
    if (ping === undefined) return
    this.#pings.splice(0, index + 1)
    this.#read = { offset: ping.offset, atMs: nowMs }
    const bytes = ping.offset - this.#measuredFrom.offset
    const isLate = nowMs - ping.sentAtMs >= slowAnswerMs
    if (isLate && bytes < leastBytes) return
    this.#bytesPerMs = isLate ? bytes / (nowMs - this.#measuredFrom.atMs) : undefined
    this.#measuredFrom = this.#read
  }

  /** The operating system has taken `taken` of `sent` bytes. To be called now and then while a ping is under way. */
  looked(sent: number, taken: number, nowMs: number): void {
    const before = this.#backlog
    this.#backlog = taken < sent ? { taken, atMs: nowMs } : undefined
    if (before === undefined || this.#backlog === undefined) return
    const bytes = taken - before.taken
    if (bytes > 0) this.#bytesPerMs = bytes / (nowMs - before.atMs)
  }

  /** The stream was not read for a reason of ours: that pings are late shows nothing. */
  excused(): void {
    this.#pings.length = 0
    this.#bytesPerMs = undefined
  }

  /** How much later than at once the oldest ping that is under way can come back, because of what was sent before it. */
  get pingDelayMs(): number {
    const [ping] = this.#pings
    if (ping === undefined || this.#bytesPerMs === undefined) return 0
    const readAtMs = this.#read.atMs + (ping.offset - this.#read.offset) / this.#bytesPerMs
    return Math.min(longestDelayMs, Math.max(0, readAtMs - ping.sentAtMs))
  }

  /** How long what is sent now waits until it is read; 0: not at all, as far as is known. */
  delayMs(sent: number, nowMs: number): number {
    if (this.#bytesPerMs === undefined) return 0
    return Math.max(0, this.#read.atMs + (sent - this.#read.offset) / this.#bytesPerMs - nowMs)
  }

  /** Undefined: as fast as we send, as far as is known. */
  get bytesPerSecond(): number | undefined {
    return this.#bytesPerMs && Math.round(this.#bytesPerMs * 1000)
  }
}
