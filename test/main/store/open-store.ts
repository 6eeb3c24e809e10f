import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Environment, openEnvironment } from '../../../src/main/store/environment.ts'
import type { NodeRecord } from '../../../src/main/store/ports.ts'

/** A directory of its own for one test, gone when the test's scope ends. */
export function scratchDirectory(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'xmpp-pushd-store-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export function openStore(dataDir: string): Promise<Environment> {
  return openEnvironment({ dataDir, log: pino({ level: 'silent' }) })
}

export function nodeRecord(owner: string, change: Partial<NodeRecord> = {}): NodeRecord {
  return {
    owner,
    configuration: { access_model: 'whitelist' },
    affiliations: { [owner]: 'owner' },
    registration: undefined,
    createdAtMs: 1_700_000_000_000,
    ...change,
  }
}
