import { utf8Bytes } from '../../../core/cut-text.ts'
import type { NodeRecord } from '../../store/node-ports.ts'

/** Limits on one push node, whose record is read at every publish. Pure. */

/** A name longer than this is refused. Existing ones, of earlier versions, have up to 1023 bytes. */
export const maxNodeNameBytes = 255
export const maxAffiliations = 20
export const maxAffiliationJidBytes = 512
export const maxRecordBytes = 16 * 1024

/** Labels of `limits_hit_total`. */
export type RecordLimit = 'node_record_bytes' | 'node_affiliations' | 'node_affiliation_bytes'

/**
 * The limit that a changed record exceeds. A size that `before` (undefined: a new node) already had is allowed: nodes of
 * earlier versions may be larger, and can be changed as long as they do not grow.
 */
export function limitOfRecord(before: NodeRecord | undefined, after: NodeRecord): RecordLimit | undefined {
  const known = before?.affiliations ?? {}
  const jids = Object.keys(after.affiliations)
  if (jids.length > Math.max(maxAffiliations, Object.keys(known).length)) return 'node_affiliations'
  for (const jid of jids) {
    if (!Object.hasOwn(known, jid) && utf8Bytes(jid) > maxAffiliationJidBytes) return 'node_affiliation_bytes'
  }
  const isGrowing = before === undefined || recordBytes(after) > recordBytes(before)
  return isGrowing && recordBytes(after) > maxRecordBytes ? 'node_record_bytes' : undefined
}

export function textOfRecordLimit(limit: RecordLimit): string {
  switch (limit) {
    case 'node_record_bytes':
      return `a node has at most ${maxRecordBytes} bytes`
    case 'node_affiliations':
      return `a node has at most ${maxAffiliations} affiliations`
    case 'node_affiliation_bytes':
      return `jid: longer than ${maxAffiliationJidBytes} bytes`
  }
}

/** Of all texts in it. */
function recordBytes({ owner, configuration, affiliations, registration }: NodeRecord): number {
  const texts = [owner, registration?.secret ?? '', ...Object.keys(affiliations)]
  for (const pair of Object.entries(configuration)) texts.push(...pair)
  for (const pair of Object.entries(registration?.options ?? {})) texts.push(...pair)
  return texts.reduce((bytes, text) => bytes + utf8Bytes(text), 0)
}
