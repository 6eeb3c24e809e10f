/** An XML element as the sandbox's server end reads it. */
export class SandboxElement {
  /** Local name, without prefix. */
  readonly name: string
  readonly ns: string
  /** By their names as written; namespace declarations included. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: (SandboxElement | string)[] = []
  /** The text that a stanza or a stream's opening tag came as; '' for other elements. */
  xml = ''

  constructor(name: string, ns: string, attributes: ReadonlyMap<string, string>) {
    this.name = name
    this.ns = ns
    this.attributes = attributes
  }

  attr(name: string): string | undefined {
    return this.attributes.get(name)
  }

  /** The first child element of this name and, if given, this namespace. */
  child(name: string, ns?: string): SandboxElement | undefined {
    return this.elements().find((child) => child.name === name && (ns === undefined || child.ns === ns))
  }

  /** All child elements, or all of this name and namespace. */
  elements(name?: string, ns?: string): SandboxElement[] {
    return this.children.filter(
      (child): child is SandboxElement =>
        typeof child !== 'string' &&
        (name === undefined || child.name === name) &&
        (ns === undefined || child.ns === ns),
    )
  }

  firstChild(): SandboxElement | undefined {
    return this.elements()[0]
  }

  /** The first element of this name anywhere below, in document order. */
  find(name: string): SandboxElement | undefined {
    for (const child of this.elements()) {
      const found = child.name === name ? child : child.find(name)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The element's own text. */
  text(): string {
    return this.children.filter((child) => typeof child === 'string').join('')
  }
}

/** A stanza error (RFC 6120 §8.3) taken apart. */
export interface StanzaError {
  readonly type: string
  /** Such as `item-not-found`. */
  readonly condition: string
  /** The application-specific condition, such as `device-not-registered`; '' when there is none. */
  readonly detail: string
  readonly text: string
}

const stanzasNs = 'urn:ietf:params:xml:ns:xmpp-stanzas'

/** The error in an answer; undefined when the answer is a result. */
export function errorOf(answer: SandboxElement): StanzaError | undefined {
  if (answer.attr('type') !== 'error') return undefined
  const error = answer.child('error')
  const conditions = error?.elements() ?? []
  return {
    type: error?.attr('type') ?? '',
    condition: conditions.find((each) => each.ns === stanzasNs && each.name !== 'text')?.name ?? '',
    detail: conditions.find((each) => each.ns !== stanzasNs)?.name ?? '',
    text: error?.child('text', stanzasNs)?.text() ?? '',
  }
}
