import { Socket } from 'node:net'
import type { ListenHandle } from '../http/listening.ts'
import { type FromOld, type FromSuccessor, fromOld, type HandedStream, type ListenerName } from './message.ts'

/** The old daemon gave up, or ended, before all was taken over: this process has nothing to do. */
export class AbandonedError extends Error {
  override readonly name = 'AbandonedError'
}

/** A stream of the old daemon's, with its socket. */
export interface ReceivedStream extends HandedStream {
  readonly socket: Socket
}

/** The daemon that started this process to take over from it. */
export class Predecessor {
  readonly #listeners: Partial<Record<ListenerName, ListenHandle>> = {}
  readonly #streams: ReceivedStream[] = []
  readonly #replaced = Promise.withResolvers<readonly string[]>()
  readonly #retired = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()
  #isOver = false

  /** Undefined: nobody has started this process so. */
  static present(): Predecessor | undefined {
    return process.connected === true ? new Predecessor() : undefined
  }

  private constructor() {
    process.on('message', (message, handle) => {
      try {
        this.#take(fromOld(message), handle)
      } catch (error) {
        this.#abandon(error)
      }
    })
    process.once('disconnect', () => this.#abandon(new AbandonedError('the old daemon has ended')))
    // Nobody may be waiting for them when the old one ends.
    for (const { promise } of [this.#replaced, this.#retired, this.#ended]) promise.catch(() => undefined)
  }

  /** Resolves when it is on its way. */
  say(message: FromSuccessor): Promise<void> {
    return new Promise((resolve) => {
      // An error means that it has ended, which `disconnect` says, too.
      if (process.send === undefined) resolve()
      else process.send(message, undefined, undefined, () => resolve())
    })
  }

  /** Domains whose streams it cannot hand over, and will close where this process has one. Rejects with an AbandonedError. */
  replaced(): Promise<readonly string[]> {
    return this.#replaced.promise
  }

  /** What the old daemon listened on, when it has ended all else. Rejects with an AbandonedError. */
  async listeners(): Promise<Readonly<Partial<Record<ListenerName, ListenHandle>>>> {
    await this.#retired.promise
    return this.#listeners
  }

  /** Its streams, but those that were lost on the way. Rejects with an AbandonedError. */
  async streams(): Promise<readonly ReceivedStream[]> {
    await this.#ended.promise
    return this.#streams.filter(({ socket }) => !socket.destroyed)
  }

  /** All was taken over: its end is of no more interest. It still hears of ours. */
  release(): void {
    this.#isOver = true
    this.#streams.length = 0
  }

  /** This process ends: lets go of what was received and not taken over. */
  leave(): void {
    this.#isOver = true
    for (const { socket } of this.#streams) socket.destroy()
    if (process.connected) process.disconnect()
  }

  #take(message: FromOld, handle: unknown): void {
    switch (message.kind) {
      case 'listener':
        if (typeof handle === 'object' && handle !== null) this.#listeners[message.name] = handle
        void this.say({ kind: 'got' })
        return
      case 'replace':
        this.#replaced.resolve(message.domains)
        return
      case 'retired':
        this.#retired.resolve()
        return
      case 'stream': {
        // Without one when the connection was lost on the way.
        if (handle instanceof Socket) this.#receive({ ...message, socket: handle })
        void this.say({ kind: 'got' })
        return
      }
      case 'end':
        this.#ended.resolve()
        return
    }
    message satisfies never
  }

  #receive(stream: ReceivedStream): void {
    this.#streams.push(stream)
    // Until the stream that goes on listens itself: an error destroys the socket, and a destroyed one is not taken.
    stream.socket.on('error', () => stream.socket.destroy())
  }

  #abandon(error: unknown): void {
    if (this.#isOver) return
    this.#replaced.reject(error)
    this.#retired.reject(error)
    this.#ended.reject(error)
  }
}
