import { chmodSync, statSync } from 'node:fs'
import { type Database, open, type RootDatabase } from 'lmdb'
import type { Logger } from 'pino'
import type { DataDirectory } from './data-directory.ts'
import type { DataLock } from './data-lock.ts'
import { makeLockFile, makeRoom, probeDisk, sync } from './file-room.ts'
import { StoreError, storeErrorFrom } from './store-error.ts'
import { keepMarker, requireNoMarker, requireStore } from './store-marker.ts'
import { type Codec, Table } from './table.ts'
import { WriteQueue } from './write-queue.ts'

/**
 * The LMDB environment: one file, `store.mdb` in the data directory, with one named database per table.
 *
 * Life: `openEnvironment` opens the file in a directory that this process has taken, and checks whose it is; `table` is
 * called at start for each kind of record; `close` waits for the writes that were taken. Everything
 * runs on the main thread but the transactions themselves, which lmdb runs in libuv's pool.
 *
 * A write that fails within lmdb (3.5) may damage the process's memory. So the file always has room for the next
 * commit, taken from the disk by ourselves; and when a commit has failed, nothing is given to lmdb before the disk has
 * taken a file of ours. When the page could not be written that makes a transaction the newest, LMDB has given up
 * (MDB_PANIC): nothing can be written any more, nor read, and to try often does the same damage. It is closed then, and
 * opened anew when the disk is well.
 */

export interface EnvironmentOptions {
  /** Released when the environment is closed, or cannot be opened. */
  readonly directory: DataDirectory
  readonly log: Logger
}

/** Raised whenever what is stored changes its meaning: an older one is migrated then, a newer one refused. */
export const formatVersion = 2
/** The oldest that this version knows. What is to be migrated is, by the tables that it is in. */
export const oldestFormat = 1
export const formatName = 'xmpp-pushd'
/** Room for tables to come; each costs a few bytes. */
const maxTables = 32
/** While the store is at fault it is tried this often: nobody else may want to write, and it may work again. */
const faultProbeMs = 2_000
/** What a commit makes the file grow by is less, since pages that are free are used first. */
const leastRoomBytes = 262_144
const roomPerChangeBytes = 512
/** Changes that may wait for the disk before writes fail with `busy`: some 50 MB of records. */
const maxWaitingChanges = 100_000

export class Environment implements AsyncDisposable {
  readonly #file: string
  #root: RootDatabase<unknown, string>
  #isClosed = false
  readonly #tables = new Map<string, Table<never>>()
  readonly #lock: DataLock
  readonly #log: Logger
  /** Tables in which an entry was passed over. */
  readonly #damaged = new Set<string>()
  readonly queue: WriteQueue
  readonly #probe: Table<unknown>
  readonly #probeTimer: NodeJS.Timeout

  constructor(file: string, root: RootDatabase<unknown, string>, lock: DataLock, log: Logger) {
    this.#file = file
    this.#root = root
    this.#lock = lock
    this.#log = log
    this.queue = new WriteQueue((puts) => this.#root.batch(puts), maxWaitingChanges, log, {
      prepare: (changes, afterFault) => this.#prepare(changes, afterFault),
      failed: () => this.#closeIfDead(),
    })
    this.#probe = this.table('about', { encode: (value) => value, decode: (stored) => stored }, 0)
    this.#probeTimer = setInterval(() => void this.#tryAgain(), faultProbeMs).unref()
  }

  /** Why the store takes no changes at present; undefined when it does. */
  get fault(): StoreError | undefined {
    return this.queue.fault
  }

  /** Transactions since the store was made. */
  get transactions(): number {
    const { lastTxnId } = this.#root.getStats() as { lastTxnId: number }
    return lastTxnId
  }

  /**
   * @param recentRecords how many decoded values to keep in memory at least; 0: none
   * @param listed whether parts of it are listed and counted, by the first part of its keys
   */
  table<V>(name: string, codec: Codec<V>, recentRecords: number, listed = false): Table<V> {
    const db = openDatabase(this.#root, name)
    const passedOver = (err: StoreError) => this.#passedOver(name, err)
    const table = new Table(db, codec, this.queue, recentRecords, passedOver, listed)
    this.#tables.set(name, table as unknown as Table<never>)
    return table
  }

  /** Settled when all writes that were taken are on disk or have failed, and the directory is free for another. */
  async close(): Promise<void> {
    clearInterval(this.#probeTimer)
    // To close it under a transaction would end the process (a segmentation fault).
    if ((await this.queue.close()) && !this.#isClosed) await this.#root.close()
    this.#lock.release()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Said once: it will be met again and again. */
  #passedOver(table: string, err: StoreError): void {
    if (this.#damaged.has(table)) return
    this.#damaged.add(table)
    this.#log.error({ table, err }, 'an entry of the store cannot be read: it is passed over')
  }

  async #tryAgain(): Promise<void> {
    if (this.queue.fault === undefined) return
    try {
      // Nobody can change anything then, not even we: what a change changes has to be read first.
      await this.#closeIfDead()
      if (this.#isClosed) await this.#reopen()
      await this.queue.write(() => this.#probe.set('recovered', Date.now()))
    } catch {
      // Whether it works is what the queue's fault says.
    }
  }

  #prepare(changes: number, afterFault: boolean): Promise<void> | undefined {
    if (afterFault) return this.#prepareAfterFault(changes)
    const bytes = this.#missingRoomBytes(changes)
    return bytes > 0 ? makeRoom(this.#file, bytes) : undefined
  }

  async #prepareAfterFault(changes: number): Promise<void> {
    await probeDisk(this.#file)
    if (this.#isClosed) throw new StoreError('io', 'cannot write to the store: it is not open again yet')
    await makeRoom(this.#file, this.#missingRoomBytes(changes))
  }

  #missingRoomBytes(changes: number): number {
    const { lastPageNumber, pageSize } = this.#root.getStats() as { lastPageNumber: number; pageSize: number }
    const roomBytes = statSync(this.#file).size - (lastPageNumber + 1) * pageSize
    return leastRoomBytes + changes * roomPerChangeBytes - roomBytes
  }

  async #closeIfDead(): Promise<void> {
    // What was read in this turn can be read on until its end; and we are called from within lmdb.
    await new Promise((resolve) => setTimeout(resolve, 0))
    if (this.#isClosed || isAlive(this.#root)) return
    this.#isClosed = true
    await this.#root.close()
  }

  async #reopen(): Promise<void> {
    await probeDisk(this.#file)
    requireStore(this.#file)
    this.#root = openRoot(this.#file)
    this.#isClosed = false
    for (const [name, table] of this.#tables) table.reopen(openDatabase(this.#root, name))
  }
}

/** @throws StoreError `version`, `corrupt`, `permission`, … */
export async function openEnvironment(options: EnvironmentOptions): Promise<Environment> {
  const {
    directory: { path, storeFile: file, lock },
    log,
  } = options
  let root: RootDatabase<unknown, string> | undefined
  try {
    const isNew = (statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0
    // Where it cannot make a file, lmdb ends the process.
    if (isNew) await probeDisk(file)
    root = openRoot(file)
    checkFormat(root, file)
    // LMDB sees to what is in it, not to its being there.
    if (isNew) sync(path)
    mark(path, log)
    return new Environment(file, root, lock, log)
  } catch (cause) {
    await root?.close()
    lock.release()
    throw storeErrorFrom(cause, `cannot open the store ${file}`)
  }
}

/** The store works without its marker, too: a full disk must not prevent the start. */
function mark(dataDir: string, log: Logger): void {
  try {
    keepMarker(dataDir, formatVersion)
  } catch (err) {
    log.warn({ err }, 'cannot write store.json: if the store is lost, the next start creates an empty one')
  }
}

function isAlive(root: RootDatabase<unknown, string>): boolean {
  try {
    root.getStats()
    return true
  } catch {
    return false
  }
}

function openRoot(file: string): RootDatabase<unknown, string> {
  makeLockFile(file)
  const root = open<unknown, string>(file, {
    noSubdir: true,
    maxDbs: maxTables,
    encoding: 'msgpack',
    // A commit is settled after its fsync. With overlapping syncs it would be settled before, and a
    // power cut could take back what was acknowledged.
    overlappingSync: false,
    // Groups are batches of our own. lmdb's, per turn, leave a rejected promise to nobody when a commit fails.
    eventTurnBatching: false,
  })
  // It holds device tokens and secrets.
  for (const path of [file, `${file}-lock`]) chmodSync(path, 0o600)
  return root
}

/** Values are plain MessagePack, which other programs can read too: no structures shared between records. */
export const valueEncoding = { encoding: 'msgpack', encoder: { useRecords: false } } as const

function openDatabase(root: RootDatabase<unknown, string>, name: string): Database<unknown, string> {
  return root.openDB<unknown, string>(name, valueEncoding)
}

/** Refuses what another version or another program wrote; marks a new file as ours. */
function checkFormat(root: RootDatabase<unknown, string>, file: string): void {
  const foreign = new StoreError(
    'version',
    `${file} was not written by xmpp-pushd: give it another data_dir, or move the file away`,
  )
  const tables = [...root.getKeys({ limit: maxTables })]
  if (tables.length > 0 && !tables.includes('about')) throw foreign
  // Opening a table that does not exist creates it.
  if (tables.length === 0) requireNoMarker(file)
  const about = openDatabase(root, 'about')
  const format = about.get('format')
  // A start that was cut short leaves `about` alone and empty.
  if (format === undefined && tables.length <= 1) {
    requireNoMarker(file)
    about.putSync('format', [formatName, formatVersion])
    return
  }
  if (!Array.isArray(format) || format[0] !== formatName) throw foreign
  if (!isKnownFormat(format[1])) {
    throw new StoreError(
      'version',
      `${file} has format ${format[1]}, this version knows ${formatVersion}: start the version that wrote it`,
    )
  }
  // From now on an earlier version would leave out what it does not know of.
  if (format[1] !== formatVersion) about.putSync('format', [formatName, formatVersion])
}

export function isKnownFormat(format: unknown): format is number {
  return typeof format === 'number' && format >= oldestFormat && format <= formatVersion
}
