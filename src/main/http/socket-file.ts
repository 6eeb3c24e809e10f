/** The file of a unix socket that a server listens on. */
import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { connect } from 'node:net'

/** A daemon that was killed leaves its socket file behind; one that lives still answers on it. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return
  const socket = connect(path)
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.once('connect', () => resolve(true))
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  const inUse = await promise
  socket.destroy()
  if (!inUse) rmSync(path)
}

/** Allows only its owner and its group to connect, whatever the umask. */
export function openSocketFile(path: string): void {
  chmodSync(path, 0o660)
}
