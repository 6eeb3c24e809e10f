import { Buffer, isAscii, isUtf8 } from 'node:buffer'
import { StreamFaultError } from './stream-error.ts'
import * as units from './units.ts'

// V8 folds a module's own constants into its code, but not those that it imports.
const { nonAscii, nonCharacter } = units

/**
 * Takes the text of a stream piece by piece, each in two forms: a string to cut values from, and units to
 * scan (see units.ts), which is twice as fast. `units[base + i]` is the unit of `text[i]`. `bytes` is how
 * much of the stream the piece is.
 *
 * No piece ends inside a character. `units` is only good until the call returns.
 */
export interface TextSink {
  piece(text: string, units: Uint8Array, base: number, bytes: number): void
}

/**
 * How long a piece is at most. A value that is cut from a piece may keep all of it alive, so this is also
 * the most that a value held for long can cost beyond its own length (twice, where the piece is not all
 * Latin-1). Smaller pieces cut more stanzas in two: by bench/micro/stream-parser.ts (2026-11) 4096 costs no
 * more than 65536 for ASCII, and 5 % more for text that is not.
 */
const pieceBytes = 4096

/** The longest character, in bytes. */
const characterBytes = 4

/**
 * Turns the bytes of a stream into pieces of text; they must be UTF-8 (RFC 6120 §11.6). When a chunk ends
 * inside a character, its first bytes wait for the next chunk.
 */
export class TextPieces {
  private readonly sink: TextSink
  private readonly shadow = Buffer.alloc(pieceBytes)
  private readonly cut = Buffer.alloc(characterBytes)
  private cutBytes = 0

  constructor(sink: TextSink) {
    this.sink = sink
  }

  /** Throws a StreamFaultError where the bytes cease to be UTF-8, after the text before has been passed. */
  write(chunk: Uint8Array): void {
    const bytes = Buffer.isBuffer(chunk)
      ? chunk
      : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const from = this.cutBytes === 0 ? 0 : this.completeCutCharacter(bytes)
    if (from === 0 && isAscii(bytes)) this.passAscii(bytes, 0, bytes.length)
    else this.passUtf8(bytes, from)
  }

  /** Completes, as far as `bytes` goes, the character that an earlier chunk began; how many bytes it took. */
  private completeCutCharacter(bytes: Buffer): number {
    const wanted = characterLength(this.cut[0]!)
    let taken = 0
    while (taken < bytes.length && this.cutBytes < wanted) {
      const byte = bytes[taken++]!
      if (!isContinuation(byte)) throw notUtf8()
      this.cut[this.cutBytes++] = byte
    }
    if (this.cutBytes === wanted) {
      this.cutBytes = 0
      this.passUtf8(this.cut.subarray(0, wanted), 0)
    }
    return taken
  }

  private passAscii(bytes: Buffer, from: number, to: number): void {
    for (let start = from; start < to; start += pieceBytes) {
      const end = Math.min(start + pieceBytes, to)
      this.sink.piece(bytes.toString('latin1', start, end), bytes, start, end - start)
    }
  }

  private passUtf8(bytes: Buffer, from: number): void {
    const whole = bytes.length - bytesCutAtEnd(bytes, from, bytes.length)
    const isValid = isUtf8(bytes.subarray(from, whole))
    const to = isValid ? whole : endOfUtf8(bytes, from)

    for (let start = from; start < to; ) {
      let end = Math.min(start + pieceBytes, to)
      end -= bytesCutAtEnd(bytes, start, end)
      if (isAscii(bytes.subarray(start, end))) this.passAscii(bytes, start, end)
      else this.sink.piece(bytes.toString('utf8', start, end), this.shade(bytes, start, end), 0, end - start)
      start = end
    }
    if (!isValid) throw notUtf8()
    if (whole < bytes.length) this.cutBytes = bytes.copy(this.cut, 0, whole)
  }

  /** The units of a piece that is not all ASCII. */
  private shade(bytes: Buffer, from: number, to: number): Uint8Array {
    const { shadow } = this
    let length = 0
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!
      if (byte < 0x80) {
        shadow[length++] = byte
      } else if (!isContinuation(byte)) {
        const isNonCharacter = byte === 0xef && bytes[i + 1] === 0xbf && bytes[i + 2]! >= 0xbe
        shadow[length++] = isNonCharacter ? nonCharacter : nonAscii
        // Four bytes are a character beyond the basic plane: two units of UTF-16.
        if (byte >= 0xf0) shadow[length++] = nonAscii
      }
    }
    return shadow
  }
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

/** How many bytes the character is long that begins with this one (RFC 3629 §3); 1 when none does. */
function characterLength(byte: number): number {
  if (byte < 0xc0 || byte >= 0xf8) return 1
  if (byte < 0xe0) return 2
  return byte < 0xf0 ? 3 : 4
}

/** How many bytes at the end of [from, to) belong to a character that goes on after it. */
function bytesCutAtEnd(bytes: Uint8Array, from: number, to: number): number {
  for (let back = 1; back < characterBytes && to - back >= from; back++) {
    const byte = bytes[to - back]!
    if (!isContinuation(byte)) return characterLength(byte) > back ? back : 0
  }
  return 0
}

/** Where, from `from` on, the bytes cease to be UTF-8, which they do somewhere. */
function endOfUtf8(bytes: Buffer, from: number): number {
  let good = from
  let bad = bytes.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (isUtf8(bytes.subarray(from, middle - bytesCutAtEnd(bytes, from, middle)))) good = middle
    else bad = middle
  }
  return good - bytesCutAtEnd(bytes, from, good)
}

function notUtf8(): StreamFaultError {
  return new StreamFaultError('unsupported-encoding', 'The stream is not UTF-8.')
}
