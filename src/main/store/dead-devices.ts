import { type Device, modeOf } from '../../core/notification.ts'
import type { Environment } from './environment.ts'
import { keyPart, separator } from './keys.ts'
import { list, number, text } from './notification-codec.ts'
import type { DeadDeviceStore } from './ports.ts'
import type { Codec, Table } from './table.ts'

/**
 * Devices that a provider has called gone, in LMDB.
 *
 *   dead          service, mode, id          → when it was marked, and at which nodes it was met
 *   dead_by_time  time, service, mode, id    → nothing: for the sweep
 *   dead_by_node  domain, node, service, …   → nothing: for `forgetNode`
 */

export interface DeadMark {
  readonly atMs: number
  /** Keys of the nodes (domain, node), the newest last; at most `maxNodesPerDevice`. */
  readonly nodeKeys: readonly string[]
}

export const deadCodec: Codec<DeadMark> = {
  encode: ({ atMs, nodeKeys }) => [atMs, ...nodeKeys],
  decode(stored) {
    const [atMs, ...nodeKeys] = list(stored)
    return { atMs: number(atMs), nodeKeys: nodeKeys.map(text) }
  },
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

  isDead(device: Device): boolean {
    if (this.#dead.size === 0) return false
    const mark = this.#dead.get(deviceKey(device))
    return mark !== undefined && this.#nowMs() - mark.atMs < this.#ttlMs
  }

  add(device: Device, domain: string, node: string): Promise<void> {
    const key = deviceKey(device)
    const met = nodeKey(domain, node)
    return this.#environment.queue.write(() => {
      const known = this.#dead.get(key)
      if (known !== undefined) this.#forget(key, known)
      const nodeKeys = [...(known?.nodeKeys ?? []).filter((other) => other !== met), met]
      const mark = { atMs: this.#nowMs(), nodeKeys: nodeKeys.slice(-maxNodesPerDevice) }
      this.#dead.set(key, mark)
      this.#byTime.set(deadTimeKey(mark, key), true)
      for (const nodeKey of mark.nodeKeys) this.#byNode.set(nodeKey + separator + key, true)
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
    const prefix = nodeKey(domain, node) + separator
    return this.#environment.queue.write(() => {
      if (this.#dead.size === 0) return 0
      return this.#forgetAll(this.#byNode.entriesUnder(prefix).map(([key]) => key.slice(prefix.length)))
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
    for (const nodeKey of mark.nodeKeys) this.#byNode.delete(nodeKey + separator + key)
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
