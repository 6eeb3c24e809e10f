/**
 * Start tags that a stream has brought before. Publishes are made of the same few dozen of them, and a tag that is
 * byte for byte one of these need not be read again. Only such are kept as consist of the vocabulary's words: there
 * are no strangers' texts in them, and nothing of the input stays alive.
 */
export class KnownTag {
  /** From the first of its name to its `>`. */
  readonly units: Uint8Array
  /** Without a prefix, as all its attributes are. */
  readonly name: string
  readonly attributes: readonly string[]
  /** The default namespace that it declares, if it does. */
  readonly defaultNs: string | undefined

  constructor(units: Uint8Array, name: string, attributes: readonly string[]) {
    this.units = units
    this.name = name
    this.attributes = attributes
    const at = attributes.indexOf('xmlns')
    this.defaultNs = at === -1 ? undefined : attributes[at + 1]
  }
}

// V8 folds a module's own constants into its code, but not those that it imports.
const greater = 0x3e
/** Longer ones are not kept. */
const longestTag = 128
/** A tag is in its home slot or one of the next ones, as far as this. */
const ways = 4
const slotCount = 512

/** A hash table of a fixed size in which new tags take the places of old ones. */
export class KnownTags {
  private readonly slots: (KnownTag | undefined)[] = new Array<undefined>(slotCount + ways).fill(undefined)
  private turn = 0

  /** The tag whose name begins at `from`, if it is a known one and all of it is before `end`. */
  find(units: Uint8Array, from: number, end: number): KnownTag | undefined {
    const last = Math.min(end, from + longestTag)
    let to = from
    while (to < last && units[to] !== greater) to++
    if (to === last) return undefined
    const home = homeOf(units, from, to)
    for (let slot = home; slot < home + ways; slot++) {
      const tag = this.slots[slot]
      if (tag === undefined) return undefined
      if (isAt(tag.units, units, from, to + 1)) return tag
    }
    return undefined
  }

  /** Keeps a tag that was read from `from` up to `to`, which is behind its `>`. */
  add(units: Uint8Array, from: number, to: number, name: string, attributes: readonly string[]): void {
    if (to - from > longestTag) return
    const home = homeOf(units, from, to - 1)
    let slot = home
    while (slot < home + ways && this.slots[slot] !== undefined) slot++
    if (slot === home + ways) slot = home + (this.turn++ % ways)
    this.slots[slot] = new KnownTag(units.slice(from, to), name, attributes)
  }
}

/** `to`: of the `>`. */
function homeOf(units: Uint8Array, from: number, to: number): number {
  const length = to - from
  const quarter = units[from + (length >> 2)] ?? 0
  const middle = units[from + (length >> 1)] ?? 0
  const end = units[Math.max(from, to - 3)] ?? 0
  return (length * 61 + quarter * 7 + middle * 197 + end * 31) % slotCount
}

function isAt(tag: Uint8Array, units: Uint8Array, from: number, to: number): boolean {
  if (tag.length !== to - from) return false
  for (let i = 0; i < tag.length; i++) if (tag[i] !== units[from + i]) return false
  return true
}
