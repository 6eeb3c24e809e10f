/** The place of the store: the data directory and the file in it must belong to the daemon's user alone. */
import { lstatSync, mkdirSync, type Stats } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { StoreError } from './store-error.ts'

/** The user that must own the files. */
export interface FileUser {
  readonly uid: number
  /** Members of this group may have write permission. */
  readonly gid: number
}

/** The user that this process runs as. */
export function ownUser(): FileUser {
  const { geteuid, getegid } = process
  if (geteuid === undefined || getegid === undefined) throw new Error('this system knows no users')
  return { uid: geteuid(), gid: getegid() }
}

/** The owner that files must have: the user of this process or, for root, the owner of the directory. */
export function userOf(dataDir: string): FileUser {
  const own = ownUser()
  const found = own.uid === 0 ? statOf(dataDir) : undefined
  return found === undefined ? own : { uid: found.uid, gid: found.gid }
}

/**
 * Creates a directory and its missing parents, for this user only. Node's own `recursive` does not end where the system
 * reports every directory as missing, as below `/proc`.
 * @throws the system's error
 */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    const parent = dirname(path)
    if (code !== 'ENOENT' || parent === path) throw error
    makeDirectory(parent)
    mkdirSync(path, { mode: 0o700 })
  }
}

/** @throws StoreError `exposed` where there is a fault (`dataDirFault`) */
export function checkPlace(dataDir: string, user: FileUser): void {
  const fault = dataDirFault(dataDir, user)
  if (fault !== undefined) throw new StoreError('exposed', fault)
}

/** Why the directory or the store in it does not belong to this user alone; undefined: both do, or do not exist. */
export function dataDirFault(dataDir: string, user: FileUser): string | undefined {
  const fault = placeFault(dataDir, 'directory', user) ?? placeFault(join(dataDir, 'store.mdb'), 'file', user)
  return fault && `data_dir: ${fault}`
}

/** Why a path does not belong to this user alone, and what to do; undefined: it does, or does not exist. */
export function placeFault(
  path: string,
  kind: 'directory' | 'file',
  { uid, gid }: FileUser,
): string | undefined {
  // With a slash at its end, the system would follow a link.
  const exact = resolve(path)
  let found: Stats | undefined
  try {
    found = statOf(exact)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTDIR') return `${exact} has a file in its path where a directory has to be`
    if (code !== 'EACCES') throw error
    return `${exact} cannot be seen by the user with uid ${uid}: run this as root or as the daemon's user`
  }
  if (found === undefined) return undefined
  if (found.isSymbolicLink()) {
    const mend = kind === 'directory' ? 'name the directory that it points to' : 'put the file itself there'
    return `${exact} is a symbolic link: ${mend}`
  }
  if (kind === 'directory' ? !found.isDirectory() : !found.isFile()) return `${exact} is not a ${kind}`
  if (found.uid !== uid) {
    const mend = "chown it to the daemon's user, or run this as the daemon's user"
    return `${exact} belongs to the user with uid ${found.uid}, and this runs for the user with uid ${uid}: ${mend}`
  }
  if (!isWritableByOthers(found, gid)) return undefined
  return `${exact} can be written by others (mode ${modeOf(found)}): chmod go-w`
}

/** `gid`: the group whose members do not count as others. */
export function isWritableByOthers({ mode, gid: group }: Stats, gid: number): boolean {
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && group !== gid)
}

/** As `chmod` takes it: `0750`. */
export function modeOf({ mode }: Stats): string {
  return `0${(mode & 0o777).toString(8).padStart(3, '0')}`
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}
