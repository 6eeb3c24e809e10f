import { closeSync, existsSync, fchownSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { open, rm, writeFile } from 'node:fs/promises'
import type { FileUser } from './store-place.ts'

/** So much at a time. */
const stepBytes = 4 * 1024 * 1024
/** More than a small commit writes. */
const probeBytes = 65_536

/**
 * Makes the store's file longer by so much at least: pages behind those in use, for commits to come. Not while a commit
 * is at the disk.
 * @throws what the system says when it has no more
 */
export async function makeRoom(file: string, bytes: number): Promise<void> {
  const opened = await open(file, 'r+')
  try {
    let { size } = await opened.stat()
    for (const end = size + bytes; size < end; ) {
      const { bytesWritten } = await opened.write(new Uint8Array(stepBytes), 0, stepBytes, size)
      size += bytesWritten
    }
  } finally {
    await opened.close()
  }
}

/** What is in this file, or is made in this folder, outlives a power cut from now on. */
export function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** What LMDB makes of it for 126 readers. */
const lockFileBytes = 8_272

/**
 * Makes LMDB's lock file before LMDB does: that maps one with nothing behind it, and ends the process (a bus error)
 * when the disk is full.
 * @param owner the owner of the file, if it is not this process's user
 * @throws what the system says when it has no room
 */
export function makeLockFile(file: string, owner?: FileUser): void {
  const lockFile = `${file}-lock`
  if (existsSync(lockFile)) return
  // Does not follow a symbolic link that another user may have put there.
  const fd = openSync(lockFile, 'wx', 0o600)
  try {
    writeSync(fd, new Uint8Array(lockFileBytes))
    if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid)
  } catch (error) {
    rmSync(lockFile, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

/** Whether the disk of the store takes a file beside it. @throws what the system says when it does not */
export async function probeDisk(file: string): Promise<void> {
  const probe = `${file}-probe`
  try {
    await writeFile(probe, new Uint8Array(probeBytes), { mode: 0o600, flush: true })
  } finally {
    await rm(probe, { force: true })
  }
}
