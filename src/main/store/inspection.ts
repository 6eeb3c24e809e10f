/**
 * Looks at a store from outside, beside the daemon that works on it or without one: nothing is changed, and the
 * directory's lock not taken. What is seen is one moment of it.
 */
import { chmodSync, chownSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { formatName, formatVersion, valueEncoding } from './environment.ts'
import { checkStoreFile } from './file-check.ts'
import { nodeCodec } from './node-codec.ts'
import { dueKey, pushCodec } from './outbox.ts'
import type { StoredPush } from './ports.ts'
import { StoreError, storeErrorFrom } from './store-error.ts'
import { subscriptionCodec } from './subscription-codec.ts'

/** More than there are. */
const maxTables = 32

export interface StoreStats {
  readonly file: string
  readonly format: number
  readonly fileBytes: number
  readonly tables: Readonly<Record<string, TableStats>>
}

export interface TableStats {
  readonly entries: number
  readonly bytes: number
}

interface LmdbStats {
  readonly entryCount: number
  readonly pageSize: number
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

export class StoreInspection implements AsyncDisposable {
  readonly file: string
  readonly #root: RootDatabase<unknown, string>
  readonly #format: number
  /** Opened before anything is read: opening one more ends the transaction that reads go through. */
  readonly #tables: ReadonlyMap<string, Database<unknown, string>>

  /** @throws StoreError `corrupt`, `version`, `permission`, … */
  constructor(dataDir: string) {
    this.file = join(dataDir, 'store.mdb')
    try {
      if (!existsSync(this.file)) throw new StoreError('io', `there is no store at ${this.file}`)
      checkStoreFile(this.file)
      const root = openReadOnly(this.file)
      this.#root = root
      const names = [...root.getKeys({ limit: maxTables })]
      this.#tables = new Map(names.map((name) => [name, root.openDB<unknown, string>(name, valueEncoding)]))
      this.#format = this.#readFormat()
    } catch (cause) {
      throw storeErrorFrom(cause, `cannot open the store ${this.file}`)
    }
  }

  stats(): StoreStats {
    const tables: Record<string, TableStats> = {}
    for (const [name, table] of this.#tables) {
      const stats = table.getStats() as LmdbStats
      const pages = stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages
      tables[name] = { entries: stats.entryCount, bytes: pages * stats.pageSize }
    }
    return { file: this.file, format: this.#format, fileBytes: statSync(this.file).size, tables }
  }

  /** Reads everything; what is wrong, each in one line. Empty: nothing. */
  check(): string[] {
    const faults: string[] = []
    for (const [name, table] of this.#tables) {
      try {
        for (const { key, value } of table.getRange({})) this.#checkEntry(name, key, value, faults)
      } catch (cause) {
        faults.push(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`)
      }
    }
    return faults
  }

  /** Writes a compact copy, for the daemon's user alone; it can be put in the place of `store.mdb` while no daemon runs. */
  async backup(target: string): Promise<void> {
    if (existsSync(target))
      throw new StoreError('permission', `${target} exists: a backup overwrites nothing`)
    try {
      await this.#root.backup(target, true)
      chmodSync(target, 0o600)
      checkStoreFile(target)
    } catch (cause) {
      throw storeErrorFrom(cause, `cannot write the backup ${target}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root.close()
  }

  #checkEntry(table: string, key: string, value: unknown, faults: string[]): void {
    switch (table) {
      case 'nodes':
        nodeCodec.decode(value)
        return
      case 'subscriptions':
        subscriptionCodec.decode(value)
        return
      case 'outbox':
        this.#checkPush(key, pushCodec.decode(value), faults)
        return
      case 'outbox_due':
        if (!this.#has('outbox', key.slice(-idLength))) faults.push(`outbox_due: ${key} stands for no push`)
        return
    }
  }

  #checkPush(id: string, push: StoredPush, faults: string[]): void {
    if (!this.#has('outbox_due', dueKey(push, id))) faults.push(`outbox: ${id} is never due`)
  }

  #has(table: string, key: string): boolean {
    return this.#tables.get(table)?.doesExist(key) === true
  }

  #readFormat(): number {
    const format = this.#tables.get('about')?.get('format')
    if (!Array.isArray(format) || format[0] !== formatName) {
      throw new StoreError('version', `${this.file} was not written by xmpp-pushd`)
    }
    if (format[1] !== formatVersion) {
      throw new StoreError(
        'version',
        `${this.file} has format ${format[1]}, this version knows ${formatVersion}`,
      )
    }
    return formatVersion
  }
}

const idLength = 14

function openReadOnly(file: string): RootDatabase<unknown, string> {
  const lockFile = `${file}-lock`
  const isNew = !existsSync(lockFile)
  const root = open<unknown, string>(file, {
    noSubdir: true,
    readOnly: true,
    maxDbs: maxTables,
    encoding: 'msgpack',
  })
  if (isNew && existsSync(lockFile)) {
    // Somebody else's lock file would keep the daemon out.
    const { uid, gid } = statSync(file)
    chmodSync(lockFile, 0o600)
    if (process.getuid?.() === 0) chownSync(lockFile, uid, gid)
  }
  return root
}
