import { bareJid, hasResource } from '../../../core/jid.ts'
import type { Element } from '../../../core/xml/element.ts'
import { mucSubMessagesNode, pubsubEventNs } from './namespaces.ts'
import type { MessageEvent } from './plugin.ts'
import type { ToldMessage } from './told-message.ts'

/** What of a message's type is ever pushed; undefined: nothing (errors, headlines). Others count as normal (RFC 6121 §5.2.2). */
export function pushedType(type: string | undefined): MessageEvent['type'] | undefined {
  switch (type) {
    case 'chat':
    case 'groupchat':
      return type
    case 'error':
    case 'headline':
      return undefined
    default:
      return 'normal'
  }
}

/** The event that a whole message makes; undefined: it is none that is ever pushed, or has no address. Pure. */
export function eventOfMessage(outer: Element): ToldMessage | undefined {
  const message = unwrapped(outer)
  const type = pushedType(message.attr('type'))
  const from = message.attr('from')
  // A room's message is addressed to the room.
  const to = bareJid(outer.attr('to') ?? '')
  if (outer.name !== 'message' || type === undefined || from === undefined || to === undefined)
    return undefined
  return {
    to,
    from,
    type,
    body: undefined,
    id: message.attr('id') ?? '',
    messageCount: undefined,
    kind: 'offline',
    session: undefined,
    stanza: message,
  }
}

/**
 * The message of a room in an event that MUC/Sub sends to a subscriber; any other message unchanged. Only the room itself may
 * send its messages in this way.
 */
export function unwrapped(message: Element): Element {
  const items = message.child('event', pubsubEventNs)?.child('items', pubsubEventNs)
  if (items?.attr('node') !== mucSubMessagesNode) return message
  const inner = items.child('item', pubsubEventNs)?.firstChild()
  const room = bareJid(message.attr('from') ?? '')
  const isOfRoom = room !== undefined && bareJid(inner?.attr('from') ?? '') === room
  return inner?.name === 'message' && isOfRoom ? inner : message
}

/** Whether an address is a domain, and nothing else. */
export function isDomain(address: string): boolean {
  return !hasResource(address) && !address.includes('@') && bareJid(address) !== undefined
}
