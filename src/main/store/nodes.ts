import type { Environment } from './environment.ts'
import { keyPart, separator } from './keys.ts'
import { affiliationLetter, affiliationOf, nodeCodec } from './node-codec.ts'
import type { Affiliation, NodeRecord, NodeStore } from './ports.ts'
import type { Codec, Table } from './table.ts'

/**
 * Push nodes in LMDB.
 *
 *   nodes         domain, node        → the record
 *   affiliations  jid, domain, node   → a Mark: whoever has to do with the node, and how
 *
 * A node has a mark for each JID in its affiliations and one for its creator, who is counted against
 * the limit even after giving the node away. Both tables change in one transaction.
 *
 * Reads see every change at once, before it is on disk; a promise settles when it is. So what arrives
 * behind a `create` on the same stream finds the node, and of two creates the first wins.
 */

interface Mark {
  /** The node's name: its key may be a hash. */
  readonly node: string
  /** undefined: the creator, no longer affiliated. */
  readonly affiliation: Affiliation | undefined
  readonly isCreator: boolean
}

export const markCodec: Codec<Mark> = {
  encode: ({ node, affiliation, isCreator }) => [
    node,
    affiliation === undefined ? '' : affiliationLetter(affiliation),
    isCreator,
  ],
  decode(stored) {
    const [node, letter, isCreator] = stored as [string, string, boolean]
    return { node, affiliation: letter === '' ? undefined : affiliationOf(letter), isCreator }
  },
}

/** Decoded records kept at hand: about 1 KiB each. More of them grow old with V8 before they are replaced. */
const recentNodes = 2048

export class LmdbNodeStore implements NodeStore {
  readonly #environment: Environment
  readonly #nodes: Table<NodeRecord>
  readonly #marks: Table<Mark>

  constructor(environment: Environment) {
    this.#environment = environment
    this.#nodes = environment.table('nodes', nodeCodec, recentNodes)
    this.#marks = environment.table('affiliations', markCodec, 0)
  }

  get(domain: string, node: string): NodeRecord | undefined {
    return this.#nodes.get(nodeKey(domain, node))
  }

  create(
    domain: string,
    node: string,
    record: NodeRecord,
    maxPerOwner: number,
  ): Promise<'created' | 'exists' | 'limit'> {
    const key = nodeKey(domain, node)
    return this.#environment.queue.write(() => {
      if (this.#nodes.has(key)) return 'exists'
      if (this.#createdBy(record.owner, domain) >= maxPerOwner) return 'limit'
      this.#replace(key, node, undefined, record)
      return 'created'
    })
  }

  update(
    domain: string,
    node: string,
    change: (record: NodeRecord) => NodeRecord | undefined,
  ): Promise<boolean> {
    const key = nodeKey(domain, node)
    return this.#environment.queue.write(() => {
      const record = this.#nodes.get(key)
      if (record === undefined) return false
      const changed = change(record)
      if (changed !== undefined) this.#replace(key, node, record, changed)
      return true
    })
  }

  remove(domain: string, node: string): Promise<boolean> {
    const key = nodeKey(domain, node)
    return this.#environment.queue.write(() => {
      const record = this.#nodes.get(key)
      if (record === undefined) return false
      this.#replace(key, node, record, undefined)
      return true
    })
  }

  affiliationsOf(domain: string, jid: string): { node: string; affiliation: Affiliation }[] {
    const found: { node: string; affiliation: Affiliation }[] = []
    for (const [, { node, affiliation }] of this.#marks.entriesUnder(ownerPrefix(jid, domain))) {
      if (affiliation !== undefined) found.push({ node, affiliation })
    }
    return found.sort((a, b) => (a.node < b.node ? -1 : 1))
  }

  /**
   * The JID's affiliations with nodes that have other owners go too: whoever gets that account next
   * must not inherit them.
   */
  removeOwnedBy(owner: string, domains: Iterable<string>): Promise<number> {
    return this.#environment.queue.write(() => {
      let removed = 0
      for (const domain of domains) removed += this.#removeOwned(owner, domain)
      return removed
    })
  }

  count(): number {
    return this.#nodes.size
  }

  #removeOwned(owner: string, domain: string): number {
    let removed = 0
    const beforeKey = keyPart(owner).length + separator.length
    for (const [markKey, { node, affiliation }] of this.#marks.entriesUnder(ownerPrefix(owner, domain))) {
      const key = markKey.slice(beforeKey)
      const record = this.#nodes.get(key)
      if (record === undefined || affiliation === undefined) continue
      const others = without(record, owner)
      if (affiliation !== 'owner' || Object.values(others.affiliations).includes('owner')) {
        this.#replace(key, node, record, others)
      } else {
        this.#replace(key, node, record, undefined)
        removed++
      }
    }
    return removed
  }

  #createdBy(jid: string, domain: string): number {
    let count = 0
    for (const [, mark] of this.#marks.entriesUnder(ownerPrefix(jid, domain))) if (mark.isCreator) count++
    return count
  }

  /** Puts `after` (undefined: nothing) in the place of `before`, with the marks that belong to it. */
  #replace(key: string, node: string, before: NodeRecord | undefined, after: NodeRecord | undefined): void {
    const marks = after === undefined ? new Map<string, Mark>() : marksOf(node, after)
    if (before !== undefined) {
      for (const jid of marksOf(node, before).keys()) {
        if (!marks.has(jid)) this.#marks.delete(markKey(jid, key))
      }
    }
    for (const [jid, mark] of marks) this.#marks.set(markKey(jid, key), mark)
    if (after === undefined) this.#nodes.delete(key)
    else this.#nodes.set(key, after)
  }
}

function nodeKey(domain: string, node: string): string {
  return keyPart(domain) + separator + keyPart(node)
}

function markKey(jid: string, key: string): string {
  return keyPart(jid) + separator + key
}

function ownerPrefix(jid: string, domain: string): string {
  return keyPart(jid) + separator + keyPart(domain) + separator
}

function marksOf(node: string, { owner, affiliations }: NodeRecord): Map<string, Mark> {
  const marks = new Map<string, Mark>([[owner, { node, affiliation: undefined, isCreator: true }]])
  for (const [jid, affiliation] of Object.entries(affiliations)) {
    marks.set(jid, { node, affiliation, isCreator: jid === owner })
  }
  return marks
}

function without(record: NodeRecord, jid: string): NodeRecord {
  const affiliations: Record<string, Affiliation> = Object.create(null)
  for (const [other, affiliation] of Object.entries(record.affiliations)) {
    if (other !== jid) affiliations[other] = affiliation
  }
  return { ...record, affiliations }
}
