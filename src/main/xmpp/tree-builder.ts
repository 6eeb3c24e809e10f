// It is over 300 lines: it is one state machine on the way of every stanza. What can stand alone of it does.

import { Element } from '../../core/xml/element.ts'
import { streamNs } from '../../core/xml/namespaces.ts'
import { type Loss, losses, PrunedElement } from '../../core/xml/pruned-element.ts'
import { AttributeNames } from './attribute-names.ts'
import { beginningOf, copyOf } from './kept-text.ts'
import type { KnownTag } from './known-tags.ts'
import { mayDeclare, NamespaceScope, unmatchedNs } from './namespace-scope.ts'
import type { ParserLimits } from './parser-limits.ts'
import { StanzaBudget } from './stanza-budget.ts'
import { notWellFormed, StreamFaultError } from './stream-error.ts'
import { badDeclaration, declaredPrefix, duplicateAttribute, refuseXmlnsPrefix } from './tag-rules.ts'
import { cutName } from './token-cursor.ts'
import type { StanzaTree } from './tokenizer.ts'

/** Takes the stream header and each complete child of the stream. */
export interface TreeSink {
  streamStart(header: Element): void
  stanza(element: Element): void
  streamEnd(): void
}

const noAttributes: readonly string[] = []

/** More elements than a publish has. */
const manyWaiting = 64

/** Each attribute up to here is compared with all before it; from there on their names are looked up. */
const fewAttributes = 16

/** Of a text in parts, so much is put together before it is kept: a string of short parts takes thirty times its length. */
const longTail = 512

/** Attributes of the stanza itself that are always kept, at any position: an answer needs them. */
const addressing: readonly string[] = ['from', 'to', 'id', 'type']

/** An element whose end tag has not come yet. There is one for each depth, used again and again. */
class OpenElement {
  name = ''
  ns = ''
  attributes: readonly string[] = noAttributes
  /** Where its children begin in `waiting`. */
  firstChild = 0
  /** The size of the namespace scope around it. */
  outerScope = 0
}

/**
 * Makes elements of tokens: names, namespaces, attributes (Namespaces in XML 1.0), and the shape of a
 * stream (RFC 6120 §4.2). Elements are made when they end, with arrays of just the right length, for a
 * stanza may be kept for long.
 *
 * Parts over a limit are left out of the stanza, which then is a PrunedElement. Nearly all stanzas are far from all limits,
 * which two countdowns show. When a countdown ends, when a stanza is so long that its bytes might not all be kept, or when a
 * part is left out, the stanza is read `carefully` from there on: the parts kept so far are counted once, the StanzaBudget
 * decides about everything that follows, and kept texts are copies, because a slice would keep the whole text in memory.
 * Careful reading changes only speed and memory.
 */
export class TreeBuilder implements StanzaTree {
  /** The root is closed. */
  isComplete = false
  isCareful = false

  private readonly sink: TreeSink
  private readonly limits: ParserLimits
  private readonly maxDepth: number
  private readonly budget: StanzaBudget
  private readonly scope = new NamespaceScope()
  /** The open elements are `open[0]` (the stream) up to `open[depth - 1]`. */
  private readonly open: OpenElement[] = [new OpenElement()]
  private depth = 0
  /** Finished children of the open elements, outermost first; the first `waitingCount` count. */
  private readonly waiting: (Element | string)[] = []
  private waitingCount = 0
  /** The run of text that has not ended yet. */
  private run = ''
  /** The end of the run, of a stanza that is read carefully. */
  private tail = ''

  // Countdowns and marks, so that a stanza within them need not be counted.
  /** This many elements of a stanza are certainly within all limits; how many of them are left. */
  private readonly freeElements: number
  private elementsLeft = 0
  /** So many UTF-16 units of text, the same. */
  private readonly freeText: number
  private textLeft = 0
  /** At so many `attributeUnits` a further attribute is looked at closely. */
  private readonly fewUnits: number
  private attributesMark = 0
  /** A longer value may have too many bytes. */
  private readonly valueMark: number

  /** The losses of the stanza at hand: the bit of each is its index in `losses`. */
  private lost = 0

  /** The written name of the start tag at hand; where its colon is, -1 or `cutName`. */
  private tagName = ''
  private colon = -1
  /** The attributes of the start tag at hand: name, value, name, value …; the first `attributeUnits` count. */
  private readonly attributes: string[] = []
  private attributeUnits = 0
  /** Which of them have a prefix other than xmlns, and where: index of the name, colon, index, colon … */
  private readonly prefixed: number[] = []
  /** The names of all attributes of the start tag at hand, once they are not few or not all kept. */
  private readonly names = new AttributeNames()
  private hasNames = false
  /** A declaration of the start tag at hand was not kept. */
  private isDeclarationLost = false

  constructor(sink: TreeSink, limits: ParserLimits) {
    this.sink = sink
    this.limits = limits
    this.maxDepth = limits.maxDepth
    this.freeElements = Math.min(limits.maxChildren, limits.maxElements)
    // No UTF-16 unit is more than three bytes.
    this.freeText = Math.floor(limits.maxTextBytes / 3)
    this.valueMark = Math.floor(limits.maxValueBytes / 3)
    this.fewUnits = 2 * Math.min(fewAttributes, limits.maxAttributes)
    this.budget = new StanzaBudget(limits, (loss) => this.lose(loss))
    this.expectStanza()
  }

  /** The next element is the header, or a stanza. */
  private expectStanza(): void {
    this.isCareful = false
    this.lost = 0
    this.elementsLeft = this.freeElements
    this.textLeft = this.freeText
    this.attributesMark = this.fewUnits
  }

  beCareful(isInTag: boolean): void {
    if (this.isCareful) return
    this.isCareful = true
    this.elementsLeft = 0
    this.textLeft = 0
    this.attributesMark = 0
    this.countKept(isInTag)
  }

  private countKept(isInTag: boolean): void {
    const { budget, open, depth } = this
    budget.begin()
    for (let level = 1; level < depth; level++) {
      const element = open[level]!
      const to = level + 1 < depth ? open[level + 1]!.firstChild : this.waitingCount
      budget.countOpen(level, element.name, element.attributes)
      budget.countChildren(level, this.waiting.slice(element.firstChild, to))
    }
    if (this.run !== '') budget.countText(depth - 1, this.run)
    if (isInTag) {
      const name = localName(this.tagName, this.colon)
      budget.countOpen(depth, name, this.attributes.slice(0, this.attributeUnits))
    }
  }

  private lose(loss: Loss): void {
    this.lost |= 1 << losses.indexOf(loss)
  }

  openTag(name: string, colon: number): boolean {
    if (colon === cutName) {
      this.lose('kept')
      this.beCareful(false)
    }
    if (this.beginElement(name, colon) === undefined) return false
    this.tagName = this.isCareful ? copyOf(name) : name
    this.colon = colon
    this.attributeUnits = 0
    return true
  }

  knownTag(tag: KnownTag): boolean {
    const element = this.beginElement(tag.name, -1)
    if (element === undefined) return false
    if (this.isCareful) this.budget.countAttributes(tag.attributes)
    if (tag.defaultNs !== undefined) this.scope.add('', tag.defaultNs)
    element.name = tag.name
    element.ns = this.scope.default
    element.attributes = tag.attributes
    this.depth++
    return true
  }

  /** Undefined: the element that has this tag is not kept. */
  private beginElement(name: string, colon: number): OpenElement | undefined {
    // The stream itself is not counted.
    if (this.depth > this.maxDepth) {
      this.lose('depth')
      this.beCareful(false)
      return undefined
    }
    if (--this.elementsLeft < 0 && !this.mayBegin(name, colon)) return undefined
    this.endRun()
    let element = this.open[this.depth]
    if (element === undefined) {
      element = new OpenElement()
      this.open.push(element)
    }
    element.firstChild = this.waitingCount
    element.outerScope = this.scope.size
    return element
  }

  private mayBegin(name: string, colon: number): boolean {
    this.beCareful(false)
    return this.budget.takeElement(this.depth, localName(name, colon))
  }

  attribute(name: string, colon: number, value: string): boolean {
    const { attributes } = this
    const at = this.attributeUnits
    if (at >= this.attributesMark || value.length > this.valueMark || colon === cutName) {
      return this.prunedAttribute(name, colon, value)
    }
    for (let i = 0; i < at; i += 2) {
      if (attributes[i] === name) throw duplicateAttribute()
    }
    this.keepAttribute(name, colon, value, value)
    return true
  }

  /** An attribute that may be past a limit. */
  private prunedAttribute(name: string, colon: number, written: string): boolean {
    if (colon === cutName) return this.loseAttribute('kept', undefined)
    this.refuseDuplicate(name)
    const prefix = declaredPrefix(name)
    if (prefix !== undefined && !mayDeclare(prefix, written)) throw badDeclaration()

    const isPastCount = this.attributeUnits >= 2 * this.limits.maxAttributes
    const isAddressing = this.depth <= 1 && addressing.includes(name)
    if (isPastCount && !isAddressing) return this.loseAttribute('attributes', prefix)
    const value = written.length > this.valueMark ? beginningOf(written, this.limits.maxValueBytes) : written
    const isCut = value.length < written.length
    if (isCut) {
      this.lose('attribute_value')
      this.beCareful(true)
    }
    const ns = isCut ? unmatchedNs : value
    if (this.isCareful) {
      if (!this.budget.takeAttribute(name, value) && !isAddressing) return this.loseAttribute('kept', prefix)
      this.keepAttribute(copyOf(name), colon, copyOf(value), copyOf(ns))
    } else {
      this.keepAttribute(name, colon, value, ns)
    }
    return !isPastCount && !isCut
  }

  /** `prefix`: that it declares. */
  private loseAttribute(loss: Loss, prefix: string | undefined): false {
    this.lose(loss)
    this.beCareful(true)
    if (prefix !== undefined) this.isDeclarationLost = true
    return false
  }

  private refuseDuplicate(name: string): void {
    const { names } = this
    if (!this.hasNames) {
      this.hasNames = true
      for (let i = 0; i < this.attributeUnits; i += 2) names.add(this.attributes[i]!)
      // The names of all that follow in this tag must get in there.
      this.attributesMark = 0
    }
    if (!names.add(name)) throw duplicateAttribute()
  }

  /** `ns`: the namespace, if it declares one. */
  private keepAttribute(name: string, colon: number, value: string, ns: string): void {
    const at = this.attributeUnits
    this.attributes[at] = name
    this.attributes[at + 1] = value
    this.attributeUnits = at + 2
    if (colon !== -1) this.qualifiedAttribute(name, colon, ns, at)
    else if (name === 'xmlns') this.declareNamespace('', ns)
  }

  private qualifiedAttribute(name: string, colon: number, ns: string, at: number): void {
    if (name.startsWith('xmlns:')) this.declareNamespace(name.slice(6), ns)
    else this.prefixed.push(at, colon)
  }

  private declareNamespace(prefix: string, ns: string): void {
    if (!mayDeclare(prefix, ns)) throw badDeclaration()
    this.scope.add(prefix, ns)
  }

  openTagEnd(): readonly string[] {
    const element = this.open[this.depth]!
    const { tagName, colon } = this
    if (colon === -1) {
      element.name = tagName
      element.ns = this.scope.default
    } else if (colon === cutName) {
      element.name = tagName
      element.ns = unmatchedNs
    } else {
      refuseXmlnsPrefix(tagName, colon)
      element.name = tagName.slice(colon + 1)
      element.ns = this.namespaceOf(tagName.slice(0, colon))
    }
    if (this.prefixed.length !== 0) this.checkPrefixedAttributes()
    if (this.hasNames) this.endUnusualTag(element)
    element.attributes =
      this.attributeUnits === 0 ? noAttributes : this.attributes.slice(0, this.attributeUnits)
    this.depth++
    if (this.depth === 1) this.startStream(element)
    return element.attributes
  }

  /** Of a tag whose attributes are many, or not all kept. */
  private endUnusualTag(element: OpenElement): void {
    this.names.clear()
    this.hasNames = false
    if (!this.isCareful) this.attributesMark = this.fewUnits
    if (!this.isDeclarationLost) return
    // The namespaces of its names are unknown.
    this.isDeclarationLost = false
    element.ns = unmatchedNs
    this.budget.hollow(this.depth)
  }

  private namespaceOf(prefix: string): string {
    const ns = this.scope.find(prefix)
    if (ns !== undefined) return ns
    if (this.depth === 0) throw notWellFormed('A prefix that is not declared.')
    this.lose('prefix')
    return unmatchedNs
  }

  /**
   * Checks that no attribute occurs twice under different prefixes. Prefixes that the stream header declares are not checked: a
   * user's own stream may use the same prefixes for other namespaces, and servers pass on such stanzas unchanged.
   */
  private checkPrefixedAttributes(): void {
    const seen = new Set<string>()
    let count = 0
    for (let i = 0; i < this.prefixed.length; i += 2) {
      const name = this.attributes[this.prefixed[i]!]!
      const colon = this.prefixed[i + 1]!
      const prefix = name.slice(0, colon)
      const ns = this.namespaceOf(prefix)
      if (ns === unmatchedNs || !this.scope.isOfStanza(prefix)) continue
      // A local name holds no space, so no two pairs are joined to the same text.
      seen.add(`${name.slice(colon + 1)} ${ns}`)
      count++
    }
    if (seen.size !== count) throw duplicateAttribute()
    this.prefixed.length = 0
  }

  private startStream(root: OpenElement): void {
    if (root.ns !== streamNs) {
      throw new StreamFaultError('invalid-namespace', 'The root is not in the namespace of streams.')
    }
    if (root.name !== 'stream') throw new StreamFaultError('bad-format', 'The root is not a stream.')
    this.scope.headerEnds()
    this.expectStanza()
    this.sink.streamStart(new Element(root.name, root.ns, root.attributes, []))
  }

  text(text: string): void {
    this.textLeft -= text.length
    if (this.textLeft >= 0) {
      this.run = this.run === '' ? text : this.run + text
      return
    }
    this.beCareful(false)
    this.tail += this.budget.takeText(this.depth - 1, text)
    if (this.tail.length >= longTail) this.keepTail()
  }

  private keepTail(): void {
    this.run += copyOf(this.tail)
    this.tail = ''
  }

  private endRun(): void {
    if (this.tail !== '') this.keepTail()
    if (this.run === '') return
    this.waiting[this.waitingCount++] = this.run
    this.run = ''
  }

  closeTag(): void {
    this.depth--
    const open = this.open[this.depth]!
    if (this.depth === 0) {
      this.isComplete = true
      this.sink.streamEnd()
      return
    }
    this.endRun()
    const { name, ns, attributes } = open
    const children = this.takeChildren(open.firstChild)
    if (this.scope.size !== open.outerScope) this.scope.leave(open.outerScope)
    if (this.depth === 1) this.endStanza(name, ns, attributes, children)
    else this.waiting[this.waitingCount++] = new Element(name, ns, attributes, children)
  }

  private endStanza(
    name: string,
    ns: string,
    attributes: readonly string[],
    children: (Element | string)[],
  ): void {
    // What is past `waitingCount` still keeps its elements alive: fine for few, not for a stanza of thousands.
    if (this.waiting.length > manyWaiting) this.waiting.length = 0
    const { lost } = this
    this.expectStanza()
    if (lost === 0) {
      this.sink.stanza(new Element(name, ns, attributes, children))
    } else {
      const all = losses.filter((_, bit) => (lost & (1 << bit)) !== 0)
      this.sink.stanza(new PrunedElement(name, ns, attributes, children, all))
    }
  }

  private takeChildren(from: number): (Element | string)[] {
    const { waiting, waitingCount: to } = this
    if (from === to) return []
    this.waitingCount = from
    return to - from === 1 ? [waiting[from]!] : waiting.slice(from, to)
  }
}

/** Of a name as written. */
function localName(name: string, colon: number): string {
  return colon < 0 ? name : name.slice(colon + 1)
}
