import { Buffer } from 'node:buffer'
import { StreamFaultError } from './stream-error.ts'

/** Between stanzas: nothing is counted. */
const nowhere = -1

/**
 * Counts the bytes of one stanza after another, from `<` to `>`, through pieces of text, and throws a
 * StreamFaultError when a stanza exceeds the limit. Places are indices in the text of the current piece.
 */
export class StanzaSize {
  private readonly maxBytes: number
  private text = ''
  private pieceBytes = 0
  /** Where the stanza begins in the current piece. */
  private from = nowhere
  /** How many of its bytes came in earlier pieces. */
  private earlierBytes = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  beginPiece(text: string, bytes: number): void {
    this.text = text
    this.pieceBytes = bytes
    if (this.from !== nowhere) this.from = 0
  }

  beginStanza(at: number): void {
    this.from = at
    this.earlierBytes = 0
  }

  /** Whether the stanza at hand has more bytes than this, up to the end of the piece, all of the piece counted. */
  mayPass(bytes: number): boolean {
    return this.from !== nowhere && this.earlierBytes + this.pieceBytes > bytes
  }

  endStanza(at: number): void {
    const { from } = this
    this.from = nowhere
    // Counting takes time, and no UTF-16 unit is more than three bytes.
    if (this.earlierBytes + 3 * (at - from) > this.maxBytes) this.count(from, at)
  }

  endPiece(): void {
    if (this.from !== nowhere) this.count(this.from, this.text.length)
    this.text = ''
  }

  private count(from: number, to: number): void {
    const isAscii = this.pieceBytes === this.text.length
    this.earlierBytes += isAscii ? to - from : Buffer.byteLength(this.text.slice(from, to))
    if (this.earlierBytes > this.maxBytes) {
      throw new StreamFaultError(
        'policy-violation',
        `A stanza of more than ${this.maxBytes} bytes.`,
        'stream_stanza',
      )
    }
  }
}
