import type { Element } from '../../../core/xml/element.ts'
import { pubsubNs } from './namespaces.ts'

/** RFC 6120 §8.2.3: a request has exactly one child element. */
export function onlyChild(stanza: Element): Element | undefined {
  let only: Element | undefined
  for (const child of stanza.children) {
    if (typeof child === 'string') continue
    if (only !== undefined) return undefined
    only = child
  }
  return only
}

export function isPublish(payload: Element): boolean {
  return (
    payload.ns === pubsubNs && payload.name === 'pubsub' && payload.child('publish', pubsubNs) !== undefined
  )
}
