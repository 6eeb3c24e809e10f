import { resolveReferences } from '../../core/xml/references.ts'
import { StreamFaultError } from './stream-error.ts'

/** Character data as written → as meant: line ends (XML 1.0 §2.11), then references. */
export function readText(written: string): string {
  if (written.includes(']]>')) throw new StreamFaultError('not-well-formed', 'Text holds "]]>".')
  return resolve(readCdata(written))
}

/** The inside of a CDATA section: line ends are all there is to do (XML 1.0 §2.7, §2.11). */
export function readCdata(written: string): string {
  return written.includes('\r') ? written.replace(/\r\n?/g, '\n') : written
}

/** An attribute's value as written → normalised (XML 1.0 §3.3.3: all attributes are CDATA here). */
export function readAttributeValue(written: string): string {
  return resolve(written.replace(/\r\n|[\t\n\r]/g, ' '))
}

/**
 * How much of an incomplete run of text, as written, can be decoded before the rest of it arrives: all but the end that may
 * belong together with the next unit.
 */
export function readableText(written: string): number {
  const reference = unfinishedReference(written)
  if (reference !== -1) return reference
  return readableCdata(written)
}

/** The same for the inside of a CDATA section, or what may be its end. */
export function readableCdata(written: string): number {
  const { length } = written
  if (written.endsWith(']]')) return length - 2
  const last = written.charCodeAt(length - 1)
  const isHighSurrogate = last >= 0xd800 && last < 0xdc00
  return isHighSurrogate || written.endsWith(']') || written.endsWith('\r') ? length - 1 : length
}

function unfinishedReference(written: string): number {
  const at = written.lastIndexOf('&')
  return at === -1 || written.includes(';', at) ? -1 : at
}

/** Longer than the longest valid reference without leading zeros. */
const longestReference = 32

/**
 * The beginning of a reference, shortened by leading zeros of its number, to wait for its end. A beginning that is too long
 * for a reference is refused.
 */
export function waitingText(written: string): string {
  if (written.length <= longestReference) return written
  const shortened = written.replace(/^(&#x?)0+(?=0)/, '$1')
  if (shortened.length > longestReference) resolve(`${shortened};`)
  return shortened
}

function resolve(written: string): string {
  const resolved = resolveReferences(written)
  if (typeof resolved === 'string') return resolved
  switch (resolved.fault) {
    case 'undeclared':
      throw new StreamFaultError('restricted-xml', 'An entity other than the five predefined ones.')
    case 'malformed':
      throw new StreamFaultError('not-well-formed', 'A malformed reference.')
  }
}

const declaration =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(["'])1\.0\1([ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(["'])(?<encoding>[A-Za-z][\w.-]*)\3)?([ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(["'])(yes|no)\6)?[ \t\r\n]*\?>$/

/** Checks what stands between the stream's first `<?` and the first `?>`, both included (XML 1.0 §2.8). */
export function checkXmlDeclaration(written: string): void {
  if (!/^<\?xml[ \t\r\n]/.test(written)) {
    throw new StreamFaultError('restricted-xml', 'A processing instruction.')
  }
  const found = declaration.exec(written)
  if (found === null) throw new StreamFaultError('not-well-formed', 'A malformed XML declaration.')
  const encoding = found.groups?.encoding ?? 'UTF-8'
  if (encoding.toUpperCase() !== 'UTF-8') {
    throw new StreamFaultError(
      'unsupported-encoding',
      'The XML declaration names an encoding other than UTF-8.',
    )
  }
}
