import type { Element } from '../../../core/xml/element.ts'

/** Recognizes encrypted messages, and their fallback texts for clients that cannot decrypt. Pure. */

const encryptionMarkNs = 'urn:xmpp:eme:0'
const fallbackNs = 'urn:xmpp:fallback:0'
const omemoNs: readonly string[] = ['eu.siacs.conversations.axolotl', 'urn:xmpp:omemo:1', 'urn:xmpp:omemo:2']
const openPgpNs: readonly string[] = ['urn:xmpp:openpgp:0', 'jabber:x:encrypted']

/** The namespace of a message's encryption; undefined: it is not encrypted. */
export function encryptionIn(stanza: Element): string | undefined {
  let marked: string | undefined
  let isKeyTransport = false
  for (const child of stanza.children) {
    if (typeof child === 'string') continue
    const { name, ns } = child
    if (name === 'encrypted' && omemoNs.includes(ns)) {
      // Without a payload it only transports keys (XEP-0384 §4.6): there is no text.
      if (child.child('payload', ns) !== undefined) return ns
      isKeyTransport = true
    } else if (openPgpNs.includes(ns) && (name === 'openpgp' || name === 'x')) {
      return ns
    } else if (name === 'encryption' && ns === encryptionMarkNs) {
      marked = child.attr('namespace') ?? ''
    }
  }
  return isKeyTransport ? undefined : marked
}

/**
 * Whether the message marks its whole text as one for clients that do not know its encryption (XEP-0428). `encryption`:
 * from `encryptionIn`.
 */
export function marksFallback(stanza: Element, text: string, encryption: string | undefined): boolean {
  let codePoints: number | undefined
  for (const child of stanza.children) {
    if (typeof child === 'string' || child.name !== 'fallback' || child.ns !== fallbackNs) continue
    const reason = child.attr('for')
    const isOfEncryption =
      reason === undefined
        ? encryption !== undefined
        : reason === encryption || omemoNs.includes(reason) || openPgpNs.includes(reason)
    if (!isOfEncryption) continue
    // Counted once: a message may have thousands of ranges.
    codePoints ??= [...text].length
    if (coversAll(child, codePoints)) return true
  }
  return false
}

/** XEP-0428 §3.2, with ranges in code points: without `<body/>`, or without a range in it, the whole text is a fallback. */
function coversAll(fallback: Element, codePoints: number): boolean {
  if (fallback.firstChild() === undefined) return true
  return fallback.elements('body', fallbackNs).some((body) => {
    const start = Number(body.attr('start') ?? 0)
    const end = Number(body.attr('end') ?? Number.POSITIVE_INFINITY)
    return start === 0 && end >= codePoints
  })
}

/** Prefixes of the fallback texts of clients, with straight apostrophes. Users do not write such texts themselves. */
const fallbackTexts: readonly string[] = [
  // Conversations and its forks, Siskin, Smack
  "I sent you an OMEMO encrypted message but your client doesn't seem to support that",
  "I sent you a PGP encrypted message but your client doesn't seem to support that",
  // Converse.js
  "This is an OMEMO encrypted message which your client doesn't seem to support",
  // Gajim, Profanity
  "You received a message encrypted with OMEMO but your client doesn't support OMEMO",
  // Dino, Monal
  '[This message is OMEMO encrypted]',
  '[This message is OpenPGP encrypted',
  // XEP-0374's own
  'This message is encrypted with XEP-0374',
]
const longestFallback = 400

/** Whether a text is one of the known fallback texts. */
export function isFallbackText(text: string): boolean {
  if (text.length > longestFallback) return false
  const straight = text.trimStart().replaceAll('\u2019', "'")
  return fallbackTexts.some((beginning) => straight.startsWith(beginning))
}
