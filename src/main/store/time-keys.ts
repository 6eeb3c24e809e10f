/**
 * Keys whose order as text is the order in time.
 *
 * An id holds the time it was made at and what tells it from others of that millisecond: `millisecond * 1024 + n`, in
 * hexadecimal of one length. 2^53 / 1024 milliseconds last until the year 2248.
 */
const perMs = 1024
export const idLength = 14
const timeLength = 12

export function timeKey(atMs: number): string {
  return Math.max(0, Math.floor(atMs)).toString(16).padStart(timeLength, '0')
}

/** When the id was given. Milliseconds since the epoch. */
export function timeOfId(id: string): number {
  return Math.floor(Number.parseInt(id, 16) / perMs)
}

/** The first id that can have been given at this time. */
export function firstIdAt(atMs: number): string {
  return (Math.max(0, Math.floor(atMs)) * perMs).toString(16).padStart(idLength, '0')
}

/** Above every id. */
export const afterAllIds = 'g'

/** Gives ids, each above all before, also when the clock is set back. */
export class Ids {
  #last: number
  readonly #nowMs: () => number

  /** @param newest the highest id that was given before; undefined: none */
  constructor(newest: string | undefined, nowMs: () => number) {
    this.#last = newest === undefined ? 0 : Number.parseInt(newest, 16)
    this.#nowMs = nowMs
  }

  next(): string {
    this.#last = Math.max(this.#last + 1, Math.floor(this.#nowMs()) * perMs)
    return this.#last.toString(16).padStart(idLength, '0')
  }
}
