/** What is known of each publish, by sequence number, in columns: an hour's run has some ten million of them. */
export class Publishes {
  count = 0
  #streams = new Uint32Array(first)
  #slots = new Uint32Array(first)
  #answers = new Uint8Array(first)
  #deliveries = new Uint8Array(first)
  #flags = new Uint8Array(first)
  /** Since `#originMs`: what fits into 32 bits is enough for weeks. */
  #deliveredMs = new Uint32Array(first)
  #sentMs = new Uint32Array(first)
  #answeredMs = new Uint32Array(first)
  #originMs: number | undefined

  add(stream: number, slot: number, atMs: number): number {
    if (this.count === this.#streams.length) this.#grow()
    this.#sentMs[this.count] = this.#relative(atMs)
    this.#streams[this.count] = stream
    this.#slots[this.count] = slot
    return this.count++
  }

  stream(sequence: number): number {
    return this.#streams[sequence] ?? 0
  }

  slot(sequence: number): number {
    return this.#slots[sequence] ?? 0
  }

  /** The second was sent while the first had no answer yet. */
  overlap(first: number, second: number): boolean {
    return (this.#answeredMs[first] ?? 0) >= (this.#sentMs[second] ?? 0)
  }

  /** 0: none yet. */
  answer(sequence: number): number {
    return this.#answers[sequence] ?? 0
  }

  setAnswer(sequence: number, answer: number, atMs: number): void {
    this.#answers[sequence] = answer
    this.#answeredMs[sequence] = this.#relative(atMs)
  }

  /** Answered, and delivered for the first time clearly after that. */
  cameLate(sequence: number): boolean {
    return ((this.#flags[sequence] ?? 0) & lateFlag) !== 0
  }

  /** How often it was delivered, up to 255. */
  deliveries(sequence: number): number {
    return this.#deliveries[sequence] ?? 0
  }

  /** Of the last delivery. */
  deliveredMs(sequence: number): number {
    return (this.#deliveredMs[sequence] ?? 0) + (this.#originMs ?? 0)
  }

  wasClean(sequence: number): boolean {
    return ((this.#flags[sequence] ?? 0) & cleanFlag) !== 0
  }

  setDelivered(sequence: number, atMs: number, clean: boolean): void {
    const relativeMs = this.#relative(atMs)
    const isFirst = this.deliveries(sequence) === 0
    if (
      isFirst &&
      this.answer(sequence) !== 0 &&
      relativeMs > (this.#answeredMs[sequence] ?? 0) + clockSlackMs
    ) {
      this.#flags[sequence] = (this.#flags[sequence] ?? 0) | lateFlag
    }
    this.#deliveries[sequence] = Math.min(this.deliveries(sequence) + 1, 255)
    this.#deliveredMs[sequence] = relativeMs
    const flags = this.#flags[sequence] ?? 0
    this.#flags[sequence] = clean ? flags | cleanFlag : flags & ~cleanFlag
  }

  setUnclean(sequence: number): void {
    this.#flags[sequence] = (this.#flags[sequence] ?? 0) & ~cleanFlag
  }

  isGone(sequence: number): boolean {
    return ((this.#flags[sequence] ?? 0) & goneFlag) !== 0
  }

  setGone(sequence: number): void {
    this.#flags[sequence] = (this.#flags[sequence] ?? 0) | goneFlag
  }

  #relative(atMs: number): number {
    this.#originMs ??= atMs - day
    return atMs - this.#originMs
  }

  #grow(): void {
    this.#streams = doubled(this.#streams, Uint32Array)
    this.#slots = doubled(this.#slots, Uint32Array)
    this.#answers = doubled(this.#answers, Uint8Array)
    this.#deliveries = doubled(this.#deliveries, Uint8Array)
    this.#flags = doubled(this.#flags, Uint8Array)
    this.#sentMs = doubled(this.#sentMs, Uint32Array)
    this.#answeredMs = doubled(this.#answeredMs, Uint32Array)
    this.#deliveredMs = doubled(this.#deliveredMs, Uint32Array)
  }
}

const first = 1 << 12
const cleanFlag = 1
const goneFlag = 2
const lateFlag = 4
/** Threads see the same clock, but look at it when they have time. */
const clockSlackMs = 50
/** Deliveries are told in batches and not quite in order. */
const day = 86_400_000

function doubled<T extends Uint8Array | Uint32Array>(column: T, column_: new (length: number) => T): T {
  const larger = new column_(column.length * 2)
  larger.set(column)
  return larger
}
