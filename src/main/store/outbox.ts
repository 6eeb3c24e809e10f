import { hash } from 'node:crypto'
import { modeOf, type Notification } from '../../core/notification.ts'
import { serviceLabel } from '../metrics/table.ts'
import type { LmdbDeadLetterStore } from './dead-letters.ts'
import type { Environment } from './environment.ts'
import { decodeNotification, encodeNotification, list, number, text } from './notification-codec.ts'
import type { Addition, LetterText, Outbox, StoredPush } from './ports.ts'
import type { StoreError } from './store-error.ts'
import type { Codec, Table } from './table.ts'
import { afterAllIds, Ids, idLength, timeKey, timeOfId } from './time-keys.ts'

/**
 * Pushes for later delivery, in LMDB:
 *
 *   outbox        id (sorts by when it was stored)  → the push
 *   outbox_due    shelf, due time, id               → nothing: for the scheduler
 *   outbox_place  hash of domain, node, device      → id: whose place a newer push takes
 *
 * All three change in one transaction. Only a few are ever in memory. A push that ends leaves its place behind, for
 * `sweep`: places lie in the order of a hash, and to touch one page of the file for each would cost more than all else.
 */

export const pushCodec: Codec<StoredPush> = {
  encode: (push) => [
    encodeNotification(push.notification),
    push.dueAtMs,
    push.run,
    push.attempts,
    push.retryCause,
    push.lastReason,
    push.unknownCount,
    push.unknownReason,
    push.shortened,
    push.shelf,
  ],
  decode(stored) {
    const [encoded, due, run, attempts, cause, last, unknownCount, unknown, shortened, shelf] = list(stored)
    const notification = decodeNotification(encoded)
    return {
      notification,
      // Older records end before it: there were no others.
      shelf: shelf === undefined ? serviceLabel(notification.device.service) : text(shelf),
      dueAtMs: number(due),
      run: number(run),
      attempts: number(attempts),
      retryCause: text(cause),
      lastReason: text(last),
      unknownCount: number(unknownCount),
      unknownReason: text(unknown),
      shortened: shortened === true,
    }
  },
}
const nothing: Codec<true> = { encode: () => true, decode: () => true }
export const idCodec: Codec<string> = { encode: (id) => id, decode: text }

/** What the due keys of a shelf begin with; none is the beginning of another. */
const serviceLetters: Readonly<Record<string, string>> = { apns: 'a', fcm: 'f', other: 'o' }
const digestLength = 10
const prefixes = new Map<string, string>()
/** Behind the prefix: time and id. */
const timeAndIdLength = timeKey(0).length + idLength
const afterAllTimes = 'g'

/** Above all that base64url writes. */
const afterAllPlaces = '\x7e'
const afterAllShelves = '\x7e'
/** Places that one transaction of a sweep looks at. */
const sweepBatch = 500
/** Those that were brought into memory are read once more when they end; with this many at hand, not from their bytes. */
const recentPushes = 4096
/** What a look for due pushes has passed over is looked at again after this, should it have been left to the outbox. */
const passedOverMs = 1_000

export interface OutboxOptions {
  /** Stored at most. */
  readonly maxStored: number
  /** Whether a newer push takes the place of an older one to the same node and device. */
  readonly collapse: boolean
  readonly nowMs: () => number
}

export class LmdbOutbox implements Outbox {
  readonly #environment: Environment
  readonly #options: OutboxOptions
  readonly #letters: LmdbDeadLetterStore
  readonly #pushes: Table<StoredPush>
  readonly #due: Table<true>
  readonly #places: Table<string>
  readonly #ids: Ids
  /** Where the next look for due pushes starts, and since when no look has started in front. */
  readonly #starts = new Map<string, { readonly key: string; readonly sinceMs: number }>()
  /** Given to the store and not acknowledged yet. */
  #underWay = 0

  constructor(environment: Environment, letters: LmdbDeadLetterStore, options: OutboxOptions) {
    this.#environment = environment
    this.#letters = letters
    this.#options = options
    this.#pushes = environment.table('outbox', pushCodec, recentPushes)
    this.#due = environment.table('outbox_due', nothing, 0)
    this.#places = environment.table('outbox_place', idCodec, 0)
    this.#ids = new Ids(this.#pushes.lastKey(), options.nowMs)
  }

  add(push: StoredPush, spare = 0): Addition | undefined {
    const { queue } = this.#environment
    queue.admit()
    const place = this.#options.collapse && push.notification.collapsible ? placeOf(push.notification) : ''
    const older = place === '' ? undefined : this.#pushAt(place)
    if (older === undefined && this.#pushes.size >= this.#options.maxStored + spare) return undefined

    const id = this.#ids.next()
    if (older !== undefined && this.#isNewer(older, push)) {
      // It waited in memory while one that came after it was stored at once.
      const durable = queue.write(() => this.#letters.record(push.notification, 'superseded', ''))
      return { id, superseded: id, durable }
    }
    this.#underWay++
    const written = queue.write(() => {
      if (older !== undefined) this.#end(older, { reason: 'superseded', detail: '' })
      this.#pushes.set(id, push)
      this.#due.set(dueKey(push, id), true)
      if (place !== '') this.#places.set(place, id)
    })
    const durable = written.finally(() => {
      this.#underWay--
    })
    return { id, superseded: older, durable }
  }

  refuse(notification: Notification, { reason, detail }: LetterText): Promise<void> {
    return this.#environment.queue.write(() => this.#letters.record(notification, reason, detail))
  }

  get(id: string): StoredPush | undefined {
    return this.#pushes.get(id)
  }

  reschedule(id: string, push: StoredPush): Promise<boolean> {
    return this.#environment.queue.write(() => {
      const known = this.#pushes.get(id)
      if (known === undefined) return false
      this.#replace(id, known, push)
      return true
    })
  }

  remove(id: string, letter: LetterText | undefined): Promise<boolean> {
    return this.#environment.queue.write(() => this.#end(id, letter))
  }

  due(shelf: string, nowMs: number, limit: number, taken: (id: string) => boolean): string[] {
    const prefix = prefixOf(shelf)
    const start = this.#startOf(shelf, prefix, nowMs)
    const found: string[] = []
    let last = start.key
    for (const key of this.#due.keysBetween(start.key, prefix + timeKey(nowMs + 1))) {
      if (found.length >= limit) break
      last = key
      const id = key.slice(-idLength)
      if (!taken(id)) found.push(id)
    }
    if (found.length < limit) this.#starts.delete(shelf)
    else this.#starts.set(shelf, { key: last, sinceMs: start.sinceMs })
    return found
  }

  strayShelves(known: readonly string[]): string[] {
    const knownPrefixes = known.map(prefixOf)
    const strays: string[] = []
    for (let from = ''; ; ) {
      const [key] = this.#due.settledKeys(from, afterAllShelves, 1)
      if (key === undefined) return strays
      const prefix = key.slice(0, -timeAndIdLength)
      if (!knownPrefixes.includes(prefix)) strays.push(prefix)
      from = prefix + afterAllTimes
    }
  }

  clear(stray: string, shelfOf: (notification: Notification) => string, limit: number): Promise<number> {
    const keys = this.#due.settledKeys(stray, stray + afterAllTimes, limit)
    return this.#environment.queue.write(() => {
      let moved = 0
      for (const id of keys.map((key) => key.slice(-idLength))) {
        const push = this.#pushes.find(id)
        // It is gone; or damaged, and stays where it is.
        if (push === undefined) continue
        this.#replace(id, push, { ...push, shelf: shelfOf(push.notification) })
        moved++
      }
      return moved
    })
  }

  from(id: string, limit: number): [id: string, push: StoredPush][] {
    return this.#pushes.settledEntries(id, afterAllIds, limit)
  }

  get fault(): StoreError | undefined {
    return this.#environment.fault
  }

  get size(): number {
    return this.#pushes.size
  }

  count(): number {
    return Math.max(0, this.#pushes.size - this.#underWay)
  }

  oldestAtMs(): number | undefined {
    if (this.#pushes.size === 0) return undefined
    try {
      const [oldest] = this.#pushes.settledKeys('0', afterAllIds, 1)
      return oldest === undefined ? undefined : timeOfId(oldest)
    } catch {
      // Asked for by who wants to know how the daemon is, which the store's fault says.
      return undefined
    }
  }

  /**
   * Where to look for due pushes. With a backlog that is the end of the last look: to pass over all that was taken,
   * and waits for its removal, time and again would cost more than to deliver it.
   */
  #startOf(shelf: string, prefix: string, nowMs: number): { key: string; sinceMs: number } {
    const start = this.#starts.get(shelf)
    if (start !== undefined && Math.abs(nowMs - start.sinceMs) < passedOverMs) return start
    return { key: prefix, sinceMs: nowMs }
  }

  #replace(id: string, known: StoredPush, push: StoredPush): void {
    this.#due.delete(dueKey(known, id))
    this.#pushes.set(id, push)
    this.#due.set(dueKey(push, id), true)
  }

  #isNewer(storedId: string, { notification }: StoredPush): boolean {
    const stored = this.#pushes.get(storedId)
    return stored !== undefined && stored.notification.createdAtMs > notification.createdAtMs
  }

  /** Removes the places of pushes that are gone; how many. */
  async sweep(): Promise<number> {
    let removed = 0
    for (let from: string | undefined = '\x20'; from !== undefined; ) {
      const places: [string, string][] = this.#places.settledEntries(from, afterAllPlaces, sweepBatch)
      removed += await this.#environment.queue.write(() => {
        const left = places.filter(([place, id]) => this.#places.get(place) === id && !this.#pushes.has(id))
        for (const [place] of left) this.#places.delete(place)
        return left.length
      })
      // The last one is looked at twice.
      from = places.length < sweepBatch ? undefined : places.at(-1)?.[0]
    }
    return removed
  }

  #pushAt(place: string): string | undefined {
    const id = this.#places.find(place)
    return id !== undefined && this.#pushes.find(id) !== undefined ? id : undefined
  }

  #end(id: string, letter: LetterText | undefined): boolean {
    const push = this.#pushes.get(id)
    if (push === undefined) return false
    const { notification } = push
    this.#pushes.delete(id)
    this.#due.delete(dueKey(push, id))
    if (letter !== undefined) this.#letters.record(notification, letter.reason, letter.detail)
    return true
  }
}

export function dueKey({ shelf, dueAtMs }: StoredPush, id: string): string {
  return prefixOf(shelf) + timeKey(dueAtMs) + id
}

/** Shelves are named in the configuration: there are few, and their names may be of any length. */
function prefixOf(shelf: string): string {
  let prefix = serviceLetters[shelf] ?? prefixes.get(shelf)
  if (prefix === undefined) {
    prefix = `@${hash('sha256', shelf, 'base64url').slice(0, digestLength)}`
    prefixes.set(shelf, prefix)
  }
  return prefix
}

function placeOf({ domain, node, device }: Notification): string {
  return hash(
    'sha256',
    JSON.stringify([domain, node, device.service, modeOf(device), device.id]),
    'base64url',
  )
}
