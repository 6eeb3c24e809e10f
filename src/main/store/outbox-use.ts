import { sizeOfTexts } from '../../core/notification-size.ts'
import type { Environment } from './environment.ts'
import { keyPart, separator } from './keys.ts'
import { list, number } from './notification-codec.ts'
import type { Spare, StoredLimit, StoredPush } from './ports.ts'
import type { Codec, Table } from './table.ts'

/**
 * How much of the outbox each domain has, and each sender of it, in LMDB:
 *
 *   outbox_domain  domain          → how many pushes
 *   outbox_use     domain          → how many that have their bytes in their record, and these
 *                  domain, sender  → the same
 *                  separator       → the same of all
 *
 * They change in the transactions that change the outbox, so a start does not need to scan the pushes.
 */
interface Use {
  readonly pushes: number
  readonly bytes: number
}

/** The data of a stored push that counts. */
export interface OutboxRecord extends StoredPush {
  /** The counted disk space, in bytes; undefined: an earlier version stored the push, and it is not counted yet. */
  readonly bytes: number | undefined
}

/** The disk space of a record besides its texts: other fields, keys, its part of half-filled pages. */
const recordBytes = 512

export const useCodec: Codec<Use> = {
  encode: ({ pushes, bytes }) => [pushes, bytes],
  decode(stored) {
    const [pushes, bytes] = list(stored)
    return { pushes: number(pushes), bytes: number(bytes) }
  },
}
export const countCodec: Codec<number> = { encode: (count) => count, decode: number }

const none: Use = { pushes: 0, bytes: 0 }
const ofAll = separator
/** The part of what the other senders leave of their domain's room that one sender may have. */
const senderShare = 0.75

export interface OutboxRoom {
  /** The most stored pushes. */
  readonly maxStored: number
  /** The disk space that they may take, in bytes. */
  readonly maxStoredBytes: number
  /** The part of what the other domains leave that one domain may have. */
  readonly domainShare: number
}

export class OutboxUse {
  readonly #room: OutboxRoom
  readonly #domains: Table<number>
  readonly #uses: Table<Use>

  constructor(environment: Environment, room: OutboxRoom) {
    this.#room = room
    this.#domains = environment.table('outbox_domain', countCodec, 0)
    this.#uses = environment.table('outbox_use', useCodec, 0)
  }

  /** The bytes of all counted pushes. */
  get bytes(): number {
    return this.#of(ofAll).bytes
  }

  /** The number of counted pushes. */
  get counted(): number {
    return this.#of(ofAll).pushes
  }

  /** The limit that leaves no room for a push; undefined: there is room. `size`: the number of stored pushes. */
  limitFor(push: StoredPush, size: number, spare: Spare): StoredLimit | undefined {
    const { notification, sender } = push
    const domain = keyPart(notification.domain)
    const own = this.#domains.find(domain) ?? 0
    const left = this.#leftTo(own, this.#room.maxStored + spare.pushes - size)
    if (left <= 0) return 'max_stored'
    const limit = this.#bytesLimitFor(push, spare)
    if (limit !== undefined || sender === undefined) return limit
    const ofSender = this.#of(senderKey(domain, sender)).pushes
    return ofSender < senderShare * (left + ofSender) ? undefined : 'sender_stored'
  }

  /** The same for one that takes the place of an older one, of the same domain: it needs room for what it is larger. */
  limitForNewer(push: OutboxRecord, older: OutboxRecord, spare: Spare): StoredLimit | undefined {
    const isLarger = push.bytes !== undefined && older.bytes !== undefined && push.bytes > older.bytes
    return isLarger ? this.#bytesLimitFor(push, spare) : undefined
  }

  #bytesLimitFor({ notification, sender }: StoredPush, spare: Spare): StoredLimit | undefined {
    const domain = keyPart(notification.domain)
    const free = this.#room.maxStoredBytes + spare.bytes - this.bytes
    const left = this.#leftTo(this.#of(domain).bytes, free)
    if (left <= 0) return 'max_stored_bytes'
    if (sender === undefined) return undefined
    const ofSender = this.#of(senderKey(domain, sender)).bytes
    return ofSender < senderShare * (left + ofSender) ? undefined : 'sender_stored'
  }

  /** Must be called within a write of the queue: part of that transaction. */
  added(record: OutboxRecord): void {
    this.#countDomain(record, 1)
    this.counts(record)
  }

  /** The same. */
  removed(record: OutboxRecord): void {
    this.#countDomain(record, -1)
    this.#change(record, -1)
  }

  /** The same, for one that was there and not counted. */
  counts(record: OutboxRecord): void {
    this.#change(record, 1)
  }

  /** The same, for one that was there in another form. */
  changed(before: OutboxRecord, after: OutboxRecord): void {
    if (before.bytes === after.bytes && before.sender === after.sender) return
    this.#change(before, -1)
    this.#change(after, 1)
  }

  #leftTo(own: number, free: number): number {
    const { domainShare } = this.#room
    if (domainShare === 1) return free
    return Math.min(free, domainShare * (free + own) - own)
  }

  /** Never negative, whatever was stored before pushes were counted, or was lost by damage. */
  #countDomain({ notification }: StoredPush, more: number): void {
    const key = keyPart(notification.domain)
    const count = (this.#domains.find(key) ?? 0) + more
    if (count > 0) this.#domains.set(key, count)
    else this.#domains.delete(key)
  }

  #change({ notification, sender, bytes }: OutboxRecord, sign: 1 | -1): void {
    if (bytes === undefined) return
    const domain = keyPart(notification.domain)
    this.#add(ofAll, sign, bytes)
    this.#add(domain, sign, bytes)
    if (sender !== undefined) this.#add(senderKey(domain, sender), sign, bytes)
  }

  #add(key: string, sign: 1 | -1, bytes: number): void {
    const use = this.#of(key)
    const pushes = use.pushes + sign
    if (pushes > 0) this.#uses.set(key, { pushes, bytes: Math.max(0, use.bytes + sign * bytes) })
    else this.#uses.delete(key)
  }

  #of(key: string): Use {
    return this.#uses.find(key) ?? none
  }
}

function senderKey(domain: string, sender: number): string {
  return domain + separator + sender
}

/** As it is kept. */
export function counted(push: StoredPush): OutboxRecord {
  const texts = sizeOfTexts(push.notification, Buffer.byteLength)
  return { ...push, bytes: recordBytes + texts + push.lastReason.length + push.unknownReason.length }
}
