import { createHash } from 'node:crypto'
import { bareJid, domainOfBare } from '../../../core/jid.ts'
import type { Element } from '../../../core/xml/element.ts'
import { hashOf } from '../../text-hash.ts'
import { encryptionIn } from './encryption.ts'
import { conferenceNs, jingleMessageNs, mucUserNs, stanzaIdNs } from './namespaces.ts'
import { type ToldMessage, textOf } from './told-message.ts'

/** Clients choose ids: one may be as long as a stanza. */
const maxKeyLength = 500

/**
 * The key by which a repeated report of a message is recognized; undefined: it cannot be recognized. The key is the id that
 * the user's server or the room gave it (XEP-0359); without one, its own id together with its type and text, because some
 * clients number from 1, and some senders use one id for all messages. Pure.
 */
export function messageKey(message: ToldMessage): string | undefined {
  const { to, from, id, type, stanza } = message
  const given = stanza && stanzaIdOf(message, stanza)
  if (given === undefined && id === '') return undefined
  const key =
    given === undefined
      ? `${to}\0${from}\0${id}\0${contentHash(message, type).toString(36)}`
      : `${to}\0${from}\0\0${given}`
  if (key.length > maxKeyLength || !key.isWellFormed()) {
    return createHash('sha256').update(key, 'utf16le').digest('base64url')
  }
  // A copy: the concatenated text would keep a whole chunk from the socket in memory, for minutes.
  return Buffer.from(key).toString()
}

/** Counts only if `by` cannot be forged behind the user's server: itself, its user; in a room, the room. */
function stanzaIdOf({ to, from, type }: ToldMessage, stanza: Element): string | undefined {
  let found: string | undefined
  for (const child of stanza.children) {
    if (typeof child === 'string' || child.name !== 'stanza-id' || child.ns !== stanzaIdNs) continue
    const id = child.attr('id') ?? ''
    const by = bareJid(child.attr('by') ?? '')
    if (id === '' || by === undefined) continue
    // The room's id is in all copies of a message, the archive's perhaps only in some.
    if (type === 'groupchat' && by === bareJid(from)) return id
    if (by === to) found = id
    else if (by === domainOfBare(to)) found ??= id
  }
  return found
}

/** A hash of the text, or of the encrypted content. */
function contentHash(message: ToldMessage, type: string): number {
  const text = textOf(message, '')
  const start = hashOf(type)
  if (text !== undefined || message.stanza === undefined) return hashOf(text ?? '', start) >>> 0
  let hash = start
  const encryption = encryptionIn(message.stanza)
  for (const child of message.stanza.children) {
    if (typeof child !== 'string' && (child.ns === encryption || contentNs.includes(child.ns))) {
      hash = elementHash(child, hash)
    }
  }
  return hash >>> 0
}

/** Calls, invitations. */
const contentNs: readonly string[] = [jingleMessageNs, conferenceNs, mucUserNs]

function elementHash({ name, attributes, children }: Element, before: number): number {
  let hash = hashOf(name, before)
  for (const text of attributes) hash = hashOf(text, hash)
  for (const child of children) {
    hash = typeof child === 'string' ? hashOf(child, hash) : elementHash(child, hash)
  }
  return hash
}
