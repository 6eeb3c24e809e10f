/** Where the store is: the data directory and the file in it are the daemon's user's alone. */
import { lstatSync, mkdirSync, type Stats } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { StoreError } from './store-error.ts'

/** Whose the files must be. */
export interface FileUser {
  readonly uid: number
  /** Who is in this group may write where the group may. */
  readonly gid: number
}

/** The user that this process runs as. */
export function ownUser(): FileUser {
  const { geteuid, getegid } = process
  if (geteuid === undefined || getegid === undefined) throw new Error('this system knows no users')
  return { uid: geteuid(), gid: getegid() }
}

/** What this process may look at: its own, and as root what belongs to whoever the directory belongs to. */
export function userOf(dataDir: string): FileUser {
  const own = ownUser()
  const found = own.uid === 0 ? statOf(dataDir) : undefined
  return found === undefined ? own : { uid: found.uid, gid: found.gid }
}

/**
 * Makes a directory and those above it that are missing, for this user alone. Node's own `recursive` never ends where
 * the system says of each of them that it is missing, as below `/proc`.
 * @throws what the system says
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

/** Why the directory, or the store in it, is not this user's alone; undefined: they are, or are not there. */
export function dataDirFault(dataDir: string, user: FileUser): string | undefined {
  const fault = placeFault(dataDir, 'directory', user) ?? placeFault(join(dataDir, 'store.mdb'), 'file', user)
  return fault && `data_dir: ${fault}`
}

/** Why a path is not this user's alone, with the mend; undefined: it is, or it is not there. */
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

/** `gid`: the group whose members are no others. */
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
