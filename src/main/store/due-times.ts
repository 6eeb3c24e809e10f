import { hash } from 'node:crypto'
import type { Environment } from './environment.ts'
import type { StoredPush } from './ports.ts'
import type { Codec, Table } from './table.ts'
import { idLength, timeKey } from './time-keys.ts'

/**
 * When stored pushes are due, in LMDB:
 *
 *   outbox_due  shelf, domain, sender, due time, id  → nothing
 *
 * Due pushes are taken in equal parts from the domains of a shelf, and from the senders of a domain, so that the backlog of
 * one does not delay later pushes of another. Keys of earlier versions have no sender, or no domain either: they count as a
 * sender or domain of their own.
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
/** Sorts after the digits of times, and after `afterAllTimes`. */
const senderMark = 's'
/** The most senders of a domain in one round: each costs a lookup in the file. */
const sendersAtOnce = 32
/** The part of a key after shelf, domain and sender: time and id. */
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
  /** The last sender that had its turn, by shelf and domain. */
  readonly #lastSender = new Map<string, string>()

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
   * and within it of each sender, as far as there are, in due order.
   */
  due(shelf: string, nowMs: number, limit: number, taken: (id: string) => boolean): string[] {
    const all = this.#domainsOn(prefixOf(shelf))
    const turn = this.#turns.get(shelf) ?? 0
    const first = turn % Math.max(1, all.length)
    const found = new Set<string>()
    const isTaken = (id: string) => found.has(id) || taken(id)
    const asked = shareOut([...all.slice(first), ...all.slice(0, first)], limit, (domain, wanted) => {
      const before = found.size
      this.#dueOf(domain, nowMs, wanted, isTaken, found)
      return found.size - before
    })
    // Those that were asked for nothing are the first the next time; were there none, another one is.
    this.#turns.set(shelf, turn + (asked < all.length ? asked : 1))
    return [...found]
  }

  /** What names the shelves, for `on`, on which there is something though they are not among `known`. */
  strays(known: readonly string[]): string[] {
    const knownPrefixes = known.map(prefixOf)
    const shelves: string[] = []
    for (let from = ''; ; ) {
      const line = this.#lineFrom(from, afterAllKeys)
      if (line === undefined) return shelves
      const shelf = shelfPrefixOf(line)
      if (!knownPrefixes.includes(shelf)) shelves.push(shelf)
      from = shelf + afterAllKeys
    }
  }

  /** The first ids on a stray shelf. */
  on(stray: string, limit: number): string[] {
    return this.#keys.settledKeys(stray, stray + afterAllKeys, limit).map(idOf)
  }

  /** The prefixes of shelf and domain that have keys, for one shelf. */
  #domainsOn(shelfPrefix: string): string[] {
    const domains: string[] = []
    const domainLength = shelfPrefix.length + domainMark.length + digestLength
    for (let from = shelfPrefix; ; ) {
      const line = this.#lineFrom(from, shelfPrefix + afterAllKeys)
      if (line === undefined) return domains
      const domain = line.slice(0, domainLength)
      domains.push(domain)
      from = domain + (domain === shelfPrefix ? afterAllTimes : afterAllKeys)
    }
  }

  /** Adds due pushes of a domain to `found`, starting after the senders that had their turn last. */
  #dueOf(
    domain: string,
    nowMs: number,
    limit: number,
    taken: (id: string) => boolean,
    found: Set<string>,
  ): void {
    const lines = this.#sendersOf(domain)
    let last = ''
    shareOut(lines, limit, (line, wanted) => {
      last = line
      const ids = this.#dueIn(line, nowMs, wanted, taken)
      for (const id of ids) found.add(id)
      return ids.length
    })
    if (lines.length > 1) this.#lastSender.set(domain, last)
    else this.#lastSender.delete(domain)
  }

  /**
   * Prefixes of shelf, domain and sender, at most `sendersAtOnce`, starting after the sender that had its turn last and
   * wrapping around.
   */
  #sendersOf(domain: string): string[] {
    const last = this.#lastSender.get(domain)
    const lines: string[] = []
    // All pushes of a shelf without a domain are one group.
    const end = domain + (hasDomain(domain) ? afterAllKeys : afterAllTimes)
    for (let from = last === undefined ? domain : last + afterAllTimes, isRound = last === undefined; ; ) {
      const line = lines.length < sendersAtOnce ? this.#lineFrom(from, end) : undefined
      const isPast = line === undefined || (isRound && last !== undefined && line > last)
      if (!isPast) {
        lines.push(line)
        from = line + afterAllTimes
      } else if (isRound || lines.length >= sendersAtOnce) {
        return lines
      } else {
        isRound = true
        from = domain
      }
    }
  }

  /** The prefix before time and id in the first key of this range. */
  #lineFrom(from: string, end: string): string | undefined {
    return this.#keys.firstKey(from, end)?.slice(0, -timeAndIdLength)
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
export function dueKey({ shelf, notification, sender, dueAtMs }: StoredPush, id: string): string {
  const domain = digestOf(notification.domain, domainMark, domainPrefixes)
  return prefixOf(shelf) + domain + senderPart(sender) + timeKey(dueAtMs) + id
}

/** The same in earlier versions. */
export function dueKeyWithoutDomain({ shelf, dueAtMs }: StoredPush, id: string): string {
  return prefixOf(shelf) + timeKey(dueAtMs) + id
}

function senderPart(sender: number | undefined): string {
  return sender === undefined ? '' : senderMark + sender.toString(16).padStart(2, '0')
}

export function idOf(key: string): string {
  return key.slice(-idLength)
}

function prefixOf(shelf: string): string {
  return serviceLetters[shelf] ?? digestOf(shelf, poolMark, poolPrefixes)
}

/**
 * Asks each for its part of `limit`, and asks those that gave their full part again, until `limit` is reached or nothing is
 * left. `ask` returns how many of the wanted number there were. Returns how many were asked.
 */
function shareOut(
  all: readonly string[],
  limit: number,
  ask: (one: string, wanted: number) => number,
): number {
  let left = limit
  let asked = 0
  for (let rest = all; rest.length > 0; ) {
    const share = Math.ceil(left / rest.length)
    rest = rest.filter((one) => {
      const wanted = Math.min(share, left)
      if (wanted <= 0) return false
      asked++
      const count = ask(one, wanted)
      left -= count
      return count === wanted
    })
  }
  return asked
}

function hasDomain(line: string): boolean {
  return line.length > shelfPrefixOf(line).length
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
