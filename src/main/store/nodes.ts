import type { Logger } from 'pino'
import type { Environment } from './environment.ts'
import type {
  Affiliation,
  ListedPart,
  ListPart,
  NodeAffiliation,
  NodeLimit,
  NodeLimits,
  NodeRecord,
  NodeStore,
} from './node-ports.ts'
import { NodeTables, nodeKey, ownersOf } from './node-tables.ts'
import { NodeUpkeep } from './node-upkeep.ts'

/**
 * Push nodes in LMDB. All that belongs to a node changes in one transaction.
 *
 * Reads see every change at once, before it is on disk; a promise settles when it is. So what arrives
 * behind a `create` on the same stream finds the node, and of two creates the first wins.
 */

export interface NodeStoreOptions {
  /** After how long without a publish or a change a node is removed; 0: never. */
  readonly ttlMs: number
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
  readonly log: Logger
}

/** Of an account that is gone, in one turn of the event loop. */
const removalBatch = 100

export class LmdbNodeStore implements NodeStore {
  readonly #environment: Environment
  readonly #tables: NodeTables
  readonly #upkeep: NodeUpkeep

  constructor(environment: Environment, { ttlMs, nowMs, log }: NodeStoreOptions) {
    this.#environment = environment
    this.#tables = new NodeTables(environment, nowMs())
    this.#upkeep = new NodeUpkeep(this.#tables, environment.queue, ttlMs, log, nowMs)
  }

  get(domain: string, node: string): NodeRecord | undefined {
    return this.#tables.nodes.get(nodeKey(domain, node))
  }

  create(
    domain: string,
    node: string,
    record: NodeRecord,
    limits: NodeLimits,
  ): Promise<'created' | 'exists' | NodeLimit> {
    const key = nodeKey(domain, node)
    return this.#environment.queue.write(() => {
      if (this.#tables.nodes.has(key)) return 'exists'
      if (this.count() >= limits.inAll) return 'max_nodes'
      const lack = this.#tables.lackOfRoom(domain, undefined, record, limits)
      if (lack !== undefined) return lack
      this.#tables.replace(key, node, undefined, record)
      return 'created'
    })
  }

  update(
    domain: string,
    node: string,
    change: (record: NodeRecord) => NodeRecord | undefined,
    limits: NodeLimits | undefined,
  ): Promise<'updated' | 'missing' | NodeLimit> {
    const key = nodeKey(domain, node)
    return this.#environment.queue.write(() => {
      const record = this.#tables.nodes.get(key)
      if (record === undefined) return 'missing'
      const changed = change(record)
      if (changed === undefined) return 'updated'
      const lack = limits === undefined ? undefined : this.#tables.lackOfRoom(domain, record, changed, limits)
      if (lack !== undefined) return lack
      this.#tables.replace(key, node, record, changed)
      return 'updated'
    })
  }

  remove(domain: string, node: string): Promise<boolean> {
    const key = nodeKey(domain, node)
    return this.#environment.queue.write(() => {
      const record = this.#tables.nodes.get(key)
      if (record === undefined) return false
      this.#tables.replace(key, node, record, undefined)
      return true
    })
  }

  affiliationsOf(domain: string, jid: string, part: ListPart): ListedPart<NodeAffiliation> {
    return this.#tables.lists.affiliationsOf(domain, jid, part)
  }

  ownedBy(domain: string, jid: string, part: ListPart): ListedPart<NodeAffiliation> {
    return this.#tables.lists.ownedBy(domain, jid, part, this.#tables.areAllCounted)
  }

  /**
   * The JID's affiliations with nodes that have other owners go too: whoever gets that account next
   * must not inherit them.
   */
  async removeOwnedBy(owner: string, domains: Iterable<string>): Promise<number> {
    const left = [...domains]
    let after: string | undefined
    let removed = 0
    do {
      await this.#environment.queue.write(() => {
        for (let room = removalBatch; room > 0 && left[0] !== undefined; ) {
          const marks = this.#tables.lists.nodesOf(owner, left[0], after, room)
          for (const [key, { node, affiliation }] of marks) {
            if (affiliation !== undefined && this.#leave(key, node, owner)) removed++
          }
          after = marks.length < room ? undefined : marks.at(-1)?.[0]
          if (after === undefined) left.shift()
          room -= marks.length
        }
      })
    } while (left.length > 0)
    return removed
  }

  /** Takes a JID's affiliation with a node away, or the node where it has no other owner: true. */
  #leave(key: string, node: string, jid: string): boolean {
    const record = this.#tables.nodes.find(key)
    if (record === undefined) return false
    const others = without(record, jid)
    const isLeft = record.affiliations[jid] !== 'owner' || ownersOf(others).length > 0
    this.#tables.replace(key, node, record, isLeft ? others : undefined)
    return !isLeft
  }

  used(domain: string, node: string, record: NodeRecord, atMs: number): void {
    this.#upkeep.used(nodeKey(domain, node), record, atMs)
  }

  get leastUseAgeMs(): number {
    return this.#upkeep.useResolutionMs / 2
  }

  countOfHost(host: string): number {
    return this.#tables.counts.ofHost(host)
  }

  count(): number {
    return this.#tables.nodes.size
  }

  /** From now on a node is removed after this time without a publish or a change; 0: never. */
  setTtl(ttlMs: number): void {
    this.#upkeep.setTtl(ttlMs)
  }

  /** Counts the nodes of a store of earlier versions, in the background. Rejects with a StoreError. */
  countStored(): Promise<void> {
    return this.#upkeep.countStored()
  }

  /** Removes nodes that were neither published to nor changed for the time to live; how many. Rejects with a StoreError. */
  sweep(): Promise<number> {
    return this.#upkeep.sweep()
  }

  /** To be called before the environment is closed. Never rejects. */
  stop(): Promise<void> {
    return this.#upkeep.stop()
  }
}

function without(record: NodeRecord, jid: string): NodeRecord {
  const affiliations: Record<string, Affiliation> = Object.create(null)
  for (const [other, affiliation] of Object.entries(record.affiliations)) {
    if (other !== jid) affiliations[other] = affiliation
  }
  return { ...record, affiliations }
}
