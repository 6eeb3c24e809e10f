import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoadedConfig, loadConfig } from '../../../src/main/config/load.ts'

/** A folder with what configurations in these tests name: removed when the test process ends. */
export const dir = mkdtempSync(join(tmpdir(), 'pushd-config-'))
process.once('exit', () => rmSync(dir, { recursive: true }))
writeFileSync(join(dir, 'secret'), 'from-file\n')
writeFileSync(join(dir, 'empty'), '\n')
writeFileSync(join(dir, 'lines'), 'one\ntwo\n')
writeFileSync(join(dir, 'cred.example'), 'from-systemd')
writeFileSync(join(dir, 'secret_folder.example'), 'from-folder')

export function load(toml: string | Uint8Array, credentials?: string): LoadedConfig {
  const bytes = typeof toml === 'string' ? Buffer.from(toml) : toml
  return loadConfig(bytes, 'pushd.toml', { folder: dir, credentials })
}

export function faultsOf(toml: string | Uint8Array): readonly string[] {
  const loaded = load(toml)
  return loaded.kind === 'faulty' ? loaded.faults : []
}

export function sound(toml: string, credentials?: string) {
  const loaded = load(toml, credentials)
  if (loaded.kind === 'faulty') throw new Error(loaded.faults.join('\n'))
  return loaded
}

/** The notes on a sound configuration but that of push nodes where no host is served: these components have such. */
export function notesOf(toml: string): string[] {
  return sound(toml).notes.filter((note) => !note.startsWith('push.node_owners is'))
}

export const component = '[[component]]\ndomain = "push.example"\nsecret = "hush"\n'
