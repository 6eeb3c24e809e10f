import type { Socket } from 'node:net'

/** Some thirty publishes, about a millisecond. */
const sliceBytes = 16_384
const nothing = Buffer.alloc(0)

/**
 * Hands on what comes in on a socket, of a stream that sends much a slice in each turn of the event loop: between two
 * of them all others have theirs. Without it Node.js hands on as much as two megabytes of one stream at once.
 *
 * While there is a rest the socket is paused.
 */
export class PacedReader {
  readonly #socket: Socket
  readonly #take: (bytes: Uint8Array) => void
  /** Read, and not yet handed on. */
  #rest: Buffer = nothing
  #paused = false
  #goingOn = false
  readonly #goOnBound = () => this.#goOn()
  readonly #readBound = (chunk: Buffer) => this.#read(chunk)

  /** `rest`: what an earlier reader of the socket has read and not handed on; it is handed on in later turns. */
  constructor(socket: Socket, take: (bytes: Uint8Array) => void, rest: Buffer = nothing) {
    this.#socket = socket
    this.#take = take
    this.#rest = rest
    socket.on('data', this.#readBound)
    if (rest.length === 0) {
      socket.resume()
      return
    }
    socket.pause()
    this.#goOnSoon()
  }

  /** Hands nothing on until `resume`. */
  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#rest.length > 0) this.#goOnSoon()
    else if (!this.#goingOn) this.#socket.resume()
  }

  /** Pauses within a slice, of which this was not used. */
  pauseBefore(unused: Uint8Array): void {
    this.#rest = Buffer.concat([unused, this.#rest])
    this.pause()
  }

  /**
   * Ends it, while it is paused: all that was read and not handed on, for a later reader. The socket may read more after this
   * turn of the event loop.
   */
  takeRest(): Buffer {
    // Each read calls our own listener, as any data does.
    while (this.#socket.read() !== null);
    this.#socket.off('data', this.#readBound)
    const rest = this.#rest
    this.#rest = nothing
    return rest
  }

  /** Nothing more comes: hands on the rest at once. */
  finish(): void {
    const rest = this.#rest
    this.#rest = nothing
    if (rest.length > 0) this.#take(rest)
  }

  #read(chunk: Buffer): void {
    if (this.#paused || this.#rest.length > 0) {
      this.#rest = Buffer.concat([this.#rest, chunk])
      return
    }
    if (chunk.length < sliceBytes) {
      this.#take(chunk)
      return
    }
    this.#socket.pause()
    this.#rest = chunk
    this.#takeSlice()
  }

  #takeSlice(): void {
    const slice = this.#rest.subarray(0, sliceBytes)
    this.#rest = this.#rest.subarray(sliceBytes)
    this.#take(slice)
    if (!this.#paused) this.#goOnSoon()
  }

  #goOnSoon(): void {
    if (this.#goingOn) return
    this.#goingOn = true
    setImmediate(this.#goOnBound)
  }

  #goOn(): void {
    this.#goingOn = false
    if (this.#paused || this.#socket.destroyed) return
    if (this.#rest.length > 0) this.#takeSlice()
    else this.#socket.resume()
  }
}
