/** Notes on the files that a sound configuration names: which other users can read or write them. */
import { readFileSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { httpTokenName } from '../http-token.ts'
import { type FileUser, isWritableByOthers, modeOf, ownUser } from '../store/store-place.ts'
import type { NamedFile } from './named-files.ts'

/** One line each. `user`: the daemon's user. */
export function fileNotes(files: readonly NamedFile[], dataDir: string, user: FileUser): string[] {
  const notes: string[] = []
  const token = { path: 'http.token_file', file: join(dataDir, httpTokenName), isSecret: true }
  for (const { path: key, file, isSecret } of [...files, token]) {
    const found = seen(file)
    if (found === undefined) continue
    const path = `${key === '' ? 'the configuration file' : key} ${file}`
    if (isWritableByOthers(found, user.gid)) {
      notes.push(`${path} can be written by others: its mode is ${modeOf(found)}, chmod go-w`)
    } else if (found.uid !== 0 && found.uid !== user.uid) {
      notes.push(`${path} belongs to a user other than root and the daemon’s user, uid ${found.uid}`)
    }
    if (isSecret && isReadableByOthers(found, user.gid)) {
      // With another group, chmod alone would lock out the daemon, and other users may be members of that group.
      const group = found.gid === user.gid ? '' : ` and chgrp it to the daemon’s group, gid ${user.gid}`
      const mode = modeOf(found)
      notes.push(`${path} holds a secret and can be read by others: its mode is ${mode}, chmod 0640${group}`)
    }
  }
  const directory = seen(dataDir)
  if (directory !== undefined && (directory.mode & 0o777) !== 0o700) {
    const path = `data_dir ${dataDir}`
    notes.push(`${path} is open to others: its mode is ${modeOf(directory)}, chmod 0700`)
  }
  return notes
}

/** Undefined: it is not there, or this process may not look. */
function seen(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'ENOTDIR') return undefined
    throw error
  }
}

/** Root's group does not count as other users. */
function isReadableByOthers({ mode, gid: group }: Stats, gid: number): boolean {
  return (mode & 0o004) !== 0 || ((mode & 0o040) !== 0 && group !== gid && group !== 0)
}

/** Folders of systemd units, in order of precedence. */
const unitFolders = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'].map(
  (root) => `${root}/systemd/system`,
)

/**
 * The user that the daemon will run as: the user of this process, unless that is root. For root it is the owner of the data
 * directory or, if the directory does not exist yet, the `User=` of the unit.
 */
export function daemonUser(dataDir: string, folders: readonly string[] = unitFolders): FileUser {
  const own = ownUser()
  if (own.uid !== 0) return own
  const directory = seen(dataDir)
  if (directory !== undefined) return { uid: directory.uid, gid: directory.gid }
  return unitUser(folders) ?? own
}

/** Undefined where there is no unit, or no such user. */
function unitUser(folders: readonly string[]): FileUser | undefined {
  for (const folder of folders) {
    const unit = textOf(`${folder}/xmpp-pushd.service`)
    if (unit === undefined) continue
    const name = [...unit.matchAll(/^User=(\S+)\s*$/gm)].at(-1)?.[1]
    const users =
      textOf('/etc/passwd')
        ?.split('\n')
        .map((line) => line.split(':')) ?? []
    const [, , uid, gid] = users.find(([known]) => known === name) ?? []
    return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
