import type { Writable } from 'node:stream'

/** Of what may be unsent, the part that answers to queries may take: publishes are answered when they are not. */
const queryShare = 0.5

/**
 * Batches stanzas: all that one turn of the event loop sends goes out in one write, behind the reads and the
 * outcomes of that turn (`setImmediate`).
 *
 * What the peer does not read is held up to a bound, counted in UTF-16 units, which are the bytes of almost
 * every answer. The bound is the caller's sign that the peer is as good as dead. Answers to queries are held up to half
 * of it: who only asks does not bring it about.
 */
export class StanzaWriter {
  readonly #socket: Writable
  readonly #maxUnsentBytes: number
  #batch = ''
  /** Called when the batch is written. */
  #written: (() => void)[] = []
  /** Of batches that are being written. */
  readonly #untold = new Set<() => void>()
  #scheduled = false
  readonly #onImmediate = () => {
    this.#scheduled = false
    this.flush()
  }

  constructor(socket: Writable, maxUnsentBytes: number) {
    this.#socket = socket
    this.#maxUnsentBytes = maxUnsentBytes
    socket.once('close', () => {
      for (const tell of [...this.#untold]) tell()
    })
  }

  /** Queues a stanza. False, and it is not queued, when the bound would be passed. */
  send(stanza: string): boolean {
    return this.#send(stanza, this.#maxUnsentBytes)
  }

  /** The same within the bound for answers to queries. `written`: it was written to the socket, or never will be. */
  sendQueryAnswer(stanza: string, written: (() => void) | undefined): boolean {
    if (!this.#send(stanza, this.#maxUnsentBytes * queryShare)) return false
    if (written !== undefined) this.#written.push(written)
    return true
  }

  /** Writes what is queued, now. */
  flush(): void {
    if (this.#batch === '') return
    const batch = this.#batch
    const written = this.#written
    this.#batch = ''
    if (written.length === 0) {
      if (this.#socket.writable) this.#socket.write(batch)
      return
    }
    this.#written = []
    const tell = () => {
      // Also called at the socket's end, which leaves callbacks of writes uncalled.
      if (!this.#untold.delete(tell)) return
      for (const each of written) each()
    }
    this.#untold.add(tell)
    if (this.#socket.writable) this.#socket.write(batch, tell)
    else tell()
  }

  #send(stanza: string, maxUnsentBytes: number): boolean {
    const unsent = this.#batch.length + this.#socket.writableLength
    if (unsent + stanza.length > maxUnsentBytes) return false
    this.#batch += stanza
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(this.#onImmediate)
    }
    return true
  }
}
