import { bareJid, domainOfBare, hasResource } from '../../../core/jid.ts'
import type { Affiliation, NodeRecord } from '../../store/node-ports.ts'

/** Who may do what with a push node (XEP-0060 §4.1). Pure. */

/** The affiliation of a JID itself: bare, in normal form. */
export function affiliationOf(record: NodeRecord, bare: string): Affiliation | undefined {
  return Object.hasOwn(record.affiliations, bare) ? record.affiliations[bare] : undefined
}

export function isOwner(record: NodeRecord, bare: string): boolean {
  return affiliationOf(record, bare) === 'owner'
}

/**
 * Whether a publish from this (stamped) address is allowed. A domain's affiliation is that of the domain
 * itself and of whatever its server does in a user's name (an address without a resource), not of its users:
 * else everybody on a server that may publish could. An outcast domain is out with all its users.
 */
export function mayPublish(record: NodeRecord, from: string): boolean {
  const affiliation = affiliationOfSender(record, from)
  if (affiliation === 'outcast') return false
  return affiliation !== undefined || record.configuration.publish_model === 'open'
}

/** Whether the node is shown to this address; others are told that there is none. */
export function maySee(record: NodeRecord, from: string): boolean {
  const affiliation = affiliationOfSender(record, from)
  if (affiliation === 'outcast') return false
  return affiliation !== undefined || record.configuration.access_model === 'open'
}

function affiliationOfSender(record: NodeRecord, from: string): Affiliation | undefined {
  const bare = bareJid(from)
  if (bare === undefined) return 'outcast'
  const own = affiliationOf(record, bare)
  if (own !== undefined) return own
  const theirs = affiliationOf(record, domainOfBare(bare))
  return theirs === 'outcast' || !hasResource(from) ? theirs : undefined
}

/** What an owner asks for: by bare JID, in normal form. */
export type AffiliationChanges = ReadonlyMap<string, Affiliation | 'none'>

/** The record with these changes; undefined: it would have no owner left. */
export function changeAffiliations(record: NodeRecord, changes: AffiliationChanges): NodeRecord | undefined {
  const affiliations = new Map(Object.entries(record.affiliations))
  for (const [jid, affiliation] of changes) {
    if (affiliation === 'none') affiliations.delete(jid)
    else affiliations.set(jid, affiliation)
  }
  if (![...affiliations.values()].includes('owner')) return undefined
  return { ...record, affiliations: Object.fromEntries(affiliations) }
}

/** The record without anybody whose affiliation is for publishing only. */
export function withoutPublishers(record: NodeRecord): NodeRecord {
  const kept = Object.entries(record.affiliations).filter(
    ([, affiliation]) => affiliation === 'owner' || affiliation === 'outcast',
  )
  return { ...record, affiliations: Object.fromEntries(kept) }
}

export function ownersOf(record: NodeRecord): string[] {
  const owners: string[] = []
  for (const [jid, affiliation] of Object.entries(record.affiliations)) {
    if (affiliation === 'owner') owners.push(jid)
  }
  return owners
}
