/**
 * Looks at a store from outside, beside the daemon that works on it or without one: nothing is changed, and the
 * directory's lock not taken. What is seen is one moment of it.
 */
import { chmodSync, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { missing, valueCodecs } from './check-entries.ts'
import { formatName, formatVersion, isKnownFormat, valueEncoding } from './environment.ts'
import { checkStoreFile } from './file-check.ts'
import { makeLockFile, sync } from './file-room.ts'
import { separator } from './keys.ts'
import { StoreError, storeErrorFrom } from './store-error.ts'
import { readMarker, requireStore, type StoreMarker } from './store-marker.ts'
import { checkPlace, type FileUser, userOf } from './store-place.ts'

/** More than there are. */
const maxTables = 32

export interface StoreStats {
  readonly file: string
  readonly format: number
  readonly fileBytes: number
  /** From `store.json`; undefined for a store of a version that did not write it. */
  readonly id: string | undefined
  readonly since: string | undefined
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
  readonly #marker: Partial<StoreMarker>
  /** Opened before anything is read: opening one more ends the transaction that reads go through. */
  readonly #tables: ReadonlyMap<string, Database<unknown, string>>

  /** @throws StoreError `corrupt`, `version`, `permission`, … */
  constructor(dataDir: string) {
    this.file = join(dataDir, 'store.mdb')
    try {
      requireStore(this.file)
      if (!existsSync(this.file)) throw new StoreError('io', `there is no store at ${this.file}`)
      const user = userOf(dataDir)
      checkPlace(dataDir, user)
      checkStoreFile(this.file)
      const root = openReadOnly(this.file, user)
      this.#root = root
      const names = [...root.getKeys({ limit: maxTables })]
      this.#tables = new Map(names.map((name) => [name, root.openDB<unknown, string>(name, valueEncoding)]))
      this.#format = this.#readFormat()
      this.#marker = readMarker(dataDir) ?? {}
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
    const { id, since } = this.#marker
    return { file: this.file, format: this.#format, fileBytes: statSync(this.file).size, id, since, tables }
  }

  get tableNames(): string[] {
    return [...this.#tables.keys()]
  }

  /** Reads a table; what is wrong, each in one line: table, key, fault. A page that is damaged may end the process. */
  *check(table: string): Generator<string> {
    const codec = valueCodecs[table]
    const has = (other: string, key: string) => this.#tables.get(other)?.doesExist(key) === true
    for (const key of this.#tables.get(table)?.getKeys({}) ?? []) {
      const shown = `${table}: ${key.replaceAll(separator, ' / ')}`
      let value: unknown
      try {
        value = codec?.decode(this.#tables.get(table)?.get(key))
      } catch {
        yield `${shown} cannot be read`
        continue
      }
      const lacks = missing(table, key, value, has)
      if (lacks !== undefined) yield `${shown} ${lacks}`
    }
  }

  /** Writes a compact copy, for the daemon's user alone; it can be put in the place of `store.mdb` while no daemon runs. */
  async backup(target: string): Promise<void> {
    if (existsSync(target))
      throw new StoreError('permission', `${target} exists: a backup overwrites nothing`)
    // Under its name only once it is whole.
    const part = `${target}.part`
    try {
      rmSync(part, { force: true })
      await this.#root.backup(part, true)
      chmodSync(part, 0o600)
      checkStoreFile(part)
      sync(part)
      renameSync(part, target)
      sync(dirname(target))
    } catch (cause) {
      rmSync(part, { force: true })
      throw storeErrorFrom(cause, `cannot write the backup ${target}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root.close()
  }

  #readFormat(): number {
    const format = this.#tables.get('about')?.get('format')
    if (!Array.isArray(format) || format[0] !== formatName) {
      throw new StoreError('version', `${this.file} was not written by xmpp-pushd`)
    }
    if (!isKnownFormat(format[1])) {
      throw new StoreError(
        'version',
        `${this.file} has format ${format[1]}, this version knows ${formatVersion}`,
      )
    }
    return format[1]
  }
}

/** `user`: the owner of the lock file. The lock file of another user would keep the daemon from starting. */
function openReadOnly(file: string, user: FileUser): RootDatabase<unknown, string> {
  makeLockFile(file, user)
  return open<unknown, string>(file, {
    noSubdir: true,
    readOnly: true,
    maxDbs: maxTables,
    encoding: 'msgpack',
  })
}
