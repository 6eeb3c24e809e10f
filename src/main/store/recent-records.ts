import { hashOf } from '../text-hash.ts'

/**
 * The records used last, decoded, so that a publish to a busy node costs one map lookup.
 *
 * Only what is used again soon is kept: where a million nodes are published to in turn, records that are kept in vain
 * would live just long enough to become garbage of the costly kind.
 *
 * Two generations instead of a linked list: what is used moves to the young one; when that is full the
 * old one is forgotten and the young takes its place. Holds between `capacity` and twice as many.
 */
export class RecentRecords<V> {
  readonly #capacity: number
  #young = new Map<string, V>()
  #old = new Map<string, V>()
  /** Hashes of keys that were read of late, each in its place: newer ones drive out older ones. */
  readonly #readOnce: Uint32Array

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#readOnce = new Uint32Array(2 * capacity)
  }

  /** A record was read; it is kept if it was read not long ago, too. */
  read(key: string, value: V): void {
    const hash = hashOf(key) >>> 0
    const place = hash % this.#readOnce.length
    if (this.#readOnce[place] === hash) this.#keep(key, value)
    else this.#readOnce[place] = hash
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.#keep(key, old)
    return old
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }

  #keep(key: string, value: V): void {
    if (this.#young.size >= this.#capacity) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }
}
