import type { Notification } from '../../core/notification.ts'
import type { Environment } from './environment.ts'
import { decodeNotification, encodeNotification, list, text } from './notification-codec.ts'
import type { DeadLetter, DeadLetterPage, DeadLetterStore, LetterReason } from './ports.ts'
import type { Codec, Table } from './table.ts'
import { afterAllIds, firstIdAt, Ids, timeOfId } from './time-keys.ts'

/**
 * What became of acknowledged pushes that were not delivered, in LMDB:
 *
 *   dead_letters  id (sorts by when it ended)  → reason, detail, notification
 */
type Letter = Omit<DeadLetter, 'id' | 'atMs'>

export const letterCodec: Codec<Letter> = {
  encode: ({ reason, detail, notification }) => [reason, detail, encodeNotification(notification)],
  decode(stored) {
    const [reason, detail, notification] = list(stored)
    return {
      reason: text(reason) as LetterReason,
      detail: text(detail),
      notification: decodeNotification(notification),
    }
  },
}

export interface DeadLetterOptions {
  readonly maxAgeMs: number
  readonly maxCount: number
  /** The disk space that they may take, in bytes; they may take a little more while many come in at once. */
  readonly maxBytes: number
  readonly nowMs: () => number
}

export const deadLetterDefaults = {
  maxAgeMs: 7 * 86_400_000,
  maxCount: 100_000,
  maxBytes: 268_435_456,
} as const

/** Letters that one transaction of a sweep removes. */
const sweepBatch = 500

export class LmdbDeadLetterStore implements DeadLetterStore {
  readonly #environment: Environment
  readonly #options: DeadLetterOptions
  readonly #letters: Table<Letter>
  readonly #ids: Ids
  /** Where the oldest is looked for: those below are gone, or go with this commit. */
  #oldestFrom = '0'

  constructor(environment: Environment, options: DeadLetterOptions) {
    this.#environment = environment
    this.#options = options
    this.#letters = environment.table('dead_letters', letterCodec, 0)
    this.#ids = new Ids(this.#letters.lastKey(), options.nowMs)
  }

  /** Must be called within a write of the queue: part of that transaction. */
  record(notification: Notification, reason: LetterReason, detail: string): void {
    this.#letters.set(this.#ids.next(), { reason, detail, notification })
    const { maxCount, maxBytes } = this.#options
    // Removals lower the byte count only at their commit: two letters are removed for each new one, until they fit.
    const excess = this.#letters.bytes > maxBytes ? 2 : this.#letters.size > maxCount ? 1 : 0
    if (excess === 0) return
    const oldest = this.#letters.settledKeys(this.#oldestFrom, afterAllIds, excess)
    // Above all when there is none: a commit that failed may have left some below.
    this.#oldestFrom = oldest.at(-1) ?? '0'
    for (const id of oldest) this.#letters.delete(id)
  }

  get(id: string): DeadLetter | undefined {
    const letter = this.#letters.find(id)
    return letter === undefined ? undefined : { id, atMs: timeOfId(id), ...letter }
  }

  remove(id: string): Promise<boolean> {
    return this.#environment.queue.write(() => this.#letters.delete(id))
  }

  list(limit: number, before: string | undefined): DeadLetterPage {
    const found = this.#letters.settledEntries('0', before ?? afterAllIds, limit + 1, true)
    const letters = found.slice(0, limit).map(([id, letter]) => ({ id, atMs: timeOfId(id), ...letter }))
    return { letters, next: found.length > limit ? letters.at(-1)?.id : undefined }
  }

  async sweep(): Promise<number> {
    const end = firstIdAt(this.#options.nowMs() - this.#options.maxAgeMs)
    for (let total = 0; ; ) {
      const removed = await this.#environment.queue.write(() => {
        const old = this.#letters.settledKeys('0', end, sweepBatch)
        for (const id of old) this.#letters.delete(id)
        return old.length
      })
      if (removed === 0) return total
      total += removed
    }
  }

  count(): number {
    return this.#letters.size
  }
}
