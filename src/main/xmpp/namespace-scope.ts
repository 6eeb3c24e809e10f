import { xmlNs, xmlnsNs } from '../../core/xml/namespaces.ts'

/**
 * What prefixes stand for at one place of a document (Namespaces in XML 1.0): the declarations of all open
 * elements, innermost last. The default namespace is the prefix ''.
 */
export class NamespaceScope {
  private readonly prefixes: string[] = ['xml', '']
  private readonly namespaces: string[] = [xmlNs, '']
  /** The innermost default namespace: nearly every element asks for it and nothing else. */
  default = ''

  /** How many declarations are in force: what `leave` goes back to. */
  get size(): number {
    return this.prefixes.length
  }

  /** Adds a declaration of the element that is being opened; false when it is none that one may make. */
  add(prefix: string, ns: string): boolean {
    if (prefix === 'xmlns' || ns === xmlnsNs) return false
    if ((prefix === 'xml') !== (ns === xmlNs)) return false
    if (prefix !== '' && ns === '') return false
    this.prefixes.push(prefix)
    this.namespaces.push(ns)
    if (prefix === '') this.default = ns
    return true
  }

  /** Drops the declarations of an element that is closed. */
  leave(size: number): void {
    while (this.prefixes.length > size) {
      this.prefixes.pop()
      this.namespaces.pop()
    }
    this.default = this.find('') ?? ''
  }

  /** What the prefix stands for, if anything. */
  find(prefix: string): string | undefined {
    const { prefixes } = this
    let at = prefixes.length - 1
    while (at >= 0 && prefixes[at] !== prefix) at--
    return this.namespaces[at]
  }
}
