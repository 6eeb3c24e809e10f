import { copyOf } from './kept-text.ts'

/** The most names remembered of one tag, and the most UTF-16 units of names. */
const mostNames = 10_000
const mostUnits = 65_536

/**
 * The names of the attributes of one tag, as written, to find duplicates (XML 1.0 §3.1). Only the first names are
 * remembered, so that a tag of any length takes bounded memory: a duplicate is found if the first of the two is among
 * them.
 */
export class AttributeNames {
  private readonly names = new Set<string>()
  private units = 0

  /** False: the name is a duplicate. */
  add(name: string): boolean {
    if (this.names.has(name)) return false
    if (this.names.size < mostNames && this.units + name.length <= mostUnits) {
      this.names.add(copyOf(name))
      this.units += name.length
    }
    return true
  }

  clear(): void {
    this.names.clear()
    this.units = 0
  }
}
