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
  #originMs: number | undefined

  add(stream: number, slot: number): number {
    if (this.count === this.#streams.length) this.#grow()
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

  /** 0: none yet. */
  answer(sequence: number): number {
    return this.#answers[sequence] ?? 0
  }

  setAnswer(sequence: number, answer: number): void {
    this.#answers[sequence] = answer
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
    this.#originMs ??= atMs - day
    this.#deliveries[sequence] = Math.min(this.deliveries(sequence) + 1, 255)
    this.#deliveredMs[sequence] = atMs - this.#originMs
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

  #grow(): void {
    this.#streams = doubled(this.#streams, Uint32Array)
    this.#slots = doubled(this.#slots, Uint32Array)
    this.#answers = doubled(this.#answers, Uint8Array)
    this.#deliveries = doubled(this.#deliveries, Uint8Array)
    this.#flags = doubled(this.#flags, Uint8Array)
    this.#deliveredMs = doubled(this.#deliveredMs, Uint32Array)
  }
}

const first = 1 << 12
const cleanFlag = 1
const goneFlag = 2
/** Deliveries are told in batches and not quite in order. */
const day = 86_400_000

function doubled<T extends Uint8Array | Uint32Array>(column: T, column_: new (length: number) => T): T {
  const larger = new column_(column.length * 2)
  larger.set(column)
  return larger
}
