import { bareJid, domainOfBare, hasResource } from '../../../core/jid.ts'
import type { Element } from '../../../core/xml/element.ts'
import type { IncomingEvent } from './event-intake.ts'
import {
  delegationNsPrefix,
  forwardNs,
  offlineMessagesNode,
  privilegeNsPrefix,
  pubsubEventNs,
} from './namespaces.ts'
import { eventOfMessage, isDomain } from './read-message.ts'

/**
 * What a `<message/>` to a component means:
 * - `event`: a server tells of a message
 * - `refused`: it looks like one, from somebody who may not tell; `source` is what it claims to be
 * - `advertisement`: what the server delegates or permits to us (XEP-0355 §4.2, XEP-0356 §4.1); nothing to do
 */
export type ReadMessage =
  | { readonly kind: 'event'; readonly event: IncomingEvent }
  | { readonly kind: 'refused'; readonly source: IncomingEvent['source'] }
  | { readonly kind: 'advertisement' }

/** Undefined: none of these. `domain`: the domain of ours that it came to. Pure. */
export function readMessage(
  domain: string,
  message: Element,
  isServed: (host: string) => boolean,
): ReadMessage | undefined {
  const from = message.attr('from') ?? ''
  for (const child of message.children) {
    if (typeof child === 'string') continue
    const { name, ns } = child
    if (name === 'forwarded' && ns === forwardNs) return readForwarded(domain, from, child, isServed)
    if (name === 'event' && ns === pubsubEventNs) return readOffline(domain, from, child, isServed)
    const isAdvertisement =
      (name === 'delegation' && ns.startsWith(delegationNsPrefix)) ||
      (name === 'privilege' && ns.startsWith(privilegeNsPrefix))
    if (isAdvertisement && isDomain(from) && isServed(from)) return { kind: 'advertisement' }
  }
  return undefined
}

/** XEP-0297, from a served host: a copy that its server routed to us. */
function readForwarded(
  domain: string,
  from: string,
  forwarded: Element,
  isServed: (host: string) => boolean,
): ReadMessage {
  if (!isDomain(from) || !isServed(from)) return { kind: 'refused', source: 'forwarded' }
  const inner = forwarded
    .elements()
    .find(({ name }) => name === 'message' || name === 'iq' || name === 'presence')
  const message = inner === undefined ? undefined : eventOfMessage(inner)
  return { kind: 'event', event: { source: 'forwarded', domain, message } }
}

/** ejabberd's mod_push_offline: in the name of the user whose message it is, which no client can write. */
function readOffline(
  domain: string,
  from: string,
  event: Element,
  isServed: (host: string) => boolean,
): ReadMessage | undefined {
  const items = event.child('items', pubsubEventNs)
  if (items?.attr('node') !== offlineMessagesNode) return undefined
  const inner = items.child('item', pubsubEventNs)?.firstChild()
  const user = bareJid(from)
  if (user === undefined || hasResource(from) || !user.includes('@') || !isServed(domainOfBare(user))) {
    return { kind: 'refused', source: 'push_offline' }
  }
  if (inner !== undefined && bareJid(inner.attr('to') ?? '') !== user) {
    return { kind: 'refused', source: 'push_offline' }
  }
  const message = inner === undefined ? undefined : eventOfMessage(inner)
  return { kind: 'event', event: { source: 'push_offline', domain, message } }
}
