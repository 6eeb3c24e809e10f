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
