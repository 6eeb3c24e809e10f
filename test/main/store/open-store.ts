import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { takeDataDirectory } from '../../../src/main/store/data-directory.ts'
import { type Environment, openEnvironment } from '../../../src/main/store/environment.ts'
import type { ListPart, NodeLimits, NodeRecord } from '../../../src/main/store/node-ports.ts'
import { LmdbNodeStore, type NodeStoreOptions } from '../../../src/main/store/nodes.ts'

/** A directory of its own for one test, gone when the test's scope ends. */
export function scratchDirectory(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'xmpp-pushd-store-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export async function openStore(dataDir: string): Promise<Environment> {
  return openEnvironment({ directory: await takeDataDirectory(dataDir), log: pino({ level: 'silent' }) })
}

export function openNodes(environment: Environment, options: Partial<NodeStoreOptions> = {}): LmdbNodeStore {
  const log = pino({ level: 'silent' })
  return new LmdbNodeStore(environment, { ttlMs: 0, nowMs: () => 1_700_000_000_000, log, ...options })
}

export const noLimits: NodeLimits = { perOwner: 1e9, perHost: 1e9, inAll: 1e9 }

/** All of a list. */
export const wholeList: ListPart = { anchor: undefined, backwards: false, limit: 1e6 }

export function nodeRecord(owner: string, change: Partial<NodeRecord> = {}): NodeRecord {
  return {
    owner,
    configuration: { access_model: 'whitelist' },
    affiliations: { [owner]: 'owner' },
    registration: undefined,
    createdAtMs: 1_700_000_000_000,
    usedAtMs: 1_700_000_000_000,
    ...change,
  }
}
