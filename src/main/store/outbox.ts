import { hash } from 'node:crypto'
import { modeOf, type Notification } from '../../core/notification.ts'
import { serviceLabel } from '../metrics/table.ts'
import type { LmdbDeadLetterStore } from './dead-letters.ts'
import { DueTimes } from './due-times.ts'
import type { Environment } from './environment.ts'
import { keyAfter } from './keys.ts'
import { decodeNotification, encodeNotification, list, number, optional, text } from './notification-codec.ts'
import { counted, type OutboxRecord, type OutboxRoom, OutboxUse } from './outbox-use.ts'
import {
  type Addition,
  type LetterText,
  noSpare,
  type Outbox,
  type Spare,
  type StoredLimit,
  type StoredPush,
} from './ports.ts'
import type { StoreError } from './store-error.ts'
import type { Codec, Table } from './table.ts'
import { afterAllIds, Ids, timeOfId } from './time-keys.ts'

/**
 * Pushes for later delivery, in LMDB:
 *
 *   outbox         id (sorts by when it was stored)  → the push
 *   outbox_due     when it is due: due-times.ts
 *   outbox_place   hash of domain, node, device      → id: whose place a newer push takes
 *   outbox_domain, outbox_use: how much of it a domain has: outbox-use.ts
 *
 * All change in one transaction. Only a few are ever in memory. A push that ends leaves its place behind, for
 * `sweep`: places lie in the order of a hash, and to touch one page of the file for each would cost more than all else.
 */

export const pushCodec: Codec<OutboxRecord> = {
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
    push.sender ?? null,
    push.bytes ?? null,
  ],
  decode(stored) {
    const [encoded, due, run, attempts, cause, last, unknownCount, unknown, shortened, shelf, ...more] =
      list(stored)
    // Older records end before them.
    const [sender = null, bytes = null] = more
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
      sender: optional(sender, number),
      bytes: optional(bytes, number),
    }
  },
}
export const idCodec: Codec<string> = { encode: (id) => id, decode: text }

/** Above all that base64url writes. */
const afterAllPlaces = '\x7e'
/** Places that one transaction of a sweep looks at. */
const sweepBatch = 500
/** How many pushes of an earlier version one transaction counts: some milliseconds of the main thread. */
const countBatch = 250
/** Those that were brought into memory are read once more when they end; with this many at hand, not from their bytes. */
const recentPushes = 4096
export interface OutboxOptions extends OutboxRoom {
  /** Whether a newer push takes the place of an older one to the same node and device. */
  readonly collapse: boolean
  readonly nowMs: () => number
}

export class LmdbOutbox implements Outbox {
  readonly #environment: Environment
  readonly #options: OutboxOptions
  readonly #letters: LmdbDeadLetterStore
  readonly #pushes: Table<OutboxRecord>
  readonly #due: DueTimes
  readonly #places: Table<string>
  readonly #use: OutboxUse
  readonly #ids: Ids
  /** Given to the store and not acknowledged yet. */
  #underWay = 0

  constructor(environment: Environment, letters: LmdbDeadLetterStore, options: OutboxOptions) {
    this.#environment = environment
    this.#letters = letters
    this.#options = options
    this.#pushes = environment.table('outbox', pushCodec, recentPushes)
    this.#due = new DueTimes(environment)
    this.#places = environment.table('outbox_place', idCodec, 0)
    this.#use = new OutboxUse(environment, options)
    this.#ids = new Ids(this.#pushes.lastKey(), options.nowMs)
  }

  add(push: StoredPush, spare: Spare = noSpare): Addition | StoredLimit {
    const { queue } = this.#environment
    queue.admit()
    const place = this.#options.collapse && push.notification.collapsible ? placeOf(push.notification) : ''
    const older = place === '' ? undefined : this.#idAt(place)
    const olderPush = older === undefined ? undefined : this.#pushes.get(older)
    const { createdAtMs } = push.notification
    if (olderPush !== undefined && olderPush.notification.createdAtMs > createdAtMs) {
      // It waited in memory while one that came after it was stored at once.
      const id = this.#ids.next()
      const durable = queue.write(() => this.#letters.record(push.notification, 'superseded', ''))
      return { id, superseded: id, durable }
    }
    const record = counted(push)
    const limit =
      olderPush === undefined
        ? this.#use.limitFor(push, this.#pushes.size, spare)
        : this.#use.limitForNewer(record, olderPush, spare)
    if (limit !== undefined) return limit
    const id = this.#ids.next()
    this.#underWay++
    const written = queue.write(() => {
      if (older !== undefined) this.#end(older, { reason: 'superseded', detail: '' })
      this.#pushes.set(id, record)
      this.#due.set(record, id)
      this.#use.added(record)
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
    return this.#due.due(shelf, nowMs, limit, taken)
  }

  strayShelves(known: readonly string[]): string[] {
    return this.#due.strays(known)
  }

  clear(stray: string, shelfOf: (notification: Notification) => string, limit: number): Promise<number> {
    const ids = this.#due.on(stray, limit)
    return this.#environment.queue.write(() => {
      let moved = 0
      for (const id of ids) {
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

  bytes(): number {
    return this.#use.bytes
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
   * Counts the disk space of pushes that an earlier version stored, a part at a time. A counted push has its size in its
   * record, so the count may be interrupted at any point. Rejects with a StoreError.
   */
  async countOld(): Promise<void> {
    const { queue } = this.#environment
    for (let from = '0'; this.#use.counted < this.#pushes.size; ) {
      queue.admit()
      const some = this.#pushes.settledEntries(from, afterAllIds, countBatch)
      const [last] = some.at(-1) ?? []
      if (last === undefined) return
      await queue.write(() => {
        for (const [id] of some) this.#countOne(id)
      })
      from = keyAfter(last)
    }
  }

  #countOne(id: string): void {
    const known = this.#pushes.find(id)
    if (known === undefined || known.bytes !== undefined) return
    const record = counted(known)
    this.#pushes.set(id, record)
    this.#use.counts(record)
  }

  #replace(id: string, known: OutboxRecord, push: StoredPush): void {
    const record = counted(push)
    this.#due.delete(known, id)
    this.#pushes.set(id, record)
    this.#due.set(record, id)
    this.#use.changed(known, record)
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

  #idAt(place: string): string | undefined {
    const id = this.#places.find(place)
    // A push that could be superseded when it was stored may no longer be so.
    return id !== undefined && this.#pushes.find(id)?.notification.collapsible === true ? id : undefined
  }

  #end(id: string, letter: LetterText | undefined): boolean {
    const push = this.#pushes.get(id)
    if (push === undefined) return false
    const { notification } = push
    this.#pushes.delete(id)
    this.#due.delete(push, id)
    this.#use.removed(push)
    if (letter !== undefined) this.#letters.record(notification, letter.reason, letter.detail)
    return true
  }
}

function placeOf({ domain, node, device }: Notification): string {
  return hash(
    'sha256',
    JSON.stringify([domain, node, device.service, modeOf(device), device.id]),
    'base64url',
  )
}
