import { hash } from 'node:crypto'
import type { Environment } from './environment.ts'
import type { StoredPush } from './ports.ts'
import type { Codec, Table } from './table.ts'
import { idLength, timeKey } from './time-keys.ts'

/**
 * When stored pushes are due, in LMDB:
 *
 *   outbox_due  shelf, domain, due time, id  → nothing
 *
 * What is due is taken from the domains of a shelf in equal parts: one domain's backlog is not in front of what another
 * has to store after it. Keys of earlier versions have no domain: they are as one of their own.
 */

const nothing: Codec<true> = { encode: () => true, decode: () => true }

/** What the keys of a shelf begin with; none is the beginning of another. */
const serviceLetters: Readonly<Record<string, string>> = { apns: 'a', fcm: 'f', other: 'o' }
const poolMark = '@'
/** Above the digits that times are written in. */
const domainMark = 'h'
const digestLength = 10
const poolPrefixes = new Map<string, string>()
const domainPrefixes = new Map<string, string>()
/** Behind the prefix of shelf and domain: time and id. */
const timeAndIdLength = timeKey(0).length + idLength
/** Above all times, and below every mark of a domain. */
const afterAllTimes = 'g'
/** Above all keys with the same beginning. */
const afterAllKeys = '\x7e'

/** What a look has passed over is looked at again after this, should it have been left to the outbox. */
const passedOverMs = 1_000

export class DueTimes {
  readonly #keys: Table<true>
  /** Where the next look starts, by shelf and domain, and since when none has started in front. */
  readonly #starts = new Map<string, { readonly key: string; readonly sinceMs: number }>()
  /** By shelf, how many of its domains have had their turn. */
  readonly #turns = new Map<string, number>()

  constructor(environment: Environment) {
    this.#keys = environment.table('outbox_due', nothing, 0)
  }

  set(push: StoredPush, id: string): void {
    this.#keys.set(dueKey(push, id), true)
  }

  delete(push: StoredPush, id: string): void {
    const wasThere = this.#keys.delete(dueKey(push, id))
    if (!wasThere) this.#keys.delete(dueKeyWithoutDomain(push, id))
  }

  /**
   * Ids of those due on a shelf, at most `limit`, leaving out those for which `taken` is true: as many of each domain,
   * as far as there are, in due order.
   */
  due(shelf: string, nowMs: number, limit: number, taken: (id: string) => boolean): string[] {
    const all = this.#linesOn(prefixOf(shelf))
    const turn = this.#turns.get(shelf) ?? 0
    const first = turn % Math.max(1, all.length)
    const found = new Set<string>()
    const isTaken = (id: string) => found.has(id) || taken(id)
    let asked = 0
    for (let lines = [...all.slice(first), ...all.slice(0, first)]; lines.length > 0; ) {
      const share = Math.ceil((limit - found.size) / lines.length)
      lines = lines.filter((line) => {
        const wanted = Math.min(share, limit - found.size)
        if (wanted <= 0) return false
        asked++
        const ids = this.#dueIn(line, nowMs, wanted, isTaken)
        for (const id of ids) found.add(id)
        return ids.length === wanted
      })
    }
    // Those that were asked for nothing are the first the next time; were there none, another one is.
    this.#turns.set(shelf, turn + (asked < all.length ? asked : 1))
    return [...found]
  }

  /** What names the shelves, for `on`, on which there is something though they are not among `known`. */
  strays(known: readonly string[]): string[] {
    const knownPrefixes = known.map(prefixOf)
    const shelves = new Set(this.#linesOn('').map(shelfPrefixOf))
    return [...shelves].filter((prefix) => !knownPrefixes.includes(prefix))
  }

  /** The first ids on a stray shelf. */
  on(stray: string, limit: number): string[] {
    return this.#keys.settledKeys(stray, stray + afterAllKeys, limit).map(idOf)
  }

  /** The prefixes of shelf and domain with something behind them that begin so. */
  #linesOn(shelfPrefix: string): string[] {
    const lines: string[] = []
    const end = shelfPrefix + afterAllKeys
    for (let from = shelfPrefix; ; ) {
      const key = this.#keys.firstKey(from, end)
      if (key === undefined) return lines
      const line = key.slice(0, -timeAndIdLength)
      lines.push(line)
      from = line + afterAllTimes
    }
  }

  #dueIn(line: string, nowMs: number, limit: number, taken: (id: string) => boolean): string[] {
    const start = this.#startOf(line, nowMs)
    const found: string[] = []
    let last = start.key
    for (const key of this.#keys.keysBetween(start.key, line + timeKey(nowMs + 1))) {
      if (found.length >= limit) break
      last = key
      const id = idOf(key)
      if (!taken(id)) found.push(id)
    }
    if (found.length < limit) this.#starts.delete(line)
    else this.#starts.set(line, { key: last, sinceMs: start.sinceMs })
    return found
  }

  /**
   * With a backlog that is the end of the last look: to pass over all that was taken, and waits for its removal, time
   * and again would cost more than to deliver it.
   */
  #startOf(line: string, nowMs: number): { key: string; sinceMs: number } {
    const start = this.#starts.get(line)
    if (start !== undefined && Math.abs(nowMs - start.sinceMs) < passedOverMs) return start
    return { key: line, sinceMs: nowMs }
  }
}

/** Under which a push is due. */
export function dueKey({ shelf, notification, dueAtMs }: StoredPush, id: string): string {
  const domain = digestOf(notification.domain, domainMark, domainPrefixes)
  return prefixOf(shelf) + domain + timeKey(dueAtMs) + id
}

/** The same in earlier versions. */
export function dueKeyWithoutDomain({ shelf, dueAtMs }: StoredPush, id: string): string {
  return prefixOf(shelf) + timeKey(dueAtMs) + id
}

export function idOf(key: string): string {
  return key.slice(-idLength)
}

function prefixOf(shelf: string): string {
  return serviceLetters[shelf] ?? digestOf(shelf, poolMark, poolPrefixes)
}

function shelfPrefixOf(line: string): string {
  return line.slice(0, line.startsWith(poolMark) ? poolMark.length + digestLength : 1)
}

/** Shelves and domains are named in the configuration: there are few, and their names may be of any length. */
function digestOf(name: string, mark: string, known: Map<string, string>): string {
  let prefix = known.get(name)
  if (prefix === undefined) {
    prefix = mark + hash('sha256', name, 'base64url').slice(0, digestLength)
    known.set(name, prefix)
  }
  return prefix
}
