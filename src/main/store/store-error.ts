/**
 * Why the store could not do something:
 * - `locked`: another daemon works on this data directory
 * - `version`: written by a newer xmpp-pushd, or by another program
 * - `corrupt`: not a store, or damaged
 * - `lost`: there was a store, and its file is missing or empty
 * - `exposed`: the data directory or the store belongs to another user, or others can write to it
 * - `full`: the store has reached a limit of the database or of the address space
 * - `no-space`: the disk, or its quota, is full
 * - `busy`: too many changes wait for the disk
 * - `io`: the disk failed
 * - `permission`: the daemon's user may not read or write there
 * - `closed`: the store was closed
 */
export type StoreErrorCode =
  | 'locked'
  | 'version'
  | 'corrupt'
  | 'lost'
  | 'exposed'
  | 'full'
  | 'no-space'
  | 'busy'
  | 'io'
  | 'permission'
  | 'closed'

/** Whether the same call may succeed later, without the operator replacing the store. */
export const transientStoreErrors = {
  locked: true,
  version: false,
  corrupt: false,
  lost: false,
  exposed: false,
  full: true,
  'no-space': true,
  busy: true,
  io: true,
  permission: false,
  closed: false,
} satisfies Record<StoreErrorCode, boolean>

/** Every failure of the store. The text says what was tried and what may help. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  readonly transient: boolean

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.transient = transientStoreErrors[code]
  }
}

/** Codes that LMDB and the system give (`errno` as a number from LMDB, by name from Node). */
const codes = new Map<number | string, StoreErrorCode>([
  [-30797, 'corrupt'], // MDB_PAGE_NOTFOUND
  [-30796, 'corrupt'], // MDB_CORRUPTED
  [-30795, 'io'], // MDB_PANIC: a meta page could not be written
  [-30794, 'version'], // MDB_VERSION_MISMATCH
  [-30793, 'corrupt'], // MDB_INVALID
  [-30792, 'full'], // MDB_MAP_FULL
  [-30791, 'full'], // MDB_DBS_FULL
  [-30790, 'full'], // MDB_READERS_FULL
  [-30788, 'full'], // MDB_TXN_FULL
  [-30785, 'full'], // MDB_MAP_RESIZED
  [-30784, 'version'], // MDB_INCOMPATIBLE
  [-30778, 'corrupt'], // MDB_BAD_CHECKSUM
  [1, 'permission'], // EPERM
  [5, 'io'], // EIO
  [12, 'full'], // ENOMEM: no address space for a larger map
  [13, 'permission'], // EACCES
  [27, 'full'], // EFBIG
  [28, 'no-space'], // ENOSPC
  [30, 'permission'], // EROFS
  [122, 'no-space'], // EDQUOT
  ['EPERM', 'permission'],
  ['EACCES', 'permission'],
  ['EROFS', 'permission'],
  ['ENOSPC', 'no-space'],
  ['EDQUOT', 'no-space'],
  ['ENOTDIR', 'permission'],
])

const advice = {
  locked: 'stop the other daemon, or give this one its own data_dir',
  version: 'start the version that wrote it, or give this one an empty data_dir',
  corrupt: 'restore a backup; or move the file and store.json away, to start with an empty store',
  lost: 'restore a backup; or delete store.json, to start with an empty store',
  exposed: "make the daemon's user the owner of data_dir and store.mdb, and let no one else write to them",
  full: 'the store cannot grow: look at the limits on memory (address space) and file size',
  'no-space': 'free space on the disk of data_dir',
  busy: 'the disk is too slow for the changes that come in',
  io: 'look at the disk of data_dir (is it full?) and at the system log',
  permission: "let the daemon's user read and write data_dir",
  closed: 'the daemon is stopping',
} satisfies Record<StoreErrorCode, string>

/**
 * A failure of LMDB, of the file system or of a decoder as a StoreError.
 * @param doing what failed, as the beginning of a sentence: `cannot open /var/lib/…`
 */
export function storeErrorFrom(cause: unknown, doing: string): StoreError {
  if (cause instanceof StoreError) return cause
  const given = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const code = typeof given === 'number' || typeof given === 'string' ? (codes.get(given) ?? 'io') : 'io'
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StoreError(code, `${doing}: ${why}; ${advice[code]}`, { cause })
}
