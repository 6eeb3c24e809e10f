import { bareJid, hasResource } from '../../../core/jid.ts'
import type { Element } from '../../../core/xml/element.ts'
import type { MessageEvent } from './plugin.ts'

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
export function eventOfMessage(message: Element): MessageEvent | undefined {
  const type = pushedType(message.attr('type'))
  const from = message.attr('from')
  const to = bareJid(message.attr('to') ?? '')
  if (message.name !== 'message' || type === undefined || from === undefined || to === undefined)
    return undefined
  return {
    to,
    from,
    type,
    body: bodyOf(message),
    id: message.attr('id') ?? '',
    messageCount: undefined,
    kind: 'offline',
    session: undefined,
    stanza: message,
  }
}

/** A message's text; undefined: it has none. */
export function bodyOf(message: Element): string | undefined {
  return message.child('body', message.ns)?.text()
}

/** Whether an address is a domain, and nothing else. */
export function isDomain(address: string): boolean {
  return !hasResource(address) && !address.includes('@') && bareJid(address) !== undefined
}
