import { xmlNs, xmlnsNs } from '../../core/xml/namespaces.ts'

/**
 * The namespace of elements and attributes whose prefix is undeclared, or whose declaration was skipped. XML forbids its first
 * character, so no declaration can name it, and nothing matches it.
 */
export const unmatchedNs = '\0undeclared'

/** Whether any element may declare that this prefix ('': the default namespace) stands for this namespace. */
export function mayDeclare(prefix: string, ns: string): boolean {
  if (prefix === 'xmlns' || ns === xmlnsNs) return false
  if ((prefix === 'xml') !== (ns === xmlNs)) return false
  return prefix === '' || ns !== ''
}

/** The namespace of a prefix. */
interface Binding {
  readonly ns: string
  /** It was declared inside the stanza, not by the stream header. */
  readonly isOfStanza: boolean
}

/**
 * The namespaces of prefixes at one place of a document (Namespaces in XML 1.0). The default namespace is the prefix ''.
 */
export class NamespaceScope {
  /** The innermost default namespace: nearly every element asks for it and nothing else. */
  default = ''
  /** The innermost declarations of all other prefixes. */
  private readonly bindings = new Map<string, Binding>([['xml', { ns: xmlNs, isOfStanza: false }]])
  /** The prefixes that all open elements declare, innermost last. */
  private readonly prefixes: string[] = []
  /** The previous meaning of each of them: a default namespace, or a binding, if there was one. */
  private readonly hidden: (string | Binding | undefined)[] = []
  private isInStanza = false

  /** How many declarations are in force: what `leave` goes back to. */
  get size(): number {
    return this.prefixes.length
  }

  /** Adds a declaration of the element that is being opened. */
  add(prefix: string, ns: string): void {
    this.prefixes.push(prefix)
    if (prefix === '') {
      this.hidden.push(this.default)
      this.default = ns
    } else {
      this.hidden.push(this.bindings.get(prefix))
      this.bindings.set(prefix, { ns, isOfStanza: this.isInStanza })
    }
  }

  /** Drops the declarations of an element that is closed. */
  leave(size: number): void {
    while (this.prefixes.length > size) {
      const prefix = this.prefixes.pop()!
      const before = this.hidden.pop()
      if (typeof before === 'string') this.default = before
      else if (before === undefined) this.bindings.delete(prefix)
      else this.bindings.set(prefix, before)
    }
  }

  /** What the prefix stands for, if anything. */
  find(prefix: string): string | undefined {
    return this.bindings.get(prefix)?.ns
  }

  /** All declarations so far are of the stream header. */
  headerEnds(): void {
    this.isInStanza = true
  }

  /** Whether the prefix was declared inside the stanza. */
  isOfStanza(prefix: string): boolean {
    return this.bindings.get(prefix)?.isOfStanza === true
  }
}
