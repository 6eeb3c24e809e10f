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

  constructor(socket: Socket, take: (bytes: Uint8Array) => void) {
    this.#socket = socket
    this.#take = take
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
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

  /** Nothing more comes: hands on the rest at once. */
  finish(): void {
    const rest = this.#rest
    this.#rest = nothing
    if (rest.length > 0) this.#take(rest)
  }

  #read(chunk: Buffer): void {
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
