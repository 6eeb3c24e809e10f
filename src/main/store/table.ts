import type { Database } from 'lmdb'
import { compareKeys, endOfPrefix, separator } from './keys.ts'
import { PendingChanges } from './pending-changes.ts'
import { RecentRecords } from './recent-records.ts'
import { type StoreError, storeErrorFrom } from './store-error.ts'
import type { WriteGroup, WriteQueue, WriteTarget } from './write-queue.ts'

/** How a value is kept: as anything MessagePack knows. Pure; `decode` throws on what `encode` cannot have written. */
export interface Codec<V> {
  encode(value: V): unknown
  decode(stored: unknown): V
}

/** No key of `keys.ts` is below it. */
const lowestKey = separator

interface TableStats {
  readonly pageSize: number
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

/** Keys from `start` to before `end`; with `reverse`, from `end` down to it. */
interface KeyRange {
  readonly start: string
  readonly end: string
  readonly reverse?: boolean
}

/**
 * One kind of entry, by key. Reads are synchronous and see every change at once, also those that are
 * not on disk yet: they are kept aside until their group is committed. If a commit fails they are
 * dropped, and reads see what is on disk. `set` and `delete` belong within `WriteQueue.write`.
 *
 * An entry that cannot be read is passed over, and told of, where one of many is wanted; `get` throws.
 */
export class Table<V> implements WriteTarget {
  #db: Database<unknown, string>
  readonly #codec: Codec<V>
  readonly #queue: WriteQueue
  readonly #pending: PendingChanges<V>
  /** Another one once changes have not come to be on disk: what was known of them is wrong. */
  generation = 0
  readonly #recent: RecentRecords<V> | undefined
  readonly #passedOver: (error: StoreError) => void
  #size: number

  /**
   * @param recentRecords how many decoded values to keep at hand, at least; 0: none
   * @param passedOver told of each entry that cannot be read
   * @param listed whether `page` and `countBetween` are asked often, for ranges with one first part of the keys
   */
  constructor(
    db: Database<unknown, string>,
    codec: Codec<V>,
    queue: WriteQueue,
    recentRecords: number,
    passedOver: (error: StoreError) => void,
    listed = false,
  ) {
    this.#pending = new PendingChanges(listed)
    this.#db = db
    this.#codec = codec
    this.#queue = queue
    this.#passedOver = passedOver
    this.#recent = recentRecords > 0 ? new RecentRecords(recentRecords) : undefined
    this.#size = this.#countStored()
  }

  /** How many entries there are. */
  get size(): number {
    return this.#size
  }

  /** The size of the committed records in the file, in whole pages. */
  get bytes(): number {
    const stats = this.#db.getStats() as TableStats
    return (stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages) * stats.pageSize
  }

  get(key: string): V | undefined {
    if (this.#pending.size > 0) {
      const change = this.#pending.get(key)
      if (change !== undefined) return change.value
    }
    const recent = this.#recent?.get(key)
    if (recent !== undefined) return recent
    const value = this.#read(key)
    if (value !== undefined) this.#recent?.read(key, value)
    return value
  }

  /** The same; undefined also when it cannot be read. */
  find(key: string): V | undefined {
    try {
      return this.get(key)
    } catch (error) {
      this.#passedOver(storeErrorFrom(error, 'cannot read the store'))
      return undefined
    }
  }

  has(key: string): boolean {
    const change = this.#pending.get(key)
    if (change !== undefined) return change.value !== undefined
    try {
      return this.#db.doesExist(key)
    } catch (cause) {
      throw storeErrorFrom(cause, 'cannot read the store')
    }
  }

  set(key: string, value: V): void {
    if (!this.has(key)) this.#size++
    this.#change(key, value)
  }

  /** Whether there was such an entry. */
  delete(key: string): boolean {
    if (!this.has(key)) return false
    this.#size--
    this.#change(key, undefined)
    return true
  }

  /** The entries whose key begins with `prefix`, which ends with a separator. In no order. */
  entriesUnder(prefix: string): [key: string, value: V][] {
    return this.#entries({ start: prefix, end: endOfPrefix(prefix) }, Number.POSITIVE_INFINITY)
  }

  /** Entries whose key is less than `end`: any `limit` of them when there are more, and all that are not on disk yet. */
  entriesBelow(end: string, limit: number): [key: string, value: V][] {
    return this.#entries({ start: lowestKey, end }, limit)
  }

  /**
   * Entries from `start` up to before `end`, in the order of their keys, `limit` at most: those that are on disk and
   * have no change under way. What was just written comes with its commit.
   */
  settledEntries(start: string, end: string, limit: number, reverse = false): [key: string, value: V][] {
    const found: [string, V][] = []
    this.#addSettled({ start, end, reverse }, limit, found)
    return found
  }

  /**
   * Entries from `start` up to before `end`, in the order of their keys (with `reverse`: from the end), `limit` at most:
   * as reads see them, so also those that are not on disk yet. One that cannot be read is left out.
   */
  page(start: string, end: string, limit: number, reverse = false): [key: string, value: V][] {
    const found = this.#pending
      .between(start, end)
      .flatMap(([key, value]): [string, V][] => (value === undefined ? [] : [[key, value]]))
    const isUnderWay = found.length > 0
    this.#addSettled({ start, end, reverse }, found.length + limit, found)
    if (isUnderWay) found.sort(([a], [b]) => (reverse ? compareKeys(b, a) : compareKeys(a, b)))
    return found.slice(0, limit)
  }

  /** How many entries there are from `start` up to before `end`, as reads see them; counted up to `limit`. */
  countBetween(start: string, end: string, limit: number): number {
    const pending = this.#pending.between(start, end)
    try {
      let count = this.#db.getKeysCount({ start, end, limit: limit + pending.length })
      for (const [key, value] of pending) {
        const isStored = this.#db.doesExist(key)
        if (isStored && value === undefined) count--
        else if (!isStored && value !== undefined) count++
      }
      return Math.min(count, limit)
    } catch (cause) {
      throw storeErrorFrom(cause, 'cannot read the store')
    }
  }

  /** Their keys alone, read as they are asked for. */
  *keysBetween(start: string, end: string, reverse = false): Generator<string> {
    try {
      for (const key of this.#db.getKeys(asLmdbHasIt({ start, end, reverse }))) {
        if (key !== end && !this.#pending.has(key)) yield key
      }
    } catch (cause) {
      throw storeErrorFrom(cause, 'cannot read the store')
    }
  }

  /** The first key of this range that is on disk, also when it is about to go. */
  firstKey(start: string, end: string): string | undefined {
    try {
      for (const key of this.#db.getKeys({ start, end, limit: 1 })) return key
      return undefined
    } catch (cause) {
      throw storeErrorFrom(cause, 'cannot read the store')
    }
  }

  /** The last key of all that is on disk. */
  lastKey(): string | undefined {
    try {
      for (const key of this.#db.getKeys({ reverse: true, limit: 1 })) return key
      return undefined
    } catch (cause) {
      throw storeErrorFrom(cause, 'cannot read the store')
    }
  }

  /** The first of them, `limit` at most. */
  settledKeys(start: string, end: string, limit: number): string[] {
    const found: string[] = []
    for (const key of this.keysBetween(start, end)) if (found.push(key) >= limit) break
    return found
  }

  #entries(range: KeyRange, limit: number): [string, V][] {
    const found: [string, V][] = []
    for (const [key, { value }] of this.#pending) {
      if (value !== undefined && key >= range.start && key < range.end) found.push([key, value])
    }
    this.#addSettled(range, limit, found)
    return found
  }

  #addSettled(range: KeyRange, limit: number, found: [string, V][]): void {
    const before = found.length
    try {
      for (const { key, value } of this.#db.getRange(asLmdbHasIt(range))) {
        if (found.length >= limit) break
        if (key !== range.end && !this.#pending.has(key)) found.push([key, this.#codec.decode(value)])
      }
    } catch {
      // Which it is that cannot be read shows only one by one.
      found.length = before
      for (const key of this.keysBetween(range.start, range.end, range.reverse)) {
        if (found.length >= limit) break
        const value = this.find(key)
        if (value !== undefined) found.push([key, value])
      }
    }
  }

  #change(key: string, value: V | undefined): void {
    this.#recent?.delete(key)
    const known = this.#pending.get(key)
    // A key that a group changes time and again goes to LMDB once.
    const isCounted = known !== undefined && this.#queue.isOpen(known.group)
    this.#pending.set(key, { value, group: isCounted ? known.group : this.#queue.add(this, key) })
  }

  /** For the queue. A group goes to LMDB before the next one forms, so the newest value is the group's own. */
  store(key: string): void {
    const value = this.#pending.get(key)?.value
    if (value === undefined) this.#db.remove(key)
    else this.#db.put(key, this.#codec.encode(value))
  }

  /** For the queue. */
  stored(key: string, group: WriteGroup): void {
    if (this.#pending.get(key)?.group === group) this.#pending.delete(key)
  }

  /** For the queue. */
  discard(): void {
    this.#pending.clear()
    this.generation++
    this.#recent?.clear()
    try {
      this.#size = this.#countStored()
    } catch {
      // It cannot be read before it is opened anew, and is counted then.
    }
  }

  /** The environment was opened anew: the same entries, by another handle. */
  reopen(db: Database<unknown, string>): void {
    this.#db = db
    this.discard()
  }

  #read(key: string): V | undefined {
    try {
      const stored = this.#db.get(key)
      return stored === undefined ? undefined : this.#codec.decode(stored)
    } catch (cause) {
      throw storeErrorFrom(cause, 'cannot read the store')
    }
  }

  #countStored(): number {
    const { entryCount } = this.#db.getStats() as { entryCount: number }
    return entryCount
  }
}

/** Backwards, lmdb begins at the end, and takes that in. */
function asLmdbHasIt({ start, end, reverse = false }: KeyRange) {
  return reverse ? { start: end, end: start, reverse } : { start, end }
}
