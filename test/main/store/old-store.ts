import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'vitest'
import type { NodeRecord } from '../../../src/main/store/node-ports.ts'
import { ownersOf } from '../../../src/main/store/node-tables.ts'
import type { LmdbNodeStore } from '../../../src/main/store/nodes.ts'
import { wholeList } from './open-store.ts'

export const oldDomain = 'push.example.com'
/** How many nodes there are in it. */
export const oldNodes = 708

const names = [
  ...Array.from({ length: 700 }, (_, i) => `n${String(i).padStart(4, '0')}`),
  "'".repeat(1015),
  'a\x01b',
  '日本',
  'given',
  'shared',
  'crowded',
  'registered',
  // Made since.
  'new',
  '0',
  'z',
]

/** Puts a store of an earlier version (test/fixtures/stores) into a data directory. */
export function placeOldStore(dataDir: string): void {
  const packed = readFileSync(new URL('../../fixtures/stores/format-1.mdb.gz', import.meta.url))
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  writeFileSync(join(dataDir, 'store.mdb'), gunzipSync(packed), { mode: 0o600 })
}

/** Lists and counts are those that the records say. */
export function expectCountsOf(nodes: LmdbNodeStore): void {
  const owned = new Map<string, string[]>()
  const hosts = new Map<string, number>()
  const note = (record: NodeRecord | undefined, node: string) => {
    const owners = ownersOf(record)
    for (const jid of owners) owned.set(jid, [...(owned.get(jid) ?? []), node])
    for (const host of new Set(owners.map((jid) => jid.slice(jid.indexOf('@') + 1)))) {
      hosts.set(host, (hosts.get(host) ?? 0) + 1)
    }
  }
  for (const name of names) note(nodes.get(oldDomain, name), name)
  for (const [jid, expected] of owned) {
    const { entries, count } = nodes.ownedBy(oldDomain, jid, wholeList)
    expect(entries.map(({ node }) => node).sort(), jid).toEqual(expected.sort())
    expect(count).toBe(expected.length)
    const all = nodes.affiliationsOf(oldDomain, jid, wholeList)
    expect(all.count, jid).toBe(all.entries.length)
  }
  // One more on another domain.
  hosts.set('example.com', (hosts.get('example.com') ?? 0) + 1)
  for (const [host, expected] of hosts) expect(nodes.countOfHost(host), host).toBe(expected)
}
