import type { Metrics } from '../metrics/table.ts'
import { inUseMs } from './gateways.ts'
import type { DispatchOptions } from './options.ts'

/** How much one domain has under way: what it came in on, which for a push from the outbox is its own domain. */
export class DomainLoad {
  readonly name: string
  /** From 0, in the order of being met. */
  readonly index: number
  /** Accepted and not settled. */
  pending = 0
  /** Of these, given to the outbox and not on disk yet. */
  storing = 0
  /** Its streams are not read. */
  held = false
  /** Handed to workers and not yet answered, by gateway URL and provider pool. */
  readonly inflight: number[]
  /** When something of it was last put into a queue. Monotonic. */
  lastUsedMs = Number.NEGATIVE_INFINITY

  constructor(name: string, index: number, origins: number) {
    this.name = name
    this.index = index
    this.inflight = Array.from({ length: origins }, () => 0)
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
 * The loads of all domains, and the room in memory that each has: alone served, all of `maxPending`; else three
 * quarters of what the others leave. So one domain's flood leaves a quarter, two leave a seventh, and what is refused
 * or not read is the flood's.
 */
export class DomainLoads {
  readonly #maxPending: number
  readonly #origins: number
  readonly #factor: number
  readonly #metrics: Metrics
  readonly #holdReading: (domain: string, held: boolean) => void
  readonly #byName = new Map<string, DomainLoad>()
  #pending = 0
  /** The two used last: whoever asks, one of them is another. */
  #latest: DomainLoad | undefined
  #secondLatest: DomainLoad | undefined

  /** `holdReading`: stops or resumes reading on the streams of a domain. */
  constructor(
    { maxPending, domains, urls, pools }: Pick<DispatchOptions, 'maxPending' | 'domains' | 'urls' | 'pools'>,
    metrics: Metrics,
    holdReading: (domain: string, held: boolean) => void,
  ) {
    this.#maxPending = maxPending
    this.#origins = urls.length + pools.length
    this.#factor = domainShare(domains.length)
    this.#metrics = metrics
    this.#holdReading = holdReading
    // Their metrics exist from the start.
    for (const name of [...domains, eventsOverHttp]) this.of(name)
  }

  of(name: string): DomainLoad {
    return this.#byName.get(name) ?? this.#add(name)
  }

  hasRoom(load: DomainLoad): boolean {
    return load.pending < this.#share(load)
  }

  isCrowded(load: DomainLoad): boolean {
    return load.pending > this.#share(load) * storingShare
  }

  accepted(load: DomainLoad): void {
    load.pending++
    this.#pending++
    if (!load.held && load.pending >= this.#share(load) * holdShare) this.hold(load)
  }

  /** One of its pending ones is given to the outbox; `settled` follows. */
  storing(load: DomainLoad): void {
    load.storing++
    if (!load.held && this.#storesMany(load, mostStoring)) this.hold(load)
  }

  /** `wasStoring`: it had been given to the outbox. */
  settled(load: DomainLoad, wasStoring = false): void {
    load.pending--
    if (wasStoring) load.storing--
    this.#pending--
    if (load.held) this.#resumeIfRoom(load)
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

  /** Something of it is put into a queue. */
  used(load: DomainLoad, nowMs: number): void {
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

  #storesMany(load: DomainLoad, many: number): boolean {
    return this.#factor < 1 && load.storing >= many && this.isCrowded(load)
  }

  #resumeIfRoom(load: DomainLoad): void {
    if (load.pending >= this.#share(load) * resumeShare) return
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
