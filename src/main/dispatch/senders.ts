import { inUseMs } from './gateways.ts'

/**
 * Senders of one domain are told apart by the hash of their name: so many slots, however many senders there are. Two
 * that share a slot share its turns; with 128 (as many as SFQ of Linux has) one crowd catches one sender in 128.
 */
export const senderSlots = 128

/**
 * Of a longer name the first and the last half of so many characters. Device ids may be long, and differ in any; users of
 * one host differ in the first, and the host may be an onion service's, whose name alone has 62.
 */
const mostHashed = 64

export function senderSlot(sender: string, seed: number): number {
  return slotOf(senderHash(sender, seed))
}

export function slotOf(hash: number): number {
  return hash & (senderSlots - 1)
}

/** FNV-1a, 32 bits. `seed`: of this run, so that nobody can choose whose slot they share. */
export function senderHash(sender: string, seed: number): number {
  let hash = seed
  const skipped = Math.max(0, sender.length - mostHashed)
  for (let i = 0; i < sender.length; i++) {
    if (i === mostHashed / 2) i += skipped
    hash = Math.imul(hash ^ sender.charCodeAt(i), 0x01000193)
  }
  return (hash ^ (hash >>> 15)) >>> 0
}

/** With so many pending, or this part of its domain's, a sender is no crowd. */
const fewPending = 4
const fewPart = 1 / 32

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

  /** It has so much more than others that it is not to go in the order of coming. */
  isCrowd(sender: number): boolean {
    const pending = this.pendingOf(sender)
    return pending > fewPending && pending > this.#pendingOfAll * fewPart
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

  /** Something of this sender's has come, or goes out. */
  used(sender: number, nowMs: number): void {
    if (sender !== this.#latest) {
      this.#latest = sender
      this.#secondLatestMs = this.#latestMs
    }
    this.#latestMs = nowMs
  }

  /** Whether more than one sender has been in use of late. With one alone nothing is kept for others. */
  get several(): boolean {
    return this.#latestMs - this.#secondLatestMs < inUseMs
  }
}
