import { Buffer } from 'node:buffer'
import { isNameCharacter, isNameStart } from '../../core/xml/characters.ts'
import { notWellFormed, type StreamFaultError } from './stream-error.ts'
import * as units from './units.ts'
import { findWord } from './vocabulary.ts'

// V8 folds a module's own constants into its code, but not those that it imports.
const { classes, colonSign, inNames, isSpace, nonAscii, startsNames } = units

const nothing: Uint8Array = Buffer.alloc(0)

/** The most of a name that is kept, in UTF-16 units. The longest piece is shorter. */
const longestName = 8192

/** In place of the index of the colon: the name is too long, and cannot be that of an element or attribute. */
export const cutName = -2

/**
 * A place in the text of a stream that comes in pieces, and the token that is being read there. The part of
 * a token that came in earlier pieces waits in `held`, so that no unit is ever looked at twice.
 *
 * The methods that read units take the index of the first and return that of the next to be read.
 */
export class TokenCursor {
  // The piece at hand (see TextSink); `end` is the index after its last unit.
  protected pieceText = ''
  protected units = nothing
  protected base = 0
  protected end = 0

  /** What of the token at hand came in earlier pieces. */
  protected held = ''
  /** Where the colon is in the name at hand, or -1; `cutName` once it is taken, if it was too long. */
  protected colon = -1
  /** How many units of the name at hand are not kept, and a hash of them. */
  private lostUnits = 0
  private lostHash = 0
  /** All tokens taken since this was last set are of the vocabulary. */
  protected hasOnlyWords = false

  protected beginPiece(text: string, units: Uint8Array, base: number): void {
    this.pieceText = text
    this.units = units
    this.base = base
    this.end = base + text.length
  }

  /** Lets go of the piece. */
  protected endPiece(): void {
    this.pieceText = ''
    this.units = nothing
  }

  protected skipSpace(from: number): number {
    const { units, end } = this
    let i = from
    while (i < end && (classes[units[i]!]! & isSpace) !== 0) i++
    return i
  }

  /** Skips what may be in a name. How it begins is not looked at before all of it is there. */
  protected skipName(from: number): number {
    const { units, end } = this
    let i = from
    for (; i < end; i++) {
      const unit = units[i]!
      if ((classes[unit]! & inNames) !== 0) continue
      if (unit === colonSign) {
        if (this.colon !== -1) throw notWellFormed('A name with two colons.')
        this.colon = this.held.length + this.lostUnits + i - from
      } else if (unit === nonAscii) {
        const codePoint = this.pieceText.codePointAt(i - this.base)!
        if (!isNameCharacter(codePoint)) throw badName()
        if (codePoint > 0xffff) i++
      } else {
        break
      }
    }
    return i
  }

  /**
   * The name at hand, checked, as `take`. A name that is too long is replaced by its beginning, a space, and the
   * length and hash of the rest.
   */
  protected takeName(from: number, to: number): string {
    if (this.held !== '' && this.held.length + this.lostUnits + to - from > longestName) {
      return this.takeCutName(from, to)
    }
    const name = this.take(from, to)
    if (!beginsName(name, 0)) throw badName()
    if (this.colon !== -1 && !beginsName(name, this.colon + 1)) throw badName()
    return name
  }

  private takeCutName(from: number, to: number): string {
    this.holdOfName(from, to)
    const { held, colon } = this
    if (!beginsName(held, 0)) throw badName()
    if (colon === held.length + this.lostUnits - 1) throw badName()
    if (colon !== -1 && colon + 1 < held.length && !beginsName(held, colon + 1)) throw badName()
    const name = `${held} ${this.lostUnits} ${this.lostHash}`
    this.held = ''
    this.lostUnits = 0
    this.lostHash = 0
    this.colon = cutName
    this.hasOnlyWords = false
    return name
  }

  /** As `hold`, of a name. */
  protected holdName(from: number): number {
    this.holdOfName(from, this.end)
    return this.end
  }

  private holdOfName(from: number, to: number): void {
    const part = this.pieceText.slice(from - this.base, to - this.base)
    if (this.lostUnits > 0) {
      this.loseOfName(part)
      return
    }
    const held = this.held + part
    if (held.length <= longestName) {
      this.held = held
      return
    }
    const cut = isHighSurrogate(held.charCodeAt(longestName - 1)) ? longestName - 1 : longestName
    this.held = held.slice(0, cut)
    this.loseOfName(held.slice(cut))
  }

  private loseOfName(part: string): void {
    for (const character of part) {
      const at = this.held.length + this.lostUnits
      if (this.colon === at - 1 && !beginsName(character, 0)) throw badName()
      this.lostUnits += character.length
      this.lostHash = (Math.imul(this.lostHash, 31) + character.codePointAt(0)!) | 0
    }
  }

  /** Does the piece go on with this name at `from`? It must be long enough for it. */
  protected isNext(name: string, from: number): boolean {
    const { pieceText } = this
    const at = from - this.base
    for (let i = 0; i < name.length; i++) {
      if (pieceText.charCodeAt(at + i) !== name.charCodeAt(i)) return false
    }
    return true
  }

  /** The token at hand, which goes up to `to`; what of it is in this piece begins at `from`. */
  protected take(from: number, to: number): string {
    const { held } = this
    if (held === '') {
      const word = findWord(this.units, from, to)
      if (word !== undefined) return word
      this.hasOnlyWords = false
      return this.pieceText.slice(from - this.base, to - this.base)
    }
    this.hasOnlyWords = false
    this.held = ''
    return held + this.pieceText.slice(from - this.base, to - this.base)
  }

  /** The token at hand does not end in this piece: keeps its part, from `from` on. */
  protected hold(from: number): number {
    this.held += this.pieceText.slice(from - this.base)
    return this.end
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}

function beginsName(name: string, at: number): boolean {
  const codePoint = name.codePointAt(at) ?? 0
  return codePoint < nonAscii ? (classes[codePoint]! & startsNames) !== 0 : isNameStart(codePoint)
}

function badName(): StreamFaultError {
  return notWellFormed('A name that is none.')
}
