import { Element } from '../../src/core/xml/element.ts'
import { type Loss, losses, PrunedElement } from '../../src/core/xml/pruned-element.ts'
import { unmatchedNs } from '../../src/main/xmpp/namespace-scope.ts'
import type { ParserLimits } from '../../src/main/xmpp/parser-limits.ts'

/** What the limits leave of a stanza that another parser has read whole: the rules, written down a second time. */
export function prune(whole: Element, limits: ParserLimits): Element {
  const lost = new Set<Loss>()
  let keptBytes = 0
  let elements = 0
  let isSpent = false

  const spend = (bytes: number): boolean => {
    if (!isSpent && keptBytes + bytes > limits.maxStanzaBytes) {
      isSpent = true
      lost.add('kept')
    }
    if (!isSpent) keptBytes += bytes
    return !isSpent
  }

  const pruneElement = (element: Element, depth: number): Element => {
    elements++
    const attributes: string[] = []
    let isHollow = false
    // A namespace whose name is cut is nobody's. (Those of the header are short.)
    let ns = Buffer.byteLength(element.ns) > limits.maxValueBytes ? unmatchedNs : element.ns
    for (let i = 0; i < element.attributes.length; i += 2) {
      const name = element.attributes[i]!
      let value = element.attributes[i + 1]!
      const isDeclaration = name === 'xmlns' || name.startsWith('xmlns:')
      const isAddressing = depth === 1 && ['from', 'to', 'id', 'type'].includes(name)
      if (attributes.length >= 2 * limits.maxAttributes && !isAddressing) {
        lost.add('attributes')
        isHollow ||= isDeclaration
        continue
      }
      if (Buffer.byteLength(value) > limits.maxValueBytes) {
        lost.add('attribute_value')
        value = firstBytes(value, limits.maxValueBytes)
      }
      if (!spend(Buffer.byteLength(name) + Buffer.byteLength(value) + 4) && !isAddressing) {
        isHollow ||= isDeclaration
        continue
      }
      attributes.push(name, value)
    }
    if (isHollow) ns = unmatchedNs

    const children: (Element | string)[] = []
    let textBytes = 0
    let isTextCut = false
    let kept = 0
    for (const child of element.children) {
      if (typeof child === 'string') {
        if (isHollow || isSpent || isTextCut) continue
        const textRoom = limits.maxTextBytes - textBytes
        const room = Math.min(textRoom, Math.max(0, limits.maxStanzaBytes - keptBytes))
        let text = child
        if (Buffer.byteLength(child) > room) {
          text = firstBytes(child, room)
          if (textRoom === room) {
            isTextCut = true
            lost.add('text')
          } else {
            isSpent = true
            lost.add('kept')
          }
        }
        textBytes += Buffer.byteLength(text)
        keptBytes += Buffer.byteLength(text)
        const last = children.at(-1)
        if (typeof last === 'string') children[children.length - 1] = last + text
        else if (text !== '') children.push(text)
        continue
      }
      if (depth === limits.maxDepth) {
        lost.add('depth')
      } else if (isHollow || isSpent) {
        // What else is in it is not even looked at.
      } else if (kept === limits.maxChildren) {
        lost.add('children')
      } else if (elements === limits.maxElements) {
        lost.add('elements')
      } else if (spend(Buffer.byteLength(child.name) + 3)) {
        kept++
        children.push(pruneElement(child, depth + 1))
      }
    }
    return new Element(element.name, ns, attributes, children)
  }

  keptBytes += Buffer.byteLength(whole.name) + 3
  const { name, ns, attributes, children } = pruneElement(whole, 1)
  if (lost.size === 0) return new Element(name, ns, attributes, children)
  return new PrunedElement(
    name,
    ns,
    attributes,
    children,
    losses.filter((loss) => lost.has(loss)),
  )
}

/** The longest beginning of whole characters that has at most so many bytes. */
function firstBytes(text: string, bytes: number): string {
  let kept = ''
  let used = 0
  for (const character of text) {
    used += Buffer.byteLength(character)
    if (used > bytes) break
    kept += character
  }
  return kept
}
