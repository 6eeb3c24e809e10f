import type { Metrics } from '../metrics/table.ts'
import { inUseMs } from './gateways.ts'
import type { DispatchOptions } from './options.ts'
import { SenderLoads } from './senders.ts'

/** How much one domain has under way: what it came in on, which for a push from the outbox is its own domain. */
export class DomainLoad {
  readonly name: string
  /** From 0, in the order of being met. */
  readonly index: number
  /** Accepted and not settled. */
  pending = 0
  /** What they take of memory. */
  pendingBytes = 0
  /** Of these, given to the outbox and not on disk yet. */
  storing = 0
  /** Its streams are not read. */
  held = false
  /** Handed to workers and not yet answered, by gateway URL and provider pool. */
  readonly inflight: number[]
  /** The same by its senders. */
  readonly senders: SenderLoads
  /** When something of it was last put into a queue. Monotonic. */
  lastUsedMs = Number.NEGATIVE_INFINITY

  constructor(name: string, index: number, origins: number) {
    this.name = name
    this.index = index
    this.inflight = Array.from({ length: origins }, () => 0)
    this.senders = new SenderLoads(origins)
  }
}

/** In the place of a domain, whose room is taken: events over HTTP have one of their own. */
export const eventsOverHttp = 'http'

/** Beside others a domain may have this much of what they leave: of 100,000, eight floods leave room for the next one. */
const shareOfRest = 0.75
/** How much of what the others leave a domain may have at most, where so many are served: alone all. */
export function domainShare(domains: number): number {
  return domains > 1 ? shareOfRest : 1
}

/** Past this much of its share the gateway is too slow for what comes of it: the outbox takes that. */
const storingShare = 0.5
/** From here on its streams are not read. What had been read by then finds room in the rest of its share. */
const holdShare = 0.9
/** Below this they are read again. */
const resumeShare = 0.75
/**
 * A crowded domain that has so many on their way to the disk is not read beside others, until half of them are there:
 * the main thread prepares each group of writes at one go, 10 µs for each push, and all others wait for that. With 128
 * the others' p99 under a flood was 28 ms, without a bound 46, at a gateway that takes 10 (Node 24, two cores, 2026-11).
 */
const mostStoring = 128
/**
 * Beside other senders of its domain one may have this much of what they leave of the domain's share. One crowd, or two
 * (8/9 of the share), then do not have the domain held, and the others' publishes on the same stream go on being read.
 */
const senderShare = 2 / 3
/** A sender with less than this part of what a sender has on average is no part of the crowd. */
const smallPart = 1 / 4

/** Which limit leaves no room for a push: a label of `limits_hit_total`. */
export type PendingLimit = 'max_pending' | 'max_pending_bytes' | 'sender_pending'

/**
 * The loads of all domains, and the room in memory that each has: alone served, all of `maxPending` pushes and
 * `maxPendingBytes`; else three quarters of what the others leave. So one domain's flood leaves a quarter, two leave a
 * seventh, and what is refused or not read is the flood's. Within a domain it is so with its senders.
 */
export class DomainLoads {
  readonly #maxPending: number
  readonly #maxBytes: number
  readonly #origins: number
  readonly #factor: number
  readonly #metrics: Metrics
  readonly #holdReading: (domain: string, held: boolean) => void
  readonly #byName = new Map<string, DomainLoad>()
  /** Of all domains: what they have pending takes so much memory. */
  pendingBytes = 0
  #pending = 0
  /** The two used last: whoever asks, one of them is another. */
  #latest: DomainLoad | undefined
  #secondLatest: DomainLoad | undefined

  /** `holdReading`: stops or resumes reading on the streams of a domain. */
  constructor(
    {
      maxPending,
      maxPendingBytes,
      domains,
      urls,
      pools,
    }: Pick<DispatchOptions, 'maxPending' | 'maxPendingBytes' | 'domains' | 'urls' | 'pools'>,
    metrics: Metrics,
    holdReading: (domain: string, held: boolean) => void,
  ) {
    this.#maxPending = maxPending
    this.#maxBytes = maxPendingBytes
    this.#origins = urls.length + pools.length
    this.#factor = domainShare(domains.length)
    this.#metrics = metrics
    this.#holdReading = holdReading
    metrics.pendingBytes.read(() => this.pendingBytes)
    metrics.pendingBytesLimit.child().set(maxPendingBytes)
    // Their metrics exist from the start.
    for (const name of [...domains, eventsOverHttp]) this.of(name)
  }

  of(name: string): DomainLoad {
    return this.#byName.get(name) ?? this.#add(name)
  }

  hasRoom(load: DomainLoad): boolean {
    return load.pending < this.#share(load) && load.pendingBytes < this.#shareBytes(load)
  }

  /** What leaves no room for a push of this sender's; undefined: there is room. */
  limitFor(load: DomainLoad, sender: number): PendingLimit | undefined {
    const share = this.#share(load)
    if (load.pending >= share) return 'max_pending'
    const shareBytes = this.#shareBytes(load)
    if (load.pendingBytes >= shareBytes) return 'max_pending_bytes'
    const { senders } = load
    if (!senders.several) return undefined
    const own = senders.pendingOf(sender)
    if (own >= senderShare * (share - (load.pending - own))) return 'sender_pending'
    const ownBytes = senders.bytesOf(sender)
    return ownBytes < senderShare * (shareBytes - (load.pendingBytes - ownBytes))
      ? undefined
      : 'sender_pending'
  }

  /** More of the domain is pending than its gateway takes soon, and this sender is no small part of that. */
  isCrowded(load: DomainLoad, sender: number): boolean {
    return this.#partOf(load) > storingShare && !isSmall(load, sender)
  }

  /** It is crowded, and beside other senders not too many of the domain are on their way to the disk already. */
  mayStoreAtOnce(load: DomainLoad, sender: number): boolean {
    if (load.senders.several && load.storing >= mostStoring) return false
    return this.isCrowded(load, sender)
  }

  accepted(load: DomainLoad, sender: number, bytes: number): void {
    load.pending++
    load.pendingBytes += bytes
    load.senders.accepted(sender, bytes)
    this.#pending++
    this.pendingBytes += bytes
    if (!load.held && this.#partOf(load) >= holdShare) this.hold(load)
  }

  /** One of its pending ones is given to the outbox; `settled` follows. */
  storing(load: DomainLoad): void {
    load.storing++
    if (!load.held && this.#storesMany(load, mostStoring)) this.hold(load)
  }

  /** `wasStoring`: it had been given to the outbox. */
  settled(load: DomainLoad, sender: number, bytes: number, wasStoring: boolean): void {
    load.pending--
    load.pendingBytes -= bytes
    load.senders.settled(sender, bytes)
    if (wasStoring) load.storing--
    this.#pending--
    this.pendingBytes -= bytes
    if (load.held) this.#resumeIfRoom(load)
  }

  /** There was no room for a push. What a sender's others have to say comes on the same streams: these are read on. */
  refused(load: DomainLoad, limit: PendingLimit): void {
    this.#metrics.limitsHit.child(limit).add(1)
    if (limit !== 'sender_pending') this.hold(load)
  }

  /** Back-pressure: what its server sends stays with the server. */
  hold(load: DomainLoad): void {
    if (load.held) return
    load.held = true
    this.#holdReading(load.name, true)
  }

  /** To be called now and then: room is also made by others. */
  tick(): void {
    for (const load of this.#byName.values()) if (load.held) this.#resumeIfRoom(load)
  }

  /** Something of it, by this sender, is put into a queue. */
  used(load: DomainLoad, sender: number, nowMs: number): void {
    load.senders.used(sender, nowMs)
    load.lastUsedMs = nowMs
    if (load === this.#latest) return
    this.#secondLatest = this.#latest
    this.#latest = load
  }

  /** Whether a domain other than this one has been in use of late. */
  othersInUse(load: DomainLoad, nowMs: number): boolean {
    const other = load === this.#latest ? this.#secondLatest : this.#latest
    return other !== undefined && nowMs - other.lastUsedMs < inUseMs
  }

  #share(load: DomainLoad): number {
    return this.#factor * (this.#maxPending - (this.#pending - load.pending))
  }

  #shareBytes(load: DomainLoad): number {
    return this.#factor * (this.#maxBytes - (this.pendingBytes - load.pendingBytes))
  }

  /** How much it has of its share of the pushes, or of the bytes: the larger part. */
  #partOf(load: DomainLoad): number {
    return Math.max(load.pending / this.#share(load), load.pendingBytes / this.#shareBytes(load))
  }

  /** Beside other senders it goes on being read: `mayStoreAtOnce` bounds it then. */
  #storesMany(load: DomainLoad, many: number): boolean {
    if (this.#factor === 1 || load.senders.several) return false
    return load.storing >= many && this.#partOf(load) > storingShare
  }

  #resumeIfRoom(load: DomainLoad): void {
    if (this.#partOf(load) >= resumeShare) return
    if (this.#storesMany(load, mostStoring / 2 + 1)) return
    load.held = false
    this.#holdReading(load.name, false)
  }

  #add(name: string): DomainLoad {
    const load = new DomainLoad(name, this.#byName.size, this.#origins)
    this.#byName.set(name, load)
    this.#metrics.domainPending.read(() => load.pending, name)
    this.#metrics.domainHeld.read(() => (load.held ? 1 : 0), name)
    return load
  }
}

function isSmall({ senders, pending, pendingBytes }: DomainLoad, sender: number): boolean {
  const part = smallPart / senders.busy
  return senders.pendingOf(sender) <= pending * part && senders.bytesOf(sender) <= pendingBytes * part
}
