import type { Notification } from '../../core/notification.ts'
import type { Environment } from './environment.ts'
import { decodeNotification, encodeNotification, list, number } from './notification-codec.ts'
import type { Journal, JournalAddition } from './ports.ts'
import type { Codec, Table } from './table.ts'
import { Ids } from './time-keys.ts'

/**
 * Accepted pushes that nobody knows the end of yet, in LMDB, many to a record: one is cheap that way.
 *
 *   journal        id (sorts by time)  → notifications by their places; nil where one has ended
 *   journal_ended  id                  → places of those that have ended since
 */
type Group = readonly (Notification | undefined)[]

export const groupCodec: Codec<Group> = {
  encode: (group) => group.map((one) => (one === undefined ? null : encodeNotification(one))),
  decode: (stored) => list(stored).map((one) => (one === null ? undefined : decodeNotification(one))),
}
export const placesCodec: Codec<readonly number[]> = {
  encode: (places) => places,
  decode: (stored) => list(stored).map(number),
}

export class LmdbJournal implements Journal {
  readonly #environment: Environment
  readonly #groups: Table<Group>
  readonly #ended: Table<readonly number[]>
  readonly #ids: Ids
  /** Above the ids of all earlier runs, and below those of this one. */
  readonly #endOfLeft: string

  constructor(environment: Environment, nowMs: () => number) {
    this.#environment = environment
    this.#groups = environment.table('journal', groupCodec, 0)
    this.#ended = environment.table('journal_ended', placesCodec, 0)
    this.#ids = new Ids(this.#groups.lastKey(), nowMs)
    this.#endOfLeft = this.#ids.next()
  }

  add(notifications: readonly Notification[]): JournalAddition {
    const { queue } = this.#environment
    queue.admit()
    const id = this.#ids.next()
    return { id, durable: queue.write(() => this.#groups.set(id, notifications)) }
  }

  ended(id: string, places: readonly number[]): Promise<void> {
    return this.#environment.queue.write(() => {
      if (this.#groups.has(id)) this.#ended.set(id, places)
    })
  }

  replace(id: string, group: Group): Promise<void> {
    return this.#environment.queue.write(() => {
      if (this.#groups.has(id)) this.#groups.set(id, group)
    })
  }

  async remove(id: string): Promise<void> {
    const { queue } = this.#environment
    queue.admit()
    let existed = false
    const removed = queue.write(() => {
      existed = this.#groups.delete(id)
      // As a rule none of any group is noted, and nothing needs to be looked up.
      if (this.#ended.size > 0) this.#ended.delete(id)
    })
    // What is not there needs no commit, and shares no other's fate.
    if (existed) await removed
    else removed.catch(() => undefined)
  }

  left(limit: number): [id: string, notifications: readonly Notification[]][] {
    return this.#groups.settledEntries('0', this.#endOfLeft, limit).map(([id, group]) => {
      const ended = new Set(this.#ended.find(id))
      return [id, group.filter((one, place) => one !== undefined && !ended.has(place)) as Notification[]]
    })
  }
}
