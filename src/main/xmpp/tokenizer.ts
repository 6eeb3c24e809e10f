// It is over 300 lines: it is one state machine, and nothing in it stands alone.

import {
  checkXmlDeclaration,
  readAttributeValue,
  readableCdata,
  readableText,
  readCdata,
  readText,
  waitingText,
} from './character-data.ts'
import { copyOf } from './kept-text.ts'
import { type KnownTag, KnownTags } from './known-tags.ts'
import type { ParserLimits } from './parser-limits.ts'
import { SkippedTags } from './skipped-tags.ts'
import { StanzaSize } from './stanza-size.ts'
import { notWellFormed, StreamFaultError } from './stream-error.ts'
import type { TextSink } from './text-pieces.ts'
import { TokenCursor } from './token-cursor.ts'
import * as units from './units.ts'

// V8 folds a module's own constants into its code, but not those that it imports: a fifth of the whole cost.
const {
  bang,
  classes,
  closingBracket,
  doubleQuote,
  equals,
  greater,
  isForbidden,
  isSpace,
  less,

  plainInText,
  plainInValue,
  question,
  singleQuote,
  slash,
} = units

/**
 * Takes what a document is made of, in its order. Names are as written; `colon` is where the colon of one
 * is, -1, or `cutName`. Every start tag is followed by its content and its end tag.
 */
export interface TokenHandler {
  /** False: the element is not kept, and nothing more of it is passed. */
  openTag(name: string, colon: number): boolean
  /**
   * Of the start tag at hand; `value` is normalised and decoded, and one that is too long at least longer than
   * `maxValueBytes`. False: the tag, as it is kept, is not what it would be in any other place.
   */
  attribute(name: string, colon: number, value: string): boolean
  /** The start tag is complete; returns its attributes. */
  openTagEnd(): readonly string[]
  closeTag(): void
  /** Character data inside a stanza, decoded, never empty; a run may come in parts. */
  text(text: string): void
}

/** Makes stanzas of tokens, and says what of them it keeps. */
export interface StanzaTree extends TokenHandler {
  /** Everything of the stanza at hand is to be counted, or some of it is not kept: no known tags. */
  readonly isCareful: boolean
  /** The stanza at hand may have more bytes than are kept; `isInTag`: after `openTag`, before `openTagEnd`. */
  beCareful(isInTag: boolean): void
  /** A start tag inside the root, all of it. False: as of `openTag`. */
  knownTag(tag: KnownTag): boolean
}

// The states: what the next unit is of, or what it may be.
const atStart = 0 // the first of all: an XML declaration may begin here and nowhere else
const betweenStanzas = 1 // whitespace before the root or directly in it
const inText = 2
const inMarkup = 3 // after '<'
const inDeclaration = 4 // after '<!'
const inCdata = 5
const inXmlDeclaration = 6 // after '<'
const inOpenName = 7
const afterOpenPart = 8 // after a name or a value in a start tag: whitespace, '/' or '>'
const inOpenTag = 9 // after whitespace in a start tag: an attribute too
const inAttributeName = 10
const beforeEquals = 11
const beforeQuote = 12
const inValue = 13
const afterSlash = 14 // of an empty element's tag
const inCloseName = 15
const afterCloseName = 16
const atEnd = 17

/** The most of a text or value that is decoded at once, in UTF-16 units. No piece is longer. */
const segmentUnits = 4096

/** The longest XML declaration, in UTF-16 units: many times what one needs. */
const longestDeclaration = 1024

/** The cost of names of open elements that are kept in a skipped subtree, to compare end tags with. */
const mostNameUnits = 262_144
/** Of one name, beside its own length. */
const nameUnits = 8

/**
 * Finds the tokens in the text of a stream: XML 1.0 without what RFC 6120 §11.1 forbids. Sees to all that
 * is well-formedness, but for namespaces and duplicate attributes, and to the size of stanzas.
 *
 * A token that a piece ends in waits in `held`, and no unit is looked at twice: a stream in pieces of one
 * byte takes time in proportion to its length. Text and values are decoded when they are whole, and long ones
 * a segment at a time, counted from their beginning; a name is checked when it is whole. So faults do not
 * depend on how the stream is cut, and the waiting part is always short.
 *
 * A part that the tree does not keep is skipped: it is read in the same way, and must be well-formed, too, but its
 * tokens go to SkippedTags. The names of open elements are kept there, too, up to `mostNameUnits`; deeper
 * inside any end tag fits any start tag.
 *
 * The methods that read units take the index of the first and return that of the next to be read.
 */
export class Tokenizer extends TokenCursor implements TextSink {
  private readonly tree: StanzaTree
  private readonly skipped = new SkippedTags()
  /** One of these two. */
  private handler: TokenHandler
  private readonly size: StanzaSize
  private readonly maxStanzaBytes: number
  private readonly maxValueBytes: number
  /** No stanza that is all in this piece has more bytes than are kept of one. */
  private isPieceShort = true
  private state = atStart
  /** The written names of the open elements: `open[0]` up to `open[depth - 1]`, or fewer while skipping. */
  private readonly open: string[] = []
  private depth = 0

  /** In a subtree that is not kept, whose root is at depth `skippedFrom`. */
  private isSkipping = false
  private skippedFrom = 0
  private skippedNameUnits = 0

  /** The token at hand needs decoding. */
  private isCoded = false
  /** The quotation mark that ends the value. */
  private quote = 0
  /** How much of the `]]>` or `?>` that ends the token has just been seen. */
  private closing = 0

  private readonly knownTags = new KnownTags()
  /** Where in this piece the start tag at hand begins that may become a known one; -1: none may. */
  private tagFrom = -1

  private attributeName = ''
  private attributeColon = -1
  /** Of a long value: the segments so far, or enough of them to be too long. */
  private valueHead = ''
  private mayDeclareXml = true

  constructor(tree: StanzaTree, limits: ParserLimits) {
    super()
    this.tree = tree
    this.handler = tree
    this.size = new StanzaSize(limits.maxStreamStanzaBytes)
    this.maxStanzaBytes = limits.maxStanzaBytes
    this.maxValueBytes = limits.maxValueBytes
  }

  /** All that was passed is whole: the header, stanzas, and whitespace behind them. */
  get isBetweenStanzas(): boolean {
    return this.state === betweenStanzas && this.depth === 1
  }

  /** Throws a StreamFaultError at the first thing that must not be. No piece may be passed after that. */
  piece(text: string, units: Uint8Array, base: number, bytes: number): void {
    this.beginPiece(text, units, base)
    this.size.beginPiece(text, bytes)
    this.tagFrom = -1
    this.isPieceShort = bytes <= this.maxStanzaBytes
    if (this.size.mayPass(this.maxStanzaBytes)) this.tree.beCareful(this.isInKeptTag())

    let i = base
    while (i < this.end && this.state !== atEnd) i = this.read(i)

    this.size.endPiece()
    this.endPiece()
  }

  private isInKeptTag(): boolean {
    return this.state >= afterOpenPart && this.state <= afterSlash && !this.isSkipping
  }

  private read(i: number): number {
    switch (this.state) {
      case atStart:
        this.mayDeclareXml = this.units[i] === less
        return this.readBetweenStanzas(i)
      case betweenStanzas:
        return this.readBetweenStanzas(i)
      case inText:
        return this.readText(i)
      case inMarkup:
        return this.readMarkup(i)
      case inDeclaration:
        return this.readDeclaration(i)
      case inCdata:
        return this.readCdata(i)
      case inXmlDeclaration:
        return this.readXmlDeclaration(i)
      case inOpenName:
        return this.readOpenName(i)
      case afterOpenPart:
        return this.readAfterOpenPart(i)
      case inOpenTag:
        return this.readOpenTag(i)
      case inAttributeName:
        return this.readAttributeName(i)
      case beforeEquals:
        return this.readEquals(i)
      case beforeQuote:
        return this.readQuote(i)
      case inValue:
        return this.readValue(i)
      case afterSlash:
        return this.readAfterSlash(i)
      case inCloseName:
        return this.readCloseName(i)
      default:
        return this.readAfterCloseName(i)
    }
  }

  private readBetweenStanzas(from: number): number {
    this.state = betweenStanzas
    const i = this.skipSpace(from)
    if (i === this.end) return i
    const unit = this.units[i]!
    if (unit !== less) {
      refuseForbidden(unit)
      throw this.textOutsideStanza()
    }
    this.size.beginStanza(i - this.base)
    if (!this.isPieceShort) this.tree.beCareful(false)
    this.state = inMarkup
    return i + 1
  }

  /** Where this piece ends, or the segment at hand. */
  private segmentEnd(from: number): number {
    if (this.held === '') return this.end
    return Math.min(this.end, from + segmentUnits - this.held.length)
  }

  private isSegmentFull(from: number, to: number): boolean {
    return this.held.length + to - from === segmentUnits
  }

  private readText(from: number): number {
    const { units } = this
    const end = this.segmentEnd(from)
    let i = from
    for (; i < end; i++) {
      const unit = units[i]!
      if ((classes[unit]! & plainInText) !== 0) continue
      if (unit === less) break
      refuseForbidden(unit)
      this.isCoded = true
    }
    if (i === end) {
      if (!this.isSegmentFull(from, i)) return this.hold(from)
      const text = this.takeSegment(from, i, readText)
      if (text !== '') this.handler.text(text)
      return i
    }
    if (i > from || this.held !== '') {
      const written = this.take(from, i)
      this.handler.text(this.isCoded ? readText(written) : written)
      this.isCoded = false
    }
    this.state = inMarkup
    return i + 1
  }

  /** Decodes what of a full segment of text, or of a value, can be decoded; the rest waits. */
  private takeSegment(from: number, to: number, decode: (written: string) => string): string {
    const written = this.take(from, to)
    const cut = readableText(written)
    const read = written.slice(0, cut)
    this.held = waitingText(written.slice(cut))
    const text = this.isCoded ? decode(read) : read
    this.isCoded = this.held !== ''
    return text
  }

  private readMarkup(i: number): number {
    const unit = this.units[i]!
    if (unit === question) {
      if (!this.mayDeclareXml) throw new StreamFaultError('restricted-xml', 'A processing instruction.')
      this.held = '<'
      this.state = inXmlDeclaration
      return i
    }
    this.mayDeclareXml = false
    if (unit === slash) {
      if (this.depth === 0) throw notWellFormed('An end tag without a start tag.')
      this.state = inCloseName
      return i + 1
    }
    if (unit === bang) {
      this.state = inDeclaration
      return i + 1
    }
    if (this.depth > 0 && !this.tree.isCareful) {
      const tag = this.knownTags.find(this.units, i, this.end)
      if (tag !== undefined) return this.readKnownTag(tag, i)
      this.tagFrom = i
      this.hasOnlyWords = true
    }
    this.state = inOpenName
    return i
  }

  private readKnownTag(tag: KnownTag, i: number): number {
    if (this.tree.knownTag(tag)) this.open[this.depth] = tag.name
    else this.beginSkipping(tag.name)
    this.depth++
    this.state = inText
    return i + tag.units.length
  }

  /** One unit of `[CDATA[`, or of what RFC 6120 §11.1 forbids. */
  private readDeclaration(i: number): number {
    const begun = this.take(i, i + 1)
    if (begun === '--') throw new StreamFaultError('restricted-xml', 'A comment.')
    if (begun === 'DOCTYPE') throw new StreamFaultError('restricted-xml', 'A document type declaration.')
    if (begun === '[CDATA[') {
      if (this.depth < 2) throw this.textOutsideStanza()
      this.closing = 0
      this.state = inCdata
    } else if (['--', 'DOCTYPE', '[CDATA['].some((markup) => markup.startsWith(begun))) {
      this.held = begun
    } else {
      throw notWellFormed('Markup that XML does not know.')
    }
    return i + 1
  }

  private readCdata(from: number): number {
    const { units } = this
    const end = this.segmentEnd(from)
    for (let i = from; i < end; i++) {
      const unit = units[i]!
      if (unit === greater && this.closing >= 2) {
        const written = this.take(from, i + 1).slice(0, -3)
        if (written !== '') this.handler.text(readCdata(written))
        this.state = inText
        return i + 1
      }
      refuseForbidden(unit)
      this.closing = unit === closingBracket ? this.closing + 1 : 0
    }
    if (!this.isSegmentFull(from, end)) return this.hold(from)
    const written = this.take(from, end)
    const cut = readableCdata(written)
    this.held = written.slice(cut)
    this.handler.text(readCdata(written.slice(0, cut)))
    return end
  }

  private readXmlDeclaration(from: number): number {
    const { units } = this
    const end = Math.min(this.end, from + longestDeclaration - this.held.length)
    for (let i = from; i < end; i++) {
      const unit = units[i]!
      if (unit === greater && this.closing === 1) {
        this.size.endStanza(i + 1 - this.base)
        checkXmlDeclaration(this.take(from, i + 1))
        this.mayDeclareXml = false
        this.state = betweenStanzas
        return i + 1
      }
      refuseForbidden(unit)
      this.closing = unit === question ? 1 : 0
    }
    if (end < this.end) throw new StreamFaultError('policy-violation', 'The XML declaration is too long.')
    return this.hold(from)
  }

  private readOpenName(from: number): number {
    const i = this.skipName(from)
    if (i === this.end) return this.holdName(from)
    const name = this.takeName(from, i)
    if (this.isSkipping) this.openSkipped(name)
    else this.open[this.depth] = name
    if (!this.handler.openTag(name, this.colon)) {
      this.beginSkipping(name)
      this.handler.openTag(name, this.colon)
    }
    if (this.colon !== -1) this.tagFrom = -1
    this.colon = -1
    this.state = afterOpenPart
    return this.readAfterOpenPart(i)
  }

  private readAfterOpenPart(i: number): number {
    const unit = this.units[i]!
    if ((classes[unit]! & isSpace) === 0 && unit !== slash && unit !== greater) {
      throw notWellFormed('No whitespace before an attribute.')
    }
    this.state = inOpenTag
    return this.readOpenTag(i)
  }

  private readOpenTag(from: number): number {
    const i = this.skipSpace(from)
    if (i === this.end) return i
    const unit = this.units[i]!
    if (unit === greater) {
      if (this.depth === 0) this.size.endStanza(i + 1 - this.base)
      this.depth++
      const attributes = this.handler.openTagEnd()
      if (this.tagFrom !== -1 && this.hasOnlyWords) this.keepTag(i + 1, attributes)
      this.state = this.depth === 1 ? betweenStanzas : inText
      return i + 1
    }
    if (unit === slash) {
      this.state = afterSlash
      return i + 1
    }
    this.state = inAttributeName
    return this.readAttributeName(i)
  }

  private keepTag(to: number, attributes: readonly string[]): void {
    this.knownTags.add(this.units, this.tagFrom, to, this.open[this.depth - 1]!, attributes)
  }

  private readAttributeName(from: number): number {
    const i = this.skipName(from)
    if (i === this.end) return this.holdName(from)
    this.attributeName = this.takeName(from, i)
    this.attributeColon = this.colon
    if (this.colon !== -1) this.tagFrom = -1
    this.colon = -1
    this.state = beforeEquals
    return this.readEquals(i)
  }

  private readEquals(from: number): number {
    const i = this.skipSpace(from)
    if (i === this.end) return i
    if (this.units[i] !== equals) throw notWellFormed('An attribute without a value.')
    this.state = beforeQuote
    return this.readQuote(i + 1)
  }

  private readQuote(from: number): number {
    const i = this.skipSpace(from)
    if (i === this.end) return i
    this.quote = this.units[i]!
    if (this.quote !== doubleQuote && this.quote !== singleQuote) {
      throw notWellFormed('An attribute value without quotes.')
    }
    this.state = inValue
    return this.readValue(i + 1)
  }

  private readValue(from: number): number {
    const { units, quote } = this
    const end = this.segmentEnd(from)
    let i = from
    for (; i < end; i++) {
      const unit = units[i]!
      if ((classes[unit]! & plainInValue) !== 0) continue
      if (unit === quote) break
      if (unit === less) throw notWellFormed('"<" in an attribute value.')
      refuseForbidden(unit)
      // The other kind of quote comes here too, which is rare enough.
      this.isCoded = true
    }
    if (i === end) {
      if (!this.isSegmentFull(from, i)) return this.hold(from)
      const part = this.takeSegment(from, i, readAttributeValue)
      if (this.valueHead.length <= this.maxValueBytes) this.valueHead += part
      return i
    }
    const written = this.take(from, i)
    let value = this.isCoded ? readAttributeValue(written) : written
    this.isCoded = false
    if (this.valueHead !== '') {
      if (this.valueHead.length <= this.maxValueBytes) value = this.valueHead + value
      else value = this.valueHead
      this.valueHead = ''
    }
    if (!this.handler.attribute(this.attributeName, this.attributeColon, value)) this.tagFrom = -1
    this.state = afterOpenPart
    return i + 1
  }

  private readAfterSlash(i: number): number {
    if (this.units[i] !== greater) throw notWellFormed('"/" inside a tag.')
    if (this.depth < 2) this.size.endStanza(i + 1 - this.base)
    this.depth++
    this.handler.openTagEnd()
    this.closeElement()
    return i + 1
  }

  private readCloseName(from: number): number {
    const name = this.open[this.depth - 1]
    if (name !== undefined) {
      const after = from + name.length
      // Nearly every end tag is this simple, so its name is not extracted.
      if (this.held === '' && after < this.end && this.units[after] === greater && this.isNext(name, from)) {
        return this.readAfterCloseName(after)
      }
    }
    const i = this.skipName(from)
    if (i === this.end) return this.holdName(from)
    const closed = this.takeName(from, i)
    this.colon = -1
    if (name !== undefined && closed !== name) throw notWellFormed('An end tag that does not match.')
    this.state = afterCloseName
    return this.readAfterCloseName(i)
  }

  private readAfterCloseName(from: number): number {
    const i = this.skipSpace(from)
    if (i === this.end) return i
    if (this.units[i] !== greater) throw notWellFormed('More than a name in an end tag.')
    if (this.depth <= 2) this.size.endStanza(i + 1 - this.base)
    this.closeElement()
    return i + 1
  }

  private closeElement(): void {
    this.depth--
    this.state = this.depth === 0 ? atEnd : this.depth === 1 ? betweenStanzas : inText
    if (this.isSkipping) this.closeSkipped()
    else this.handler.closeTag()
  }

  /** The element that begins here, of this name, is not kept. */
  private beginSkipping(name: string): void {
    this.isSkipping = true
    this.skippedFrom = this.depth
    this.handler = this.skipped
    this.tagFrom = -1
    this.open.length = this.depth
    this.skippedNameUnits = 0
    this.openSkipped(name)
  }

  private openSkipped(name: string): void {
    const units = name.length + nameUnits
    if (this.open.length < this.depth || this.skippedNameUnits + units > mostNameUnits) return
    this.open.push(copyOf(name))
    this.skippedNameUnits += units
  }

  private closeSkipped(): void {
    if (this.open.length > this.depth) this.skippedNameUnits -= this.open.pop()!.length + nameUnits
    if (this.depth > this.skippedFrom) return
    this.isSkipping = false
    this.handler = this.tree
  }

  private textOutsideStanza(): StreamFaultError {
    if (this.depth === 0) return notWellFormed('Text before the stream header.')
    return new StreamFaultError('bad-format', 'Text between stanzas.')
  }
}

function refuseForbidden(unit: number): void {
  if ((classes[unit]! & isForbidden) !== 0) throw notWellFormed('A character that XML forbids.')
}
