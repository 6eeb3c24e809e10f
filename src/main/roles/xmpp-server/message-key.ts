import { createHash } from 'node:crypto'
import { bareJid, domainOfBare } from '../../../core/jid.ts'
import type { Element } from '../../../core/xml/element.ts'
import { hashOf } from '../../text-hash.ts'
import { encryptionIn } from './encryption.ts'
import { conferenceNs, jingleMessageNs, mucUserNs, stanzaIdNs } from './namespaces.ts'
import { type ToldMessage, textOf } from './told-message.ts'

/** Ids are the clients': one may be as long as a stanza. */
const maxKeyLength = 500

/**
 * What a message is known by when it is told of again; undefined: it cannot be known. That is the id that the user's
 * server or the room gave it (XEP-0359); without one, its own id together with its type and text, since there are
 * clients that number from 1, and senders that use one id for all. Pure.
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
  // A copy: as it is put together it would keep alive, for minutes, all that was read from a socket at once with it.
  return Buffer.from(key).toString()
}

/** Only from whom the user's server lets nobody else write in the name of: itself, its user; in a room, the room. */
function stanzaIdOf({ to, from, type }: ToldMessage, stanza: Element): string | undefined {
  let found: string | undefined
  for (const child of stanza.children) {
    if (typeof child === 'string' || child.name !== 'stanza-id' || child.ns !== stanzaIdNs) continue
    const id = child.attr('id') ?? ''
    const by = bareJid(child.attr('by') ?? '')
    if (id === '' || by === undefined) continue
    // The room's stands in all copies of a message, the archive's perhaps only in some.
    if (type === 'groupchat' && by === bareJid(from)) return id
    if (by === to) found = id
    else if (by === domainOfBare(to)) found ??= id
  }
  return found
}

/** Of what there is to read, or would be if it were not encrypted. */
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
