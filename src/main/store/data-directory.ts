import { join } from 'node:path'
import { type DataLock, lockDataDirectory } from './data-lock.ts'
import { checkStoreFile } from './file-check.ts'
import { storeErrorFrom } from './store-error.ts'
import { requireStore } from './store-marker.ts'
import { checkPlace, makeDirectory, ownUser } from './store-place.ts'

/** The data directory, which this process alone works on until the lock is released. */
export interface DataDirectory {
  readonly path: string
  /** The store in it; may not exist yet. */
  readonly storeFile: string
  readonly lock: DataLock
}

/**
 * Takes the directory, and looks at the store in it without opening it. The directory is made when missing, readable by the
 * daemon's user alone.
 * @throws StoreError `locked`, `exposed`, `lost`, `corrupt`, `version`, `permission`, …
 */
export async function takeDataDirectory(path: string): Promise<DataDirectory> {
  const storeFile = join(path, 'store.mdb')
  let lock: DataLock | undefined
  try {
    makeDirectory(path)
    checkPlace(path, ownUser())
    lock = await lockDataDirectory(path, Math.random)
    requireStore(storeFile)
    checkStoreFile(storeFile)
    return { path, storeFile, lock }
  } catch (cause) {
    lock?.release()
    throw storeErrorFrom(cause, `cannot open the store ${storeFile}`)
  }
}
