import { inUseMs } from './gateways.ts'

/**
 * The number of slots to which the senders of one domain are hashed. Senders in the same slot share its turns. With 128
 * slots, as in SFQ of Linux, a flooding sender affects one of 128 other senders.
 */
export const senderSlots = 128

/**
 * How many characters are hashed: of a longer name the first and the last half of them. Device ids may be long, and differ
 * at any place. Users of one host differ in the first characters, and the name of an onion service alone has 62.
 */
const mostHashed = 64

export function senderSlot(sender: string, seed: number): number {
  return slotOf(senderHash(sender, seed))
}

export function slotOf(hash: number): number {
  return hash & (senderSlots - 1)
}

/** FNV-1a, 32 bits. `seed`: differs in each run, so that no sender can choose to share the slot of another. */
export function senderHash(sender: string, seed: number): number {
  let hash = seed
  const skipped = Math.max(0, sender.length - mostHashed)
  for (let i = 0; i < sender.length; i++) {
    if (i === mostHashed / 2) i += skipped
    hash = Math.imul(hash ^ sender.charCodeAt(i), 0x01000193)
  }
  return (hash ^ (hash >>> 15)) >>> 0
}

/** A sender with at most so many pending pushes, or this part of its domain's, does not get a line of its own. */
const fewPending = 4
const fewPart = 1 / 32
/**
 * With more it is one, however small a part that is: else a flood in the names of many is no crowd, and others wait behind
 * all of it. Spread evenly over all slots, 8,192 go in the order of coming, which costs least.
 */
const manyPending = 64

/** How much each sender of one domain has under way. */
export class SenderLoads {
  /** Senders with something pending. */
  busy = 0
  readonly #pending = new Int32Array(senderSlots)
  /** Of all of them. */
  #pendingOfAll = 0
  readonly #bytes = new Float64Array(senderSlots)
  readonly #origins: number
  /** Handed to workers and not yet answered: by sender, then by gateway URL and provider pool. */
  readonly #inflight: Int32Array
  /** The two used last, and when. Monotonic. */
  #latest = -1
  #latestMs = Number.NEGATIVE_INFINITY
  #secondLatestMs = Number.NEGATIVE_INFINITY

  constructor(origins: number) {
    this.#origins = origins
    this.#inflight = new Int32Array(senderSlots * origins)
  }

  pendingOf(sender: number): number {
    return this.#pending[sender] ?? 0
  }

  bytesOf(sender: number): number {
    return this.#bytes[sender] ?? 0
  }

  accepted(sender: number, bytes: number): void {
    const pending = this.pendingOf(sender)
    if (pending === 0) this.busy++
    this.#pending[sender] = pending + 1
    this.#pendingOfAll++
    this.#bytes[sender] = this.bytesOf(sender) + bytes
  }

  settled(sender: number, bytes: number): void {
    const pending = this.pendingOf(sender) - 1
    if (pending === 0) this.busy--
    this.#pending[sender] = pending
    this.#pendingOfAll--
    this.#bytes[sender] = this.bytesOf(sender) - bytes
  }

  /** Whether the sender has so many more pushes than others that it gets a line of its own. */
  isCrowd(sender: number): boolean {
    const pending = this.pendingOf(sender)
    return pending > fewPending && (pending > manyPending || pending > this.#pendingOfAll * fewPart)
  }

  inflightOf(sender: number, origin: number): number {
    return this.#inflight[sender * this.#origins + origin] ?? 0
  }

  sent(sender: number, origin: number): void {
    const place = sender * this.#origins + origin
    this.#inflight[place] = (this.#inflight[place] ?? 0) + 1
  }

  answered(sender: number, origin: number): void {
    const place = sender * this.#origins + origin
    this.#inflight[place] = (this.#inflight[place] ?? 1) - 1
  }

  /** A push of this sender came in or goes out. */
  used(sender: number, nowMs: number): void {
    if (sender !== this.#latest) {
      this.#latest = sender
      this.#secondLatestMs = this.#latestMs
    }
    this.#latestMs = nowMs
  }

  /** Whether more than one sender was active recently. A single active sender leaves nothing for others. */
  get several(): boolean {
    return this.#latestMs - this.#secondLatestMs < inUseMs
  }
}
