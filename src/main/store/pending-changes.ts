import { compareKeys, separator } from './keys.ts'
import type { WriteGroup } from './write-queue.ts'

export interface PendingChange<V> {
  /** undefined: removed. */
  readonly value: V | undefined
  /** Whose commit makes it visible in LMDB. */
  readonly group: WriteGroup
}

/** Changes of a table that are not on disk yet, by key. */
export class PendingChanges<V> extends Map<string, PendingChange<V>> {
  /** The keys by their first part; undefined: they are looked for among all. */
  readonly #byFirstPart: Map<string, Set<string>> | undefined

  /** @param listed whether `between` is asked often, for ranges with one first part of the keys */
  constructor(listed: boolean) {
    super()
    this.#byFirstPart = listed ? new Map() : undefined
  }

  override set(key: string, change: PendingChange<V>): this {
    if (this.#byFirstPart !== undefined) {
      const part = firstPartOf(key)
      const keys = this.#byFirstPart.get(part)
      if (keys === undefined) this.#byFirstPart.set(part, new Set([key]))
      else keys.add(key)
    }
    return super.set(key, change)
  }

  override delete(key: string): boolean {
    if (this.#byFirstPart !== undefined) {
      const part = firstPartOf(key)
      const keys = this.#byFirstPart.get(part)
      keys?.delete(key)
      if (keys?.size === 0) this.#byFirstPart.delete(part)
    }
    return super.delete(key)
  }

  override clear(): void {
    this.#byFirstPart?.clear()
    super.clear()
  }

  /** From `start` up to before `end`, in no order; undefined: removed. */
  between(start: string, end: string): [key: string, value: V | undefined][] {
    const found: [string, V | undefined][] = []
    const keys = this.#byFirstPart === undefined ? this.keys() : this.#byFirstPart.get(firstPartOf(start))
    for (const key of keys ?? []) {
      if (compareKeys(key, start) < 0 || compareKeys(key, end) >= 0) continue
      found.push([key, this.get(key)?.value])
    }
    return found
  }
}

function firstPartOf(key: string): string {
  return key.slice(0, key.indexOf(separator) + 1)
}
