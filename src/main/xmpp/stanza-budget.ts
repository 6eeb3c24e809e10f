import { Buffer } from 'node:buffer'
import type { Element } from '../../core/xml/element.ts'
import type { Loss } from '../../core/xml/pruned-element.ts'
import { beginningOf, copyOf } from './kept-text.ts'
import type { ParserLimits } from './parser-limits.ts'

/** `<a/>` without its name; ` a=''` without name and value. So what is kept is never more than what was written. */
const elementMarkup = 3
const attributeMarkup = 4

/** The kept size of one open element. */
class Level {
  textBytes = 0
  children = 0
  /** Its text has been cut off: no later part of it is kept, however short. */
  isTextCut = false
  /** Nothing of its content is kept. */
  isHollow = false
}

/**
 * Counts the kept parts of one stanza, and decides what else may be kept. Levels are depths: 0 is the stream's, 1 the
 * stanza's own. Used only for stanzas near a limit: see TreeBuilder.
 */
export class StanzaBudget {
  private readonly limits: ParserLimits
  private readonly lose: (loss: Loss) => void
  private readonly levels: Level[] = []
  private keptBytes = 0
  private elements = 0
  /** The bytes are used up: nothing more of the stanza is kept. */
  private isSpent = false

  /** `lose` is called for each part that is not kept. */
  constructor(limits: ParserLimits, lose: (loss: Loss) => void) {
    this.limits = limits
    this.lose = lose
  }

  begin(): void {
    this.levels.length = 0
    this.keptBytes = 0
    this.elements = 0
    this.isSpent = false
  }

  /** Counts an element that is kept already, at this level, which is open. */
  countOpen(level: number, name: string, attributes: readonly string[]): void {
    if (level > 1) this.levels[level - 1]!.children++
    this.enter(level)
    this.countTag(name, attributes)
  }

  /** Counts the children, kept already, of the open element at this level. */
  countChildren(level: number, children: readonly (Element | string)[]): void {
    for (const child of children) {
      if (typeof child === 'string') {
        this.countText(level, child)
      } else {
        this.levels[level]!.children++
        this.countWhole(child)
      }
    }
  }

  countText(level: number, text: string): void {
    const bytes = Buffer.byteLength(text)
    this.levels[level]!.textBytes += bytes
    this.keptBytes += bytes
  }

  countAttributes(attributes: readonly string[]): void {
    for (const text of attributes) this.keptBytes += Buffer.byteLength(text)
    this.keptBytes += attributeMarkup * (attributes.length / 2)
  }

  /** Whether an element that begins at this level is kept; if so, it counts. The stanza itself is always kept. */
  takeElement(level: number, name: string): boolean {
    if (level > 1) {
      const { isHollow, children } = this.levels[level - 1]!
      if (isHollow || this.isSpent) return false
      if (children >= this.limits.maxChildren) return this.refuse('children')
      if (this.elements >= this.limits.maxElements) return this.refuse('elements')
      if (!this.takeBytes(Buffer.byteLength(name) + elementMarkup)) return false
      this.levels[level - 1]!.children++
    } else {
      this.keptBytes += Buffer.byteLength(name) + elementMarkup
    }
    this.elements++
    this.enter(level)
    return true
  }

  /** Whether the attribute is kept; if so, it counts. */
  takeAttribute(name: string, value: string): boolean {
    return this.takeBytes(Buffer.byteLength(name) + Buffer.byteLength(value) + attributeMarkup)
  }

  /** The kept part of a text of the element at this level: all of it, its beginning, or ''. */
  takeText(level: number, text: string): string {
    const at = this.levels[level]!
    if (at.isTextCut || at.isHollow || this.isSpent) return ''
    const textRoom = this.limits.maxTextBytes - at.textBytes
    const room = Math.max(0, Math.min(textRoom, this.limits.maxStanzaBytes - this.keptBytes))
    let kept = text
    if (Buffer.byteLength(text) > room) {
      kept = beginningOf(text, room)
      if (textRoom === room) {
        at.isTextCut = true
        this.lose('text')
      } else {
        this.spend()
      }
    }
    this.countText(level, kept)
    return copyOf(kept)
  }

  /** Nothing of the content of the element at this level is kept. */
  hollow(level: number): void {
    this.levels[level]!.isHollow = true
  }

  private enter(level: number): void {
    this.levels.length = level
    this.levels[level] = new Level()
  }

  private countWhole(element: Element): void {
    this.countTag(element.name, element.attributes)
    for (const child of element.children) {
      if (typeof child === 'string') this.keptBytes += Buffer.byteLength(child)
      else this.countWhole(child)
    }
  }

  private countTag(name: string, attributes: readonly string[]): void {
    this.elements++
    this.keptBytes += Buffer.byteLength(name) + elementMarkup
    this.countAttributes(attributes)
  }

  private takeBytes(bytes: number): boolean {
    if (this.isSpent) return false
    if (this.keptBytes + bytes > this.limits.maxStanzaBytes) {
      this.spend()
      return false
    }
    this.keptBytes += bytes
    return true
  }

  private spend(): void {
    this.isSpent = true
    this.lose('kept')
  }

  private refuse(loss: Loss): false {
    this.lose(loss)
    return false
  }
}
