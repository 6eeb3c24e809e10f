import type { Environment } from './environment.ts'
import { endOfPrefix, keyPart, nameOfPart, separator } from './keys.ts'
import { affiliationLetter, affiliationOf, damaged } from './node-codec.ts'
import type { Affiliation, ListedPart, ListPart, NodeAffiliation, NodeRecord } from './node-ports.ts'
import type { Codec, Table } from './table.ts'

/**
 * Who has to do with which push nodes, in LMDB:
 *
 *   affiliations  jid, domain, node  → a Mark, for each JID in the node's affiliations
 *   owned         jid, domain, node  → an OwnedMark, for each of them that is an owner
 *
 * Anybody may name anybody in a node, and only owners count: `owned` holds nothing that others have a say in, so
 * that what a user owns is counted and listed at a cost of its own.
 *
 * A list is in the order of its keys, which is that of the nodes' names where they are short and free of control
 * characters. So a part of a list costs what is in it, and its place holds while nodes come and go.
 */

export interface Mark {
  /** The node's name: its key may be a hash. */
  readonly node: string
  /** undefined: the creator, no longer affiliated; of earlier versions alone. */
  readonly affiliation: Affiliation | undefined
}

export const markCodec: Codec<Mark> = {
  encode: ({ node, affiliation }) => [node, affiliation === undefined ? '' : affiliationLetter(affiliation)],
  decode(stored) {
    // Earlier versions have a third value, which tells the creator from others.
    if (!Array.isArray(stored) || typeof stored[0] !== 'string') return damaged('an affiliation')
    const [node, letter] = stored
    return { node, affiliation: letter === '' ? undefined : affiliationOf(letter) }
  },
}

/** The node's name; true where its key ends with that. */
type OwnedMark = string | true

export const ownedCodec: Codec<OwnedMark> = {
  encode: (value) => value,
  decode: (stored) =>
    stored === true || typeof stored === 'string' ? stored : damaged('a node of an owner'),
}

/** Longer lists are not counted: each request would cost the whole of them. */
const countedEntries = 1_000
/** Numbers of nodes kept at hand, so that who makes many does not have them counted each time. */
const knownCounts = 1_000
/** More than there are; lmdb counts in 32 bits. */
const mostEntries = 1_000_000_000

export class NodeLists {
  readonly #marks: Table<Mark>
  readonly #owned: Table<OwnedMark>
  /** How many nodes there are, by owner and domain: of those asked for of late. */
  readonly #ownedCounts = new Map<string, number>()
  #generation = 0

  constructor(environment: Environment) {
    this.#marks = environment.table('affiliations', markCodec, 0, true)
    this.#owned = environment.table('owned', ownedCodec, 0, true)
  }

  affiliationsOf(domain: string, jid: string, part: ListPart): ListedPart<NodeAffiliation> {
    return partOf(this.#marks, prefixOf(jid, domain), part, (_, { node, affiliation }) =>
      affiliation === undefined ? undefined : { node, affiliation },
    )
  }

  /** `isComplete`: whether all nodes have their entries in `owned`. */
  ownedBy(domain: string, jid: string, part: ListPart, isComplete: boolean): ListedPart<NodeAffiliation> {
    const prefix = prefixOf(jid, domain)
    if (isComplete) {
      return partOf(this.#owned, prefix, part, (key, value) => ({
        node: value === true ? key.slice(prefix.length) : value,
        affiliation: 'owner',
      }))
    }
    const { entries } = partOf(this.#marks, prefix, part, (_, { node, affiliation }) =>
      affiliation === 'owner' ? { node, affiliation } : undefined,
    )
    return { entries, index: undefined, count: undefined }
  }

  /** How many nodes of a domain the JID owns. */
  countOwnedBy(domain: string, jid: string, isComplete: boolean): number {
    const prefix = prefixOf(jid, domain)
    if (isComplete) return this.#countOwned(prefix)
    let count = 0
    for (const [, { affiliation }] of this.#marks.entriesUnder(prefix)) if (affiliation === 'owner') count++
    return count
  }

  /** Keys of the nodes of a domain that a JID has to do with: `limit` of them behind this one. */
  nodesOf(
    jid: string,
    domain: string,
    after: string | undefined,
    limit: number,
  ): [key: string, mark: Mark][] {
    const ofJid = keyPart(jid) + separator
    const prefix = prefixOf(jid, domain)
    return this.#marks
      .page(after === undefined ? prefix : ofJid + after, endOfPrefix(prefix), limit + 1)
      .map(([key, mark]): [string, Mark] => [key.slice(ofJid.length), mark])
      .filter(([key]) => key !== after)
      .slice(0, limit)
  }

  /** Puts the entries for `after` in the place of those for `before`; undefined: there is no such node. */
  replace(key: string, node: string, before: NodeRecord | undefined, after: NodeRecord | undefined): void {
    const affiliations = after?.affiliations ?? {}
    if (before !== undefined) {
      // The creator has one in stores of earlier versions, affiliated or not.
      for (const jid of [before.owner, ...Object.keys(before.affiliations)]) {
        if (!Object.hasOwn(affiliations, jid)) this.#marks.delete(markKey(jid, key))
      }
    }
    for (const [jid, affiliation] of Object.entries(affiliations)) {
      if (before === undefined || before.affiliations[jid] !== affiliation) {
        this.#marks.set(markKey(jid, key), { node, affiliation })
      }
    }
  }

  addOwner(key: string, node: string, jid: string): void {
    this.#adjustCount(key, jid, 1)
    this.#owned.set(markKey(jid, key), nameIn(key) === undefined ? node : true)
  }

  removeOwner(key: string, jid: string): void {
    if (this.#owned.delete(markKey(jid, key))) this.#adjustCount(key, jid, -1)
  }

  #countOwned(prefix: string): number {
    if (this.#generation !== this.#owned.generation) {
      this.#generation = this.#owned.generation
      this.#ownedCounts.clear()
    }
    let count = this.#ownedCounts.get(prefix)
    if (count === undefined) {
      count = this.#owned.countBetween(prefix, endOfPrefix(prefix), mostEntries)
      if (this.#ownedCounts.size >= knownCounts) this.#ownedCounts.clear()
      this.#ownedCounts.set(prefix, count)
    }
    return count
  }

  #adjustCount(key: string, jid: string, change: 1 | -1): void {
    const prefix = keyPart(jid) + separator + key.slice(0, key.indexOf(separator) + 1)
    const count = this.#ownedCounts.get(prefix)
    if (count !== undefined) this.#ownedCounts.set(prefix, count + change)
  }

  /** The name of a node, also where its key has a hash of it; undefined: the entry of `jid`, who is affiliated with it, is damaged. */
  nameOf(key: string, jid: string): string | undefined {
    return nameIn(key) ?? this.#marks.find(markKey(jid, key))?.node
  }

  /** Removes what earlier versions kept of a creator who has nothing to do with the node any more. */
  forgetCreator(key: string, { owner, affiliations }: NodeRecord): void {
    if (!Object.hasOwn(affiliations, owner)) this.#marks.delete(markKey(owner, key))
  }
}

function partOf<V>(
  table: Table<V>,
  prefix: string,
  { anchor, backwards, limit }: ListPart,
  entryOf: (key: string, value: V) => NodeAffiliation | undefined,
): ListedPart<NodeAffiliation> {
  const end = endOfPrefix(prefix)
  const found: NodeAffiliation[] = []
  let firstKey = end
  let at = anchor === undefined ? undefined : prefix + keyPart(anchor)
  for (let isMore = limit > 0; isMore; ) {
    // One more, since the anchor may be among them.
    const page = backwards
      ? table.page(prefix, at ?? end, limit + 1, true)
      : table.page(at ?? prefix, end, limit + 1)
    for (const [key, value] of page) {
      const entry = key === at ? undefined : entryOf(key, value)
      if (entry === undefined) continue
      if (backwards || found.length === 0) firstKey = key
      if (found.push(entry) === limit) break
    }
    isMore = found.length < limit && page.length > limit
    at = page.at(-1)?.[0]
  }
  const counted = table.countBetween(prefix, end, countedEntries + 1)
  const count = counted > countedEntries ? undefined : counted
  return {
    entries: backwards ? found.reverse() : found,
    index: count === undefined ? undefined : table.countBetween(prefix, firstKey, countedEntries),
    count,
  }
}

/** The node's name, where its key has that. */
function nameIn(key: string): string | undefined {
  return nameOfPart(key.slice(key.indexOf(separator) + 1))
}

function markKey(jid: string, key: string): string {
  return keyPart(jid) + separator + key
}

function prefixOf(jid: string, domain: string): string {
  return keyPart(jid) + separator + keyPart(domain) + separator
}
