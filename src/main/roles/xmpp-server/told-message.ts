import { bareJid, hasResource } from '../../../core/jid.ts'
import type { Element } from '../../../core/xml/element.ts'
import { encryptionIn, isFallbackText, marksFallback } from './encryption.ts'
import { conferenceNs, mixNsPrefix, mucUserNs } from './namespaces.ts'
import type { EventContentOptions } from './options.ts'
import type { MessageEvent } from './plugin.ts'

/** A message as it was reported. `body` undefined: the text is in the stanza. */
export type ToldMessage = Omit<MessageEvent, 'sender'>

/** The event that plugins see, with the text and the sender to show. Pure. */
export function completeEvent(message: ToldMessage, content: EventContentOptions): MessageEvent {
  return { ...message, body: readableText(message, content), sender: shownSender(message, content.sender) }
}

/** The message's own text, never empty, preferably in `language`; undefined: it has none. Pure. */
export function textOf({ body, stanza }: ToldMessage, language: string): string | undefined {
  if (body !== undefined || stanza === undefined) return body === '' ? undefined : body
  let first: string | undefined
  for (const child of stanza.children) {
    if (typeof child === 'string' || child.name !== 'body' || child.ns !== stanza.ns) continue
    const text = child.text()
    if (text === '') continue
    if (language === '' || isIn(language, child.attr('xml:lang') ?? stanza.attr('xml:lang'))) return text
    first ??= text
  }
  return first
}

function readableText(message: ToldMessage, content: EventContentOptions): string | undefined {
  const { stanza } = message
  const text = textOf(message, content.language)
  const encryption = stanza && encryptionIn(stanza)
  if (text === undefined) {
    if (encryption !== undefined) return content.encryptedBody
    return stanza !== undefined && isInvitation(stanza) ? content.invitationBody : undefined
  }
  // A fallback text for clients that cannot decrypt is useless in a push.
  const isFallback = isFallbackText(text) || (stanza !== undefined && marksFallback(stanza, text, encryption))
  return isFallback ? content.encryptedBody : text
}

/** RFC 4647 §3.3.1: `de` matches `de-AT`, too. */
function isIn(language: string, tag: string | undefined): boolean {
  if (tag === undefined) return false
  const wanted = language.toLowerCase()
  const given = tag.toLowerCase()
  return given === wanted || given.startsWith(`${wanted}-`)
}

/** An invitation to a room: direct (XEP-0249), or through the room (XEP-0045 §7.8.2). */
function isInvitation(stanza: Element): boolean {
  if (stanza.child('x', conferenceNs)?.attr('jid') !== undefined) return true
  return stanza.child('x', mucUserNs)?.child('invite', mucUserNs) !== undefined
}

/** In a room the nick identifies the sender, also in a private message. */
function shownSender({ from, type, stanza }: ToldMessage, form: 'full' | 'bare'): string {
  const bare = bareJid(from)
  if (type === 'groupchat') {
    const nick = stanza && mixNickIn(stanza)
    return nick === undefined || bare === undefined ? from : `${bare}/${nick}`
  }
  if (form === 'full' || bare === undefined) return from
  const isOfRoom = hasResource(from) && stanza?.child('x', mucUserNs) !== undefined
  return isOfRoom ? from : bare
}

/** The nick of the sender in a MIX channel, whose address has only an id. */
function mixNickIn(stanza: Element): string | undefined {
  for (const child of stanza.children) {
    if (typeof child === 'string' || child.name !== 'mix' || !child.ns.startsWith(mixNsPrefix)) continue
    const nick = child.child('nick', child.ns)?.text().trim()
    return nick === '' ? undefined : nick
  }
  return undefined
}
