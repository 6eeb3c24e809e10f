import type { Writable } from 'node:stream'

/** Of what may be unsent, the part that answers to queries may take: publishes are answered when they are not. */
const queryShare = 0.5

/**
 * Batches stanzas: all that one turn of the event loop sends goes out in one write, behind the reads and the
 * outcomes of that turn (`setImmediate`). One batch at a time is with the operating system, so that it is known to the
 * byte what of it is unsent.
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
  /** The batch that is being written; '': none. */
  #underWay: string | Buffer = ''
  /** Called when that is written. */
  #underWayWritten: readonly (() => void)[] = []
  #scheduled = false
  #sent = 0
  readonly #onImmediate = () => {
    this.#scheduled = false
    this.#flush()
  }
  readonly #onWritten = () => {
    this.#endWrite()
    this.#flush()
  }

  constructor(socket: Writable, maxUnsentBytes: number) {
    this.#socket = socket
    this.#maxUnsentBytes = maxUnsentBytes
    // Callbacks of writes may stay uncalled then.
    socket.once('close', () => this.#endWrite())
  }

  /** All that was queued since the beginning. */
  get sent(): number {
    return this.#sent
  }

  /** Of that, what the operating system has not taken. `queuedBytes`: of what it was given; undefined: not known. */
  unsent(queuedBytes: number | undefined): number {
    const underWay = this.#underWay.length
    return this.#batch.length + Math.min(underWay, queuedBytes ?? underWay)
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

  /** Ends it: writes what is queued and then this, now. */
  end(farewell: string): void {
    this.#batch += farewell
    this.#write()
  }

  /** Writes this before all that is queued: what an earlier writer of the same socket had unsent. */
  resume(unsent: Buffer): void {
    if (unsent.length === 0) return
    this.#underWay = unsent
    this.#socket.write(unsent, this.#onWritten)
  }

  /**
   * All that is unsent, for a later writer of the same connection; this one must not be used any more, and its socket has to be
   * destroyed in the same turn of the event loop. `queuedBytes`: how much of what it was given the operating system has not
   * taken. Undefined: part of that is an earlier writer's.
   */
  takeUnsent(queuedBytes: number): Buffer | undefined {
    const underWay = Buffer.from(this.#underWay)
    if (queuedBytes > underWay.length) return undefined
    const unsent = Buffer.concat([underWay.subarray(underWay.length - queuedBytes), Buffer.from(this.#batch)])
    this.#batch = ''
    return unsent
  }

  /** Writes what is queued, unless something is under way: its end does so. */
  #flush(): void {
    if (this.#underWay === '' && this.#batch !== '') this.#write()
  }

  #write(): void {
    const batch = this.#batch
    this.#batch = ''
    this.#underWay = batch
    if (this.#written.length > 0) {
      this.#underWayWritten = [...this.#underWayWritten, ...this.#written]
      this.#written = []
    }
    if (this.#socket.writable) this.#socket.write(batch, this.#onWritten)
    else this.#endWrite()
  }

  #endWrite(): void {
    const written = this.#underWayWritten
    this.#underWay = ''
    if (written.length === 0) return
    this.#underWayWritten = []
    for (const each of written) each()
  }

  #send(stanza: string, maxUnsentBytes: number): boolean {
    const unsent = this.#batch.length + this.#underWay.length
    if (unsent + stanza.length > maxUnsentBytes) return false
    this.#batch += stanza
    this.#sent += stanza.length
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(this.#onImmediate)
    }
    return true
  }
}
