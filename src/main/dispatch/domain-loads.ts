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
  /** The memory that they take, in bytes. */
  pendingBytes = 0
  /** Of these, given to the outbox and not on disk yet. */
  storing = 0
  /** Its streams are not read. */
  held = false
  /** Handed to workers and not yet answered, by gateway URL and provider pool. */
  readonly inflight: number[]
  /** The same for each of its senders. */
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

/** Used in place of a domain: events over HTTP have a share of their own. */
export const eventsOverHttp = 'http'

/** Beside others a domain may have this much of what they leave: of 100,000, eight floods leave room for the next one. */
const shareOfRest = 0.75
/** How much of what the others leave a domain may have at most, where so many are served: alone all. */
export function domainShare(domains: number): number {
  return domains > 1 ? shareOfRest : 1
}

/** Above this part of its share the gateway is too slow for the domain: the outbox takes further pushes. */
const storingShare = 0.5
/** Above this part its streams are not read. Stanzas read before then have room in the rest of the share. */
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
 * While other senders of its domain are active, a sender may have this much of what they leave of the domain's share. Then
 * one flooding sender, or two (8/9 of the share), do not stop the reading of the domain's streams, and the publishes of the
 * others on the same stream still come in.
 */
const senderShare = 2 / 3
/** A sender with less than this part of the average number of pushes is not one of those that flood. */
const smallPart = 1 / 4

/** The limit that leaves no room for a push: a label of `limits_hit_total`. */
export type PendingLimit = 'max_pending' | 'max_pending_bytes' | 'sender_pending'

/**
 * The loads of all domains, and the room in memory of each. A single domain has all of `maxPending` pushes and
 * `maxPendingBytes`; of several domains each has three quarters of what the others leave. So one flooding domain leaves a
 * quarter, two leave a seventh, and only their own stanzas are refused or not read. The senders of a domain share its room
 * in the same way.
 */
export class DomainLoads {
  readonly #maxPending: number
  readonly #maxBytes: number
  readonly #origins: number
  readonly #factor: number
  readonly #metrics: Metrics
  readonly #holdReading: (domain: string, held: boolean) => void
  readonly #byName = new Map<string, DomainLoad>()
  /** The memory that the pending pushes of all domains take, in bytes. */
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

  /** The limit that leaves no room for a push of this sender; undefined: there is room. */
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

  /** The domain has more pending pushes than its gateway accepts soon, and this sender has not just a few of them. */
  isCrowded(load: DomainLoad, sender: number): boolean {
    return this.#partOf(load) > storingShare && !isSmall(load, sender)
  }

  /** The domain is crowded, and not too many of its pushes are on their way to the disk while other senders are active. */
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

  /** There was no room for a push. A sender's limit does not stop reading: other senders use the same streams. */
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

  /** A push of this sender of the domain is put into a queue. */
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

  /** How much of its share of pushes, or of bytes, the domain uses: the larger of the two. */
  #partOf(load: DomainLoad): number {
    return Math.max(load.pending / this.#share(load), load.pendingBytes / this.#shareBytes(load))
  }

  /** With several active senders the domain is still read: then `mayStoreAtOnce` bounds it. */
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
