import { copyOf } from './kept-text.ts'

/** How many names are remembered of one tag, and how many UTF-16 units of names. */
const mostNames = 10_000
const mostUnits = 65_536

/**
 * The names of the attributes of one tag, as written, to find one that is given twice (XML 1.0 §3.1). Only the first
 * ones are remembered, so that a tag of any length takes bounded memory: two of a name are found where the first of
 * them is among these.
 */
export class AttributeNames {
  private readonly names = new Set<string>()
  private units = 0

  /** False: there is such a name already. */
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
