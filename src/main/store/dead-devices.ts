import { type Device, modeOf } from '../../core/notification.ts'
import type { DeadBy, DeadDeviceStore, DeviceMarks } from './dead-device-ports.ts'
import type { Environment } from './environment.ts'
import { keyPart, separator } from './keys.ts'
import { list, number, text } from './notification-codec.ts'
import type { Codec, Table } from './table.ts'

/**
 * Dead devices, in LMDB. A device that its provider reports as gone is dead everywhere. A device that was refused too often
 * is dead only at the node where that happened, because anyone who knows its id can get it refused at a node of their own.
 *
 *   dead          service, mode, id          → when it was marked last, when it was called gone, and the nodes
 *   dead_by_time  time, service, mode, id    → nothing: for the sweep
 *   dead_by_node  domain, node, service, …   → nothing: for `forgetNode`
 *
 * Marks of earlier versions have a time and the nodes of the device, and do not say why it is dead. They hold only at those
 * nodes: if the device is gone, the provider reports that again at the first push from another node. They are read
 * unchanged, and written in the new form when they change.
 */

export interface DeadMark {
  /** When the device was last marked, for either reason. */
  readonly atMs: number
  /** When the provider reported the device as gone; undefined: it did not. */
  readonly goneAtMs: number | undefined
  /** The newest last; at most `maxNodesPerDevice`. */
  readonly nodes: readonly MetNode[]
}

interface MetNode {
  /** Of the node (domain, node). */
  readonly key: string
  /** When the device was refused too often at this node; undefined: the provider reported it as gone. */
  readonly suspectedAtMs: number | undefined
}

export const deadCodec: Codec<DeadMark> = {
  encode: ({ atMs, goneAtMs, nodes }) => [
    atMs,
    goneAtMs ?? null,
    ...nodes.map(({ key, suspectedAtMs }) => [key, suspectedAtMs ?? null]),
  ],
  decode(stored) {
    const [at, second, ...rest] = list(stored)
    const atMs = number(at)
    if (typeof second === 'string') {
      const nodes = [second, ...rest].map((key) => ({ key: text(key), suspectedAtMs: atMs }))
      return { atMs, goneAtMs: undefined, nodes }
    }
    const nodes = rest.map((entry) => {
      const [key, suspectedAt] = list(entry)
      return { key: text(key), suspectedAtMs: timeOrNone(suspectedAt) }
    })
    return { atMs, goneAtMs: timeOrNone(second), nodes }
  },
}

function timeOrNone(stored: unknown): number | undefined {
  return stored === null ? undefined : number(stored)
}

const nothing: Codec<true> = { encode: () => true, decode: () => true }

/** One device at more nodes than this is a script, not a phone: the oldest are no longer known. */
const maxNodesPerDevice = 8
/** Marks that one transaction of a sweep removes: some milliseconds of the main thread. */
const sweepBatch = 500

export interface DeadDeviceOptions {
  /** How long a mark holds, in seconds. */
  readonly ttlS: number
  readonly nowMs: () => number
}

export class LmdbDeadDeviceStore implements DeadDeviceStore {
  readonly #environment: Environment
  readonly #ttlMs: number
  readonly #nowMs: () => number
  readonly #dead: Table<DeadMark>
  readonly #byTime: Table<true>
  readonly #byNode: Table<true>

  constructor(environment: Environment, options: DeadDeviceOptions) {
    this.#environment = environment
    this.#ttlMs = options.ttlS * 1000
    this.#nowMs = options.nowMs
    this.#dead = environment.table('dead', deadCodec, 0)
    this.#byTime = environment.table('dead_by_time', nothing, 0)
    this.#byNode = environment.table('dead_by_node', nothing, 0)
  }

  isDead(device: Device, domain: string, node: string): boolean {
    if (this.#dead.size === 0) return false
    const mark = this.#dead.get(deviceKey(device))
    if (mark === undefined) return false
    if (this.#holds(mark.goneAtMs)) return true
    const key = nodeKey(domain, node)
    return mark.nodes.some((met) => met.key === key && this.#holds(met.suspectedAtMs))
  }

  marksOf(device: Device): DeviceMarks {
    const mark = this.#dead.get(deviceKey(device))
    return {
      gone: this.#holds(mark?.goneAtMs),
      suspectedAt: mark?.nodes.filter(({ suspectedAtMs }) => this.#holds(suspectedAtMs)).length ?? 0,
    }
  }

  add(device: Device, domain: string, node: string, by: DeadBy): Promise<void> {
    const key = deviceKey(device)
    const met = nodeKey(domain, node)
    return this.#environment.queue.write(() => {
      const known = this.#dead.get(key)
      if (known !== undefined) this.#forget(key, known)
      const atMs = this.#nowMs()
      const others = known?.nodes.filter((other) => other.key !== met) ?? []
      const nodes = [...others, { key: met, suspectedAtMs: by === 'provider' ? undefined : atMs }]
      const goneAtMs = by === 'provider' ? atMs : known?.goneAtMs
      this.#remember(key, { atMs, goneAtMs, nodes: nodes.slice(-maxNodesPerDevice) })
    })
  }

  forget(device: Device): Promise<boolean> {
    const key = deviceKey(device)
    return this.#environment.queue.write(() => {
      const mark = this.#dead.get(key)
      if (mark === undefined) return false
      this.#forget(key, mark)
      return true
    })
  }

  forgetNode(domain: string, node: string): Promise<number> {
    const prefix = nodeKey(domain, node)
    return this.#environment.queue.write(() => {
      if (this.#dead.size === 0) return 0
      const entries = this.#byNode.entriesUnder(prefix + separator)
      for (const [entry] of entries) this.#forgetAt(prefix, entry.slice(prefix.length + 1))
      return entries.length
    })
  }

  async sweep(): Promise<number> {
    const end = timeKey(this.#nowMs() - this.#ttlMs + 1)
    for (let total = 0; ; ) {
      const forgotten = await this.#environment.queue.write(() => {
        const old = this.#byTime.entriesBelow(end, sweepBatch)
        return this.#forgetAll(old.map(([key]) => key.slice(end.length)))
      })
      if (forgotten === 0) return total
      total += forgotten
    }
  }

  count(): number {
    return this.#dead.size
  }

  /** Whether a mark of this time is still valid. */
  #holds(atMs: number | undefined): boolean {
    return atMs !== undefined && this.#nowMs() - atMs < this.#ttlMs
  }

  /** Removes the marks of this node from a device; without a suspicion here, also its mark as gone. */
  #forgetAt(node: string, key: string): void {
    const mark = this.#dead.get(key)
    if (mark === undefined) return
    this.#forget(key, mark)
    const isSuspected = mark.nodes.some((met) => met.key === node && met.suspectedAtMs !== undefined)
    const nodes = mark.nodes.filter(
      (met) => met.key !== node && (isSuspected || met.suspectedAtMs !== undefined),
    )
    const goneAtMs = isSuspected ? mark.goneAtMs : undefined
    if (goneAtMs !== undefined || nodes.length > 0) this.#remember(key, { ...mark, goneAtMs, nodes })
  }

  #remember(key: string, mark: DeadMark): void {
    this.#dead.set(key, mark)
    this.#byTime.set(deadTimeKey(mark, key), true)
    for (const { key: node } of mark.nodes) this.#byNode.set(node + separator + key, true)
  }

  #forgetAll(keys: readonly string[]): number {
    for (const key of keys) {
      const mark = this.#dead.get(key)
      if (mark !== undefined) this.#forget(key, mark)
    }
    return keys.length
  }

  #forget(key: string, mark: DeadMark): void {
    this.#dead.delete(key)
    this.#byTime.delete(deadTimeKey(mark, key))
    for (const { key: node } of mark.nodes) this.#byNode.delete(node + separator + key)
  }
}

/** `key`: of the device. */
export function deadTimeKey({ atMs }: DeadMark, key: string): string {
  return timeKey(atMs) + key
}

function deviceKey(device: Device): string {
  return keyPart(device.service) + separator + keyPart(modeOf(device)) + separator + keyPart(device.id)
}

function nodeKey(domain: string, node: string): string {
  return keyPart(domain) + separator + keyPart(node)
}

/** Of one length, so that text order is time order. */
function timeKey(atMs: number): string {
  return Math.max(0, Math.floor(atMs)).toString(16).padStart(12, '0') + separator
}
