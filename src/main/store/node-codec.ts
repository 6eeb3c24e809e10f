import type { Affiliation, NodeRecord, NodeRegistration } from './node-ports.ts'
import { StoreError } from './store-error.ts'
import type { Codec } from './table.ts'

/**
 * A node as it is stored: an array, its first element the layout's number; names and values alternate
 * in flat arrays. Fields are added at the end.
 */

const layout = 1

/** Both ways, and nothing but this knows the letters. */
const letters = {
  owner: 'o',
  publisher: 'p',
  'publish-only': 'y',
  outcast: 'x',
} satisfies Record<Affiliation, string>
const affiliations = new Map<unknown, Affiliation>(
  (Object.keys(letters) as Affiliation[]).map((affiliation) => [letters[affiliation], affiliation]),
)

export function affiliationLetter(affiliation: Affiliation): string {
  return letters[affiliation]
}

/** @throws StoreError `corrupt` */
export function affiliationOf(letter: unknown): Affiliation {
  return affiliations.get(letter) ?? damaged('an affiliation')
}

/** @param unknownUseMs when nodes were last used whose record does not say so: those of earlier versions */
export function nodeCodec(unknownUseMs: number): Codec<NodeRecord> {
  return {
    encode: encodeNode,
    decode: (stored) => decodeNode(stored, unknownUseMs),
  }
}

function encodeNode(record: NodeRecord): unknown {
  const { owner, configuration, affiliations, registration, createdAtMs, usedAtMs } = record
  const affiliated = Object.entries(affiliations).flatMap(([jid, affiliation]) => [jid, letters[affiliation]])
  const registered =
    registration === undefined ? null : [registration.secret, Object.entries(registration.options).flat()]
  return [layout, owner, createdAtMs, Object.entries(configuration).flat(), affiliated, registered, usedAtMs]
}

function decodeNode(stored: unknown, unknownUseMs: number): NodeRecord {
  if (!Array.isArray(stored) || stored[0] !== layout) return damaged('a node')
  const [, owner, createdAtMs, configuration, affiliated, registered, usedAtMs] = stored
  return {
    owner: text(owner),
    configuration: named(configuration, text),
    affiliations: named(affiliated, affiliationOf),
    registration: registered === null ? undefined : registration(registered),
    createdAtMs: time(createdAtMs),
    usedAtMs: usedAtMs === undefined ? Math.max(time(createdAtMs), unknownUseMs) : time(usedAtMs),
  }
}

function time(stored: unknown): number {
  return typeof stored === 'number' ? stored : damaged('a time')
}

function registration(stored: unknown): NodeRegistration {
  if (!Array.isArray(stored)) return damaged('a registration')
  return { secret: text(stored[0]), options: named(stored[1], text) }
}

/**
 * Without a prototype: the names are JIDs and variables that users choose, `constructor` among them,
 * and a lookup must find only what was stored.
 */
function named<T>(flat: unknown, value: (stored: unknown) => T): Record<string, T> {
  if (!Array.isArray(flat)) return damaged('a list of names')
  const record: Record<string, T> = Object.create(null)
  for (let i = 0; i + 1 < flat.length; i += 2) record[text(flat[i])] = value(flat[i + 1])
  return record
}

function text(stored: unknown): string {
  return typeof stored === 'string' ? stored : damaged('a text')
}

/** @throws StoreError `corrupt`, always */
export function damaged(what: string): never {
  throw new StoreError('corrupt', `the store holds ${what} that cannot be read: restore a backup`)
}
