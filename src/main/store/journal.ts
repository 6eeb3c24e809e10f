import type { Notification } from '../../core/notification.ts'
import type { Environment } from './environment.ts'
import { decodeNotification, encodeNotification, list } from './notification-codec.ts'
import type { Journal } from './ports.ts'
import type { Codec, Table } from './table.ts'
import { afterAllIds, Ids } from './time-keys.ts'

/**
 * Accepted pushes that nobody knows the end of yet, in LMDB, many to a record: one is cheap that way.
 *
 *   journal  id (sorts by time)  → notifications
 */
const groupCodec: Codec<readonly Notification[]> = {
  encode: (notifications) => notifications.map(encodeNotification),
  decode: (stored) => list(stored).map(decodeNotification),
}

export class LmdbJournal implements Journal {
  readonly #environment: Environment
  readonly #groups: Table<readonly Notification[]>
  readonly #ids: Ids

  constructor(environment: Environment, nowMs: () => number) {
    this.#environment = environment
    this.#groups = environment.table('journal', groupCodec, 0)
    const [newest] = this.#groups.settledEntries('0', afterAllIds, 1, true)
    this.#ids = new Ids(newest?.[0], nowMs)
  }

  async write(notifications: readonly Notification[]): Promise<string> {
    const id = this.#ids.next()
    await this.#environment.queue.write(() => this.#groups.set(id, notifications))
    return id
  }

  replace(id: string, notifications: readonly Notification[]): Promise<void> {
    return this.#environment.queue.write(() => {
      if (notifications.length === 0) this.#groups.delete(id)
      else this.#groups.set(id, notifications)
    })
  }

  oldest(limit: number): [id: string, notifications: readonly Notification[]][] {
    return this.#groups.settledEntries('0', afterAllIds, limit)
  }
}
