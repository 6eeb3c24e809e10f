/** The file of a unix socket that a server listens on. */
import { once } from 'node:events'
import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname, join } from 'node:path'

/**
 * Listens at this path; only its owner and its group may connect, whatever the umask. The file stays when the server closes: it
 * is removed by `removeSocketFile`, unless another process goes on listening there. Rejects with the system's error.
 */
export async function listenOnSocketFile(server: Server, path: string): Promise<void> {
  // Closing removes the name that was listened on, whoever listens there then.
  const hidden = join(dirname(path), `.${process.pid}`)
  for (const name of [hidden, path]) await removeStaleSocket(name)
  server.listen(hidden)
  await once(server, 'listening')
  chmodSync(hidden, 0o660)
  renameSync(hidden, path)
}

export function removeSocketFile(path: string): void {
  rmSync(path, { force: true })
}

/**
 * A daemon that was killed leaves its socket file behind; one that lives still answers on it. Rejects with EADDRINUSE when the
 * name is taken by anything else.
 */
async function removeStaleSocket(path: string): Promise<void> {
  const taken = lstatSync(path, { throwIfNoEntry: false })
  if (taken === undefined) return
  if (!taken.isSocket() || (await answers(path))) {
    throw Object.assign(new Error(`listen EADDRINUSE: ${path} is in use`), { code: 'EADDRINUSE' })
  }
  rmSync(path)
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path)
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.once('connect', () => resolve(true))
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  const isInUse = await promise
  socket.destroy()
  return isInUse
}
