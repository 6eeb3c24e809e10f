/** Ids stay small integers; one that comes round again after 2^30 requests has long been answered. */
const largestId = 0x3fff_ffff

/**
 * What a worker was handed and has not answered yet, by request id, in a table of fixed size. (A Map makes itself a
 * new table every so many deletions. Once one of the old tables counts as old for V8, its collections of the young
 * take it for alive, and so the next table and all that was in there, one after the other: 100 MB until all of the
 * heap is collected.)
 */
export class Inflight<T extends object> {
  #size = 0
  #lastId = 0
  /** By id, modulo the table's length, which is a power of two. */
  readonly #table: (T | undefined)[]
  readonly #ids: Int32Array

  /** `capacity`: the most that it has to hold at once. */
  constructor(capacity: number) {
    const length = 2 ** Math.ceil(Math.log2(2 * capacity))
    this.#table = new Array<undefined>(length).fill(undefined)
    this.#ids = new Int32Array(length)
  }

  get size(): number {
    return this.#size
  }

  /** Returns the id that it is known by from now on. */
  add(one: T): number {
    const last = this.#table.length - 1
    if (this.#size > last) throw new RangeError('more in flight than there is room for')
    let id = this.#lastId
    // A place may be taken still: one request may take as long as many others.
    do id = (id + 1) & largestId
    while (this.#table[id & last] !== undefined)
    this.#lastId = id
    this.#table[id & last] = one
    this.#ids[id & last] = id
    this.#size++
    return id
  }

  /** The one of this id, which is no longer in flight; undefined when none is. */
  take(id: number): T | undefined {
    const place = id & (this.#table.length - 1)
    const one = this.#table[place]
    if (one === undefined || this.#ids[place] !== id) return undefined
    this.#table[place] = undefined
    this.#size--
    return one
  }

  /** All, in no order; none is in flight any more. */
  takeAll(): T[] {
    const all = this.#table.filter((one) => one !== undefined)
    this.#table.fill(undefined)
    this.#size = 0
    return all
  }
}
