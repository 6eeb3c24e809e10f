/** What is wrong with one entry of the store: for who looks at it from outside. Pure. */
import { type DeadMark, deadCodec, deadTimeKey } from './dead-devices.ts'
import { letterCodec } from './dead-letters.ts'
import { dueKey, dueKeyWithoutDomain, idOf } from './due-times.ts'
import { groupCodec, placesCodec } from './journal.ts'
import { keyPart, separator } from './keys.ts'
import { nodeCodec } from './node-codec.ts'
import { countsCodec } from './node-counts.ts'
import { markCodec, ownedCodec } from './node-lists.ts'
import type { NodeRecord } from './node-ports.ts'
import { idCodec, pushCodec } from './outbox.ts'
import { countCodec, useCodec } from './outbox-use.ts'
import type { StoredPush } from './ports.ts'
import { tokenCodec } from './provider-tokens.ts'
import { publishCodec } from './publishes.ts'
import { subscriptionCodec } from './subscription-codec.ts'

/** Every table, and what reads its values; undefined: they say nothing. */
export const valueCodecs: Readonly<Record<string, { decode(stored: unknown): unknown } | undefined>> = {
  about: undefined,
  affiliations: markCodec,
  dead: deadCodec,
  dead_by_node: undefined,
  dead_by_time: undefined,
  dead_letters: letterCodec,
  journal: groupCodec,
  journal_ended: placesCodec,
  node_counts: countsCodec,
  nodes: nodeCodec(0),
  outbox: pushCodec,
  outbox_domain: countCodec,
  outbox_due: undefined,
  outbox_place: idCodec,
  outbox_use: useCodec,
  owned: ownedCodec,
  provider_tokens: tokenCodec,
  publishes: publishCodec,
  subscriptions: subscriptionCodec,
}

/**
 * What an entry lacks that is never apart from it; undefined: nothing.
 * @param has whether a table has an entry of this key
 */
export function missing(
  table: string,
  key: string,
  value: unknown,
  has: (table: string, key: string) => boolean,
): string | undefined {
  switch (table) {
    case 'nodes': {
      const jids = Object.keys((value as NodeRecord).affiliations)
      const unknown = jids.find((jid) => !has('affiliations', keyPart(jid) + separator + key))
      return unknown === undefined ? undefined : `is not among the nodes of ${unknown}`
    }
    case 'affiliations':
    case 'owned':
      return has('nodes', behind(1, key)) ? undefined : 'belongs to no node'
    case 'dead':
      return has('dead_by_time', deadTimeKey(value as DeadMark, key)) ? undefined : 'is never forgotten'
    case 'dead_by_time':
      return has('dead', behind(1, key)) ? undefined : 'stands for no device'
    case 'dead_by_node':
      return has('dead', behind(2, key)) ? undefined : 'stands for no device'
    case 'journal_ended':
      return has('journal', key) ? undefined : 'belongs to no group'
    case 'outbox': {
      const dueKeys = [dueKey, dueKeyWithoutDomain].map((keyOf) => keyOf(value as StoredPush, key))
      return dueKeys.some((dueKey) => has('outbox_due', dueKey)) ? undefined : 'is never due'
    }
    case 'outbox_due':
      return has('outbox', idOf(key)) ? undefined : 'stands for no push'
    default:
      return undefined
  }
}

/** What is left of a key without its first parts. */
function behind(parts: number, key: string): string {
  return key.split(separator).slice(parts).join(separator)
}
