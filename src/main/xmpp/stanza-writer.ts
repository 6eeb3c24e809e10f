import type { Writable } from 'node:stream'

/**
 * Batches stanzas: all that one turn of the event loop sends goes out in one write, behind the reads and the
 * outcomes of that turn (`setImmediate`).
 *
 * What the peer does not read is held up to a bound, counted in UTF-16 units, which are the bytes of almost
 * every answer. The bound is the caller's sign that the peer is as good as dead.
 */
export class StanzaWriter {
  readonly #socket: Writable
  readonly #maxUnsentBytes: number
  #batch = ''
  #scheduled = false
  readonly #onImmediate = () => {
    this.#scheduled = false
    this.flush()
  }

  constructor(socket: Writable, maxUnsentBytes: number) {
    this.#socket = socket
    this.#maxUnsentBytes = maxUnsentBytes
  }

  /** Queues a stanza. False, and it is not queued, when the bound would be passed. */
  send(stanza: string): boolean {
    const unsent = this.#batch.length + this.#socket.writableLength
    if (unsent + stanza.length > this.#maxUnsentBytes) return false
    this.#batch += stanza
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(this.#onImmediate)
    }
    return true
  }

  /** Writes what is queued, now. */
  flush(): void {
    if (this.#batch === '') return
    const batch = this.#batch
    this.#batch = ''
    if (this.#socket.writable) this.#socket.write(batch)
  }
}
