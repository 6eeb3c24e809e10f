import { domainOfBare } from '../../core/jid.ts'
import type { Environment } from './environment.ts'
import { behindAllKeys, compareKeys, keyPart, separator } from './keys.ts'
import { nodeCodec } from './node-codec.ts'
import { NodeCounts } from './node-counts.ts'
import { NodeLists } from './node-lists.ts'
import type { NodeLimit, NodeLimits, NodeRecord } from './node-ports.ts'
import type { Table } from './table.ts'

/** Decoded records kept at hand: about 1 KiB each. More of them grow old with V8 before they are replaced. */
const recentNodes = 2048

/**
 * The tables that push nodes are kept in:
 *
 *   nodes  domain, node  → the record
 *
 * and those of `NodeLists` and `NodeCounts` beside it. What changes any of them belongs within `WriteQueue.write`.
 */
export class NodeTables {
  readonly nodes: Table<NodeRecord>
  readonly lists: NodeLists
  readonly counts: NodeCounts
  /** The nodes of earlier versions count as used then. Milliseconds since the epoch. */
  readonly #sinceMs: number

  constructor(environment: Environment, nowMs: number) {
    this.lists = new NodeLists(environment)
    this.counts = new NodeCounts(environment)
    this.#sinceMs = this.counts.sinceMs ?? nowMs
    this.nodes = environment.table('nodes', nodeCodec(this.#sinceMs), recentNodes)
  }

  /** Whether all nodes are counted: false for a while in a store of earlier versions. */
  get areAllCounted(): boolean {
    return this.counts.counted === true || this.nodes.size === 0
  }

  /** Puts `after` (undefined: nothing) in the place of `before`, with all that belongs to it. `node`: '' for nothing. */
  replace(key: string, node: string, before: NodeRecord | undefined, after: NodeRecord | undefined): void {
    if (this.nodes.size === 0) this.counts.counted = true
    this.lists.replace(key, node, before, after)
    if (this.#isCounted(key)) this.#countOwners(key, node, ownersOf(before), ownersOf(after))
    if (after === undefined) this.nodes.delete(key)
    else this.nodes.set(key, after)
  }

  /** Which limit keeps a record from taking the place of `before`: by the owners that are new. */
  lackOfRoom(
    domain: string,
    before: NodeRecord | undefined,
    after: NodeRecord,
    limits: NodeLimits,
  ): NodeLimit | undefined {
    const old = ownersOf(before)
    const added = ownersOf(after).filter((owner) => !old.includes(owner))
    // Anyone can name a new owner: half of the room is for nodes that the owner creates.
    const perOwner = before === undefined ? limits.perOwner : limits.perOwner / 2
    for (const owner of added) {
      if (this.lists.countOwnedBy(domain, owner, this.areAllCounted) >= perOwner) return 'max_nodes_per_owner'
    }
    const oldHosts = hostsOf(old)
    for (const host of hostsOf(added)) {
      if (!oldHosts.has(host) && this.counts.ofHost(host) >= limits.perHost) return 'max_nodes_per_host'
    }
    return undefined
  }

  /** Counts the next nodes of a store of earlier versions, `limit` at most. False: there are no more. */
  countSome(limit: number): boolean {
    const { counts, nodes, lists } = this
    const { counted } = counts
    if (counted === true || nodes.size === 0) return false
    counts.sinceMs = this.#sinceMs
    const page = nodes.page(counted ?? separator, behindAllKeys, limit + 1)
    for (const [key, record] of page) {
      if (key === counted) continue
      lists.forgetCreator(key, record)
      const owners = ownersOf(record)
      const node = owners[0] === undefined ? undefined : lists.nameOf(key, owners[0])
      // A damaged entry costs its node alone.
      if (node !== undefined) this.#countOwners(key, node, [], owners)
    }
    const last = page.length > limit ? page.at(-1)?.[0] : undefined
    counts.counted = last ?? true
    return last !== undefined
  }

  #isCounted(key: string): boolean {
    const { counted } = this.counts
    return counted === true || (counted !== undefined && compareKeys(key, counted) <= 0)
  }

  #countOwners(key: string, node: string, before: readonly string[], after: readonly string[]): void {
    for (const owner of before) if (!after.includes(owner)) this.lists.removeOwner(key, owner)
    for (const owner of after) if (!before.includes(owner)) this.lists.addOwner(key, node, owner)
    const [oldHosts, newHosts] = [hostsOf(before), hostsOf(after)]
    for (const host of oldHosts) if (!newHosts.has(host)) this.counts.addToHost(host, -1)
    for (const host of newHosts) if (!oldHosts.has(host)) this.counts.addToHost(host, 1)
  }
}

export function nodeKey(domain: string, node: string): string {
  return keyPart(domain) + separator + keyPart(node)
}

export function ownersOf(record: NodeRecord | undefined): string[] {
  const owners: string[] = []
  for (const [jid, affiliation] of Object.entries(record?.affiliations ?? {})) {
    if (affiliation === 'owner') owners.push(jid)
  }
  return owners
}

function hostsOf(owners: readonly string[]): Set<string> {
  return new Set(owners.map(domainOfBare))
}
