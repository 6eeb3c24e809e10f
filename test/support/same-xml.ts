import type { SandboxElement } from '../../src/sandbox/element.ts'

/**
 * Whether an element holds all that is shown of it: name, namespace, the attributes shown, the text, and the children
 * shown, in their order. Others may stand between them. Space between elements is for the eye.
 */
export function holds(element: SandboxElement, shown: SandboxElement): boolean {
  if (element.name !== shown.name || element.ns !== shown.ns) return false
  for (const [name, value] of shown.attributes) {
    if (!name.startsWith('xmlns') && element.attr(name) !== value) return false
  }
  const wanted = shown.elements()
  if (wanted.length === 0) return element.text().trim() === shown.text().trim()
  let next = 0
  for (const child of element.elements()) {
    const one = wanted[next]
    if (one !== undefined && holds(child, one)) next++
  }
  return next === wanted.length
}
