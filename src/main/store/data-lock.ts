import { randomUUID } from 'node:crypto'
import { closeSync, lstatSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from './store-error.ts'
import { ownUser } from './store-place.ts'

/**
 * One daemon per data directory: LMDB would let several in, but each keeps records in memory.
 *
 * A daemon listens on a Unix socket of its own in the directory; the kernel ends it with the process,
 * however that dies. Whoever starts first shows its own socket, then knocks at all others: one that
 * answers belongs to a living daemon, one that refuses is left over from a dead one and is removed
 * (no other will ever have its name). Two that start together both see the other, or one does: both
 * withdraw and try again after pauses of different length, so never two hold the directory.
 *
 * Sockets of other users are ignored: they could only keep the daemon from starting.
 *
 * It works between containers that share the directory on one machine, not between machines: nor does LMDB.
 */

const pattern = /^lock-.*\.sock$/
const attempts = 5

/** Holds the directory for this process until it is released. */
export interface DataLock {
  release(): void
}

/**
 * @param random 0…1, sets the pauses between attempts
 * @throws StoreError `locked` when another living process has it
 */
export async function lockDataDirectory(directory: string, random: () => number): Promise<DataLock> {
  for (let attempt = 1; ; attempt++) {
    const own = await showSocket(directory)
    let others: boolean
    try {
      others = await someoneElseLives(directory, own.name)
    } catch (error) {
      own.release()
      throw error
    }
    if (!others) return own
    own.release()
    if (attempt === attempts) break
    await sleep(10 + 60 * random())
  }
  throw new StoreError(
    'locked',
    `another xmpp-pushd works on ${directory}: stop it, or give this one its own data_dir`,
  )
}

interface OwnSocket extends DataLock {
  readonly name: string
}

async function showSocket(directory: string): Promise<OwnSocket> {
  const id = `${process.pid}-${randomUUID()}`
  const name = `lock-${id}.sock`
  // Under its final name only once it listens: until then it would refuse, and be taken for dead.
  const hidden = `new-${id}.sock`
  const server = await withShortPath(directory, hidden, listen)
  renameSync(join(directory, hidden), join(directory, name))
  return {
    name,
    release() {
      rmSync(join(directory, name), { force: true })
      server.close()
    },
  }
}

async function someoneElseLives(directory: string, own: string): Promise<boolean> {
  for (const name of readdirSync(directory)) {
    if (!pattern.test(name) || name === own || !isOurs(join(directory, name))) continue
    if (await withShortPath(directory, name, answers)) return true
    rmSync(join(directory, name), { force: true })
  }
  return false
}

/** False if the file was removed meanwhile. */
function isOurs(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.uid === ownUser().uid
}

/** A socket's path holds at most 107 bytes: a longer one is reached through the open directory (Linux). */
async function withShortPath<T>(
  directory: string,
  name: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(directory, name)
  if (Buffer.byteLength(path) <= 100) return use(path)
  const fd = openSync(directory, 'r')
  try {
    return await use(`/proc/self/fd/${fd}/${name}`)
  } finally {
    closeSync(fd)
  }
}

function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  // The lock alone keeps no process running.
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve(server))
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // ENOENT: it went while we looked.
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      // EAGAIN: its queue of visitors is full, so it lives.
      else if (error.code === 'EAGAIN') resolve(true)
      else reject(error)
    })
  })
}
