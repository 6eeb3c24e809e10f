import { Element } from '../../core/xml/element.ts'
import { streamNs } from '../../core/xml/namespaces.ts'
import type { KnownTag } from './known-tags.ts'
import { NamespaceScope } from './namespace-scope.ts'
import { notWellFormed, StreamFaultError } from './stream-error.ts'
import type { TokenHandler } from './tokenizer.ts'

/** Takes the stream header and each complete child of the stream. */
export interface TreeSink {
  streamStart(header: Element): void
  stanza(element: Element): void
  streamEnd(): void
}

export interface TreeLimits {
  maxDepth: number
  maxAttributes: number
}

const noAttributes: readonly string[] = []

/** More elements than a publish has. */
const manyWaiting = 64

/** An element whose end tag has not come yet. There is one for each depth, used again and again. */
class OpenElement {
  writtenName = ''
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
 */
export class TreeBuilder implements TokenHandler {
  /** The root is closed. */
  isComplete = false

  private readonly sink: TreeSink
  private readonly limits: TreeLimits
  private readonly scope = new NamespaceScope()
  /** The open elements are `open[0]` (the stream) up to `open[depth - 1]`. */
  private readonly open: OpenElement[] = [new OpenElement()]
  private depth = 0
  /** Finished children of the open elements, outermost first; the first `waitingCount` count. */
  private readonly waiting: (Element | string)[] = []
  private waitingCount = 0
  /** The run of text that has not ended yet. */
  private run = ''
  /** Of the start tag at hand: name, value, name, value …; the first `attributeUnits` count. */
  private readonly attributes: string[] = []
  private attributeUnits = 0
  /** Which of them have a prefix other than xmlns, and where: index of the name, colon, index, colon … */
  private readonly prefixed: number[] = []
  /** Where the colon in the tag's name is, or -1. */
  private colon = -1

  constructor(sink: TreeSink, limits: TreeLimits) {
    this.sink = sink
    this.limits = limits
  }

  openTag(name: string, colon: number): void {
    this.beginElement(name)
    this.attributeUnits = 0
    this.colon = colon
  }

  knownTag(tag: KnownTag): void {
    const element = this.beginElement(tag.name)
    if (tag.defaultNs !== undefined) this.declareNamespace('', tag.defaultNs)
    element.name = tag.name
    element.ns = this.scope.default
    element.attributes = tag.attributes
    this.depth++
  }

  private beginElement(name: string): OpenElement {
    // The stream itself is not counted.
    if (this.depth > this.limits.maxDepth) {
      throw new StreamFaultError(
        'policy-violation',
        `Elements nested deeper than ${this.limits.maxDepth}.`,
        'stanza_depth',
      )
    }
    this.endRun()
    let element = this.open[this.depth]
    if (element === undefined) {
      element = new OpenElement()
      this.open.push(element)
    }
    element.writtenName = name
    element.firstChild = this.waitingCount
    element.outerScope = this.scope.size
    return element
  }

  attribute(name: string, colon: number, value: string): void {
    const { attributes } = this
    const at = this.attributeUnits
    if (at >= 2 * this.limits.maxAttributes) {
      throw new StreamFaultError(
        'policy-violation',
        `More than ${this.limits.maxAttributes} attributes.`,
        'stanza_attributes',
      )
    }
    for (let i = 0; i < at; i += 2) {
      if (attributes[i] === name) throw duplicateAttribute()
    }
    attributes[at] = name
    attributes[at + 1] = value
    this.attributeUnits = at + 2
    if (colon !== -1) this.qualifiedAttribute(name, colon, value, at)
    else if (name === 'xmlns') this.declareNamespace('', value)
  }

  private qualifiedAttribute(name: string, colon: number, value: string, at: number): void {
    if (name.startsWith('xmlns:')) this.declareNamespace(name.slice(6), value)
    else this.prefixed.push(at, colon)
  }

  private declareNamespace(prefix: string, ns: string): void {
    if (!this.scope.add(prefix, ns)) throw notWellFormed('A namespace declaration that none may make.')
  }

  openTagEnd(): readonly string[] {
    const element = this.open[this.depth]!
    const { writtenName } = element
    if (this.colon === -1) {
      element.name = writtenName
      element.ns = this.scope.default
    } else {
      element.name = writtenName.slice(this.colon + 1)
      element.ns = this.namespaceOf(writtenName.slice(0, this.colon))
    }
    if (this.prefixed.length !== 0) this.checkPrefixedAttributes()
    element.attributes =
      this.attributeUnits === 0 ? noAttributes : this.attributes.slice(0, this.attributeUnits)
    this.depth++
    if (this.depth === 1) this.startStream(element)
    return element.attributes
  }

  private namespaceOf(prefix: string): string {
    const ns = this.scope.find(prefix)
    if (ns === undefined) throw notWellFormed('A prefix that is not declared.')
    return ns
  }

  /** Every prefix is declared, and no two attributes are one under different prefixes. */
  private checkPrefixedAttributes(): void {
    const seen = new Set<string>()
    for (let i = 0; i < this.prefixed.length; i += 2) {
      const name = this.attributes[this.prefixed[i]!]!
      const colon = this.prefixed[i + 1]!
      // A local name holds no space, so no two pairs are joined to the same text.
      seen.add(`${name.slice(colon + 1)} ${this.namespaceOf(name.slice(0, colon))}`)
    }
    if (seen.size * 2 !== this.prefixed.length) throw duplicateAttribute()
    this.prefixed.length = 0
  }

  private startStream(root: OpenElement): void {
    if (root.ns !== streamNs) {
      throw new StreamFaultError('invalid-namespace', 'The root is not in the namespace of streams.')
    }
    if (root.name !== 'stream') throw new StreamFaultError('bad-format', 'The root is not a stream.')
    this.sink.streamStart(new Element(root.name, root.ns, root.attributes, []))
  }

  text(text: string): void {
    this.run = this.run === '' ? text : this.run + text
  }

  private endRun(): void {
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
    const element = new Element(open.name, open.ns, open.attributes, this.takeChildren(open.firstChild))
    if (this.scope.size !== open.outerScope) this.scope.leave(open.outerScope)
    if (this.depth === 1) this.endStanza(element)
    else this.waiting[this.waitingCount++] = element
  }

  private endStanza(element: Element): void {
    // What is past `waitingCount` still keeps its elements alive: fine for few, not for a stanza of thousands.
    if (this.waiting.length > manyWaiting) this.waiting.length = 0
    this.sink.stanza(element)
  }

  private takeChildren(from: number): (Element | string)[] {
    const { waiting, waitingCount: to } = this
    if (from === to) return []
    this.waitingCount = from
    return to - from === 1 ? [waiting[from]!] : waiting.slice(from, to)
  }
}

function duplicateAttribute(): StreamFaultError {
  return notWellFormed('An attribute given twice.')
}
