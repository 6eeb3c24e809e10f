/**
 * One XML element as it stands in a stanza: what the stream parser makes and the roles read.
 *
 * Attributes are kept flat (name, value, name, value …): stanzas have few, and a linear search over
 * them is cheaper than an object per element; it also has no prototype to fall into.
 */
export class Element {
  /** Local name, without prefix. */
  readonly name: string
  /** The namespace that the prefix (or the default declaration) stands for; '' when there is none. */
  readonly ns: string
  /** Names as written (`xml:lang` keeps its prefix), values decoded; namespace declarations included. */
  readonly attributes: readonly string[]
  /** Child elements and runs of text in document order; a run of text is never empty. */
  readonly children: (Element | string)[]

  constructor(
    name: string,
    ns: string,
    attributes: readonly string[] = [],
    children: (Element | string)[] = [],
  ) {
    this.name = name
    this.ns = ns
    this.attributes = attributes
    this.children = children
  }

  /** The value of the attribute with this (written) name. */
  attr(name: string): string | undefined {
    const { attributes } = this
    for (let i = 0; i < attributes.length; i += 2) {
      if (attributes[i] === name) return attributes[i + 1]
    }
    return undefined
  }

  /** The first child element of this name and namespace. */
  child(name: string, ns: string): Element | undefined {
    for (const child of this.children) {
      if (typeof child !== 'string' && child.name === name && child.ns === ns) return child
    }
    return undefined
  }

  /** The first child element, whatever it is. */
  firstChild(): Element | undefined {
    for (const child of this.children) if (typeof child !== 'string') return child
    return undefined
  }

  /** All child elements, or all of this name and namespace. */
  elements(name?: string, ns?: string): Element[] {
    const found: Element[] = []
    for (const child of this.children) {
      if (typeof child === 'string') continue
      if ((name === undefined || child.name === name) && (ns === undefined || child.ns === ns))
        found.push(child)
    }
    return found
  }

  /** The element's own text: its text children joined, '' when there is none. */
  text(): string {
    const { children } = this
    if (children.length === 1) return typeof children[0] === 'string' ? children[0] : ''
    let text = ''
    for (const child of children) if (typeof child === 'string') text += child
    return text
  }
}
