import { utf8Bytes } from '../cut-text.ts'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
  // Readers make spaces of these in attributes (XML 1.0 §3.3.3), and a line feed of the last one anywhere (§2.11).
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}
/** What must be escaped, and what XML 1.0 §2.2 allows nowhere (surrogates: perhaps). */
const suspicious = /[&<>'"\0-\x1f\ud800-\udfff\ufffe\uffff]/
const everySpecial = /[&<>'"\t\n\r]/g
const everyForbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g

/** Bytes of a text as `escapeXml` writes it. */
export function writtenBytes(text: string): number {
  return utf8Bytes(escapeXml(text))
}

/**
 * Text made safe to stand in an element or between the quotes of an attribute. Characters that no XML
 * document may hold become U+FFFD: a stanza with one would cost the whole stream.
 */
export function escapeXml(text: string): string {
  if (!suspicious.test(text)) return text
  return text
    .toWellFormed()
    .replace(everyForbidden, '\ufffd')
    .replace(everySpecial, (character) => entities[character]!)
}
