import { xmlNs, xmlnsNs } from '../../core/xml/namespaces.ts'

/**
 * The namespace of what has a prefix that nobody declared, or one whose declaration was not kept. XML forbids its first
 * character, so no declaration names it, and nothing matches it.
 */
export const unmatchedNs = '\0undeclared'

/** Whether any element may declare that this prefix ('': the default namespace) stands for this namespace. */
export function mayDeclare(prefix: string, ns: string): boolean {
  if (prefix === 'xmlns' || ns === xmlnsNs) return false
  if ((prefix === 'xml') !== (ns === xmlNs)) return false
  return prefix === '' || ns !== ''
}

/**
 * What prefixes stand for at one place of a document (Namespaces in XML 1.0): the declarations of all open
 * elements, innermost last. The default namespace is the prefix ''.
 */
export class NamespaceScope {
  private readonly prefixes: string[] = []
  private readonly namespaces: string[] = []
  /** Where the declaration is that each of these hides; -1: none. */
  private readonly hidden: number[] = []
  /** Where the innermost declaration of each prefix is, the default namespace left out. */
  private readonly innermost = new Map<string, number>()
  private innermostDefault = -1
  /** The innermost default namespace: nearly every element asks for it and nothing else. */
  default = ''
  /** How many of the declarations are the stream's own. */
  private streamSize = 0

  constructor() {
    this.add('xml', xmlNs)
  }

  /** How many declarations are in force: what `leave` goes back to. */
  get size(): number {
    return this.prefixes.length
  }

  /** Adds a declaration of the element that is being opened. */
  add(prefix: string, ns: string): void {
    const at = this.prefixes.length
    this.prefixes.push(prefix)
    this.namespaces.push(ns)
    if (prefix === '') {
      this.hidden.push(this.innermostDefault)
      this.innermostDefault = at
      this.default = ns
    } else {
      this.hidden.push(this.innermost.get(prefix) ?? -1)
      this.innermost.set(prefix, at)
    }
  }

  /** Drops the declarations of an element that is closed. */
  leave(size: number): void {
    for (let at = this.prefixes.length - 1; at >= size; at--) {
      const prefix = this.prefixes.pop()!
      this.namespaces.pop()
      const before = this.hidden.pop()!
      if (prefix === '') {
        this.innermostDefault = before
        this.default = before === -1 ? '' : this.namespaces[before]!
      } else if (before === -1) {
        this.innermost.delete(prefix)
      } else {
        this.innermost.set(prefix, before)
      }
    }
  }

  /** What the prefix stands for, if anything. */
  find(prefix: string): string | undefined {
    const at = this.innermost.get(prefix)
    return at === undefined ? undefined : this.namespaces[at]
  }

  /** All declarations so far are of the stream header. */
  headerEnds(): void {
    this.streamSize = this.prefixes.length
  }

  /** Whether what the prefix stands for was declared inside the stanza. */
  isOfStanza(prefix: string): boolean {
    return (this.innermost.get(prefix) ?? -1) >= this.streamSize
  }
}
