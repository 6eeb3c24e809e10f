// It is over 300 lines: it is one state machine, and nothing in it stands alone.

import { checkXmlDeclaration, readAttributeValue, readCdata, readText } from './character-data.ts'
import { type KnownTag, KnownTags } from './known-tags.ts'
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
 * is, or -1. Every start tag is followed by its content and its end tag.
 */
export interface TokenHandler {
  openTag(name: string, colon: number): void
  /** Of the start tag at hand; `value` is normalised and decoded. */
  attribute(name: string, colon: number, value: string): void
  /** The start tag is complete; returns its attributes. */
  openTagEnd(): readonly string[]
  /** A start tag inside the root, all of it. */
  knownTag(tag: KnownTag): void
  closeTag(): void
  /** Character data inside a stanza, decoded, never empty; a run may come in parts. */
  text(text: string): void
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

/**
 * Finds the tokens in the text of a stream: XML 1.0 without what RFC 6120 §11.1 forbids. Sees to all that
 * is well-formedness, but for namespaces and duplicate attributes, and to the size of stanzas.
 *
 * A token that a piece ends in waits in `held`, and no unit is looked at twice: a stream in pieces of one
 * byte takes time in proportion to its length. What a token is decoded from, and what a name begins with,
 * is looked at when it is whole; so faults do not depend on how the stream is cut.
 *
 * The methods that read units take the index of the first and return that of the next to be read.
 */
export class Tokenizer extends TokenCursor implements TextSink {
  private readonly handler: TokenHandler
  private readonly size: StanzaSize
  private state = atStart
  /** The written names of the open elements: `open[0]` up to `open[depth - 1]`. */
  private readonly open: string[] = []
  private depth = 0

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
  private mayDeclareXml = true

  constructor(handler: TokenHandler, maxStanzaBytes: number) {
    super()
    this.handler = handler
    this.size = new StanzaSize(maxStanzaBytes)
  }

  /** Throws a StreamFaultError at the first thing that must not be. No piece may be passed after that. */
  piece(text: string, units: Uint8Array, base: number, bytes: number): void {
    this.beginPiece(text, units, base)
    this.size.beginPiece(text, bytes)
    this.tagFrom = -1

    let i = base
    while (i < this.end && this.state !== atEnd) i = this.read(i)

    this.size.endPiece()
    this.endPiece()
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
    this.state = inMarkup
    return i + 1
  }

  private readText(from: number): number {
    const { units, end } = this
    let i = from
    for (; i < end; i++) {
      const unit = units[i]!
      if ((classes[unit]! & plainInText) !== 0) continue
      if (unit === less) break
      refuseForbidden(unit)
      this.isCoded = true
    }
    if (i === end) return this.hold(from)
    if (i > from || this.held !== '') {
      const written = this.take(from, i)
      this.handler.text(this.isCoded ? readText(written) : written)
      this.isCoded = false
    }
    this.state = inMarkup
    return i + 1
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
    if (this.depth > 0) {
      const tag = this.knownTags.find(this.units, i, this.end)
      if (tag !== undefined) return this.readKnownTag(tag, i)
      this.tagFrom = i
      this.hasOnlyWords = true
    }
    this.state = inOpenName
    return i
  }

  private readKnownTag(tag: KnownTag, i: number): number {
    this.open[this.depth] = tag.name
    this.depth++
    this.handler.knownTag(tag)
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
    const { units, end } = this
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
    return this.hold(from)
  }

  private readXmlDeclaration(from: number): number {
    const { units, end } = this
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
    return this.hold(from)
  }

  private readOpenName(from: number): number {
    const i = this.skipName(from)
    if (i === this.end) return this.hold(from)
    const name = this.takeName(from, i)
    this.open[this.depth] = name
    this.handler.openTag(name, this.colon)
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
    if (i === this.end) return this.hold(from)
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
    const { units, end, quote } = this
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
    if (i === end) return this.hold(from)
    const written = this.take(from, i)
    const value = this.isCoded ? readAttributeValue(written) : written
    this.isCoded = false
    this.handler.attribute(this.attributeName, this.attributeColon, value)
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
    const name = this.open[this.depth - 1]!
    const after = from + name.length
    // Nearly every end tag is this simple, and then its name need not be looked at as such.
    if (this.held === '' && after < this.end && this.units[after] === greater && this.isNext(name, from)) {
      return this.readAfterCloseName(after)
    }
    const i = this.skipName(from)
    if (i === this.end) return this.hold(from)
    this.colon = -1
    if (this.take(from, i) !== name) throw notWellFormed('An end tag that does not match.')
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
    this.handler.closeTag()
  }

  private textOutsideStanza(): StreamFaultError {
    if (this.depth === 0) return notWellFormed('Text before the stream header.')
    return new StreamFaultError('bad-format', 'Text between stanzas.')
  }
}

function refuseForbidden(unit: number): void {
  if ((classes[unit]! & isForbidden) !== 0) throw notWellFormed('A character that XML forbids.')
}
