/**
 * `store.json` in the data directory says that there is a store beside it. When the store is then missing or empty (a
 * disk that is not mounted, a file that was deleted, a copy that broke off), the daemon does not start with a new one.
 *
 * Order: the marker is written after the store is on disk, and gets its name only when it is complete. A start that is
 * interrupted before leaves a store without a marker, like earlier versions: the next start writes the marker.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { sync } from './file-room.ts'
import { StoreError } from './store-error.ts'

export interface StoreMarker {
  /** The random id of this store. */
  readonly id: string
  readonly format: number
  /** When the store was made, or first opened by a version that writes markers: ISO 8601. */
  readonly since: string
}

/** Undefined: there is no marker. A marker that cannot be read still shows that there was a store. */
export function readMarker(dataDir: string): Partial<StoreMarker> | undefined {
  let text: string
  try {
    text = readFileSync(markerFile(dataDir), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { id, format, since } = JSON.parse(text) as Record<string, unknown>
    return {
      ...(typeof id === 'string' ? { id } : {}),
      ...(typeof format === 'number' ? { format } : {}),
      ...(typeof since === 'string' && Number.isFinite(Date.parse(since)) ? { since } : {}),
    }
  } catch {
    return {}
  }
}

/** Writes the marker of a store that is on disk, unless it exists. @throws the system's error */
export function keepMarker(dataDir: string, format: number): void {
  const known = readMarker(dataDir)
  if (known?.id !== undefined && known.format === format && known.since !== undefined) return
  const { id = randomUUID(), since = new Date().toISOString() } = known ?? {}
  const file = markerFile(dataDir)
  const part = `${file}.new`
  rmSync(part, { force: true })
  const fd = openSync(part, 'wx', 0o600)
  try {
    writeSync(fd, `${JSON.stringify({ id, format, since } satisfies StoreMarker)}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(part, file)
  sync(dataDir)
}

/** @throws StoreError `lost` where there was a store, and its file is missing or has no length */
export function requireStore(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0) requireNoMarker(file)
}

/** For a store that is empty, without even a format. @throws StoreError `lost` if there was a store before */
export function requireNoMarker(file: string): void {
  const dataDir = dirname(file)
  const marker = readMarker(dataDir)
  if (marker === undefined) return
  const since = marker.since === undefined ? '' : ` since ${marker.since.slice(0, 10)}`
  throw new StoreError(
    'lost',
    `${markerFile(dataDir)} says that there is a store${since}, but ${file} is missing or empty: mount its disk or restore ` +
      `a backup; or, to start with an empty store and without the registrations, delete ${markerFile(dataDir)}`,
  )
}

/** That the store of a data directory is lost, with the mend; undefined: it is not, or this user may not look. */
export function lostStoreFault(dataDir: string): string | undefined {
  try {
    requireStore(join(dataDir, 'store.mdb'))
  } catch (error) {
    if (error instanceof StoreError) return `data_dir: ${error.message}`
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'ENOTDIR') throw error
  }
  return undefined
}

function markerFile(dataDir: string): string {
  return join(dataDir, 'store.json')
}
