import { type ChildProcess, type SendHandle, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FromOld, type FromSuccessor, fromSuccessor, packed } from './message.ts'

/** The successor cannot take over, or did not in time; the message says why, for people. */
export class HandoverError extends Error {
  override readonly name = 'HandoverError'
}

/**
 * By way of a shell, which ends at once: so the successor is a child of the service manager's from the start. systemd kills a
 * main process that is not its own child, and all beside it, without waiting for their end. The shell tells the process's id.
 */
const launch = '"$@" 4>&- & echo $! >&4'

/** A process that has closed its channel is gone soon. */
const mostGoneMs = 1_000
const goneLookMs = 5
/** It waits for nothing else meanwhile. */
const getMs = 5_000

/** The process that is to take over. */
export class Successor {
  readonly #child: ChildProcess
  readonly #heard: FromSuccessor[] = []
  #listening: (() => void) | undefined
  /** Why nothing more will be heard. */
  #ended: string | undefined
  readonly #over = Promise.withResolvers<void>()
  readonly #pid = Promise.withResolvers<number>()

  /** Starts `command`; its output is ours. */
  constructor(command: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn('/bin/sh', ['-c', launch, 'sh', ...command], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
      env,
      serialization: 'json',
    })
    // Node.js lets the process end once a handle was passed, whatever there is to be heard yet.
    this.#child.channel?.ref()
    this.#child.stdio[4]?.on('data', (text: Buffer) => this.#pid.resolve(Number(text)))
    this.#child.on('message', (message) => this.#hear(message))
    this.#child.on('disconnect', () => this.#end('it ended'))
    this.#child.on('error', (error) => this.#end(error.message))
    // Nobody may have asked for it when it cannot be started.
    this.#pid.promise.catch(() => undefined)
  }

  /** Rejects with a HandoverError when it could not be started. */
  get pid(): Promise<number> {
    return this.#pid.promise
  }

  /** Resolves when it has ended. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  /** The next message, which has to be of this kind. Rejects with a HandoverError when it is not, or not within this time. */
  async next<Kind extends FromSuccessor['kind']>(
    kind: Kind,
    withinMs: number,
  ): Promise<Extract<FromSuccessor, { kind: Kind }>> {
    const message = this.#heard.shift() ?? (await this.#wait(kind, withinMs))
    if (message.kind === 'failed') throw new HandoverError(message.reason)
    if (message.kind !== kind) throw new HandoverError(`it said ${message.kind} in place of ${kind}`)
    return message as Extract<FromSuccessor, { kind: Kind }>
  }

  /** Sends it a connection, or a socket that listens, which stays open here; resolves when it has that. Rejects as `send`. */
  async give(message: FromOld, handle: Socket | Server): Promise<void> {
    await this.send(message, handle)
    await this.next('got', getMs)
  }

  /** Resolves when the operating system has the message, which it is given at once. Rejects with a HandoverError. */
  send(message: FromOld, handle?: Socket | Server): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(new HandoverError(this.#ended))
        return
      }
      this.#child.send(packed(message), handleOf(handle), { keepOpen: true }, (error) => {
        if (error === null) resolve()
        else reject(new HandoverError(error.message))
      })
    })
  }

  /** It is the daemon now: nothing more is heard of it, and this process may end. */
  release(): void {
    if (this.#child.connected) this.#child.disconnect()
  }

  /** Ends it at once, wherever it is; resolves when all that it had open is closed. Never rejects. */
  async kill(): Promise<void> {
    const pid = await this.pid.catch(() => undefined)
    if (pid === undefined) return
    // While its channel is open, the id is still its own.
    if (this.#ended === undefined) process.kill(pid, 'SIGKILL')
    await this.over
    for (let lookMs = 0; lookMs < mostGoneMs && isThere(pid); lookMs += goneLookMs) await sleep(goneLookMs)
  }

  async #wait(kind: string, withinMs: number): Promise<FromSuccessor> {
    const deadlineMs = performance.now() + withinMs
    for (;;) {
      const message = this.#heard.shift()
      if (message !== undefined) return message
      if (this.#ended !== undefined) throw new HandoverError(this.#ended)
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) throw new HandoverError(`it did not say "${kind}" within ${withinMs} ms`)
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#listening = resolve
      const timer = setTimeout(resolve, leftMs)
      await promise
      clearTimeout(timer)
    }
  }

  #hear(value: unknown): void {
    try {
      this.#heard.push(fromSuccessor(value))
    } catch (error) {
      this.#heard.push({ kind: 'failed', reason: `it said what cannot be read: ${String(error)}` })
    }
    this.#listening?.()
  }

  #end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    this.#pid.reject(new HandoverError(reason))
    this.#over.resolve()
    this.#listening?.()
  }
}

/**
 * A listener's own handle: a whole server would accept connections in the other process from its arrival on, whether or not that
 * can serve them.
 */
function handleOf(handle: Socket | Server | undefined): SendHandle | undefined {
  if (handle === undefined || !('listening' in handle)) return handle
  const { _handle: own } = handle as Server & { readonly _handle?: SendHandle }
  if (own === undefined) throw new Error('a server that does not listen cannot be handed over')
  return own
}

/** One that has ended, and that nobody has asked for its exit code, is not. */
export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // The state stands behind the name, which may hold anything, in parentheses.
    return !/\) Z [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
