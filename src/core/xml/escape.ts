const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
}
/** What must be escaped, and what XML 1.0 §2.2 allows nowhere (surrogates: perhaps). */
const suspicious = /[&<>'"\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/
const everySpecial = /[&<>'"]/g
const everyForbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g

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
