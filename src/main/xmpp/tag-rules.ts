import { notWellFormed, type StreamFaultError } from './stream-error.ts'

/** The prefix that an attribute of this name declares, '' for the default namespace; undefined: it declares none. */
export function declaredPrefix(name: string): string | undefined {
  if (name === 'xmlns') return ''
  return name.startsWith('xmlns:') ? name.slice(6) : undefined
}

/** Namespaces in XML 1.0 §3: no element may have this prefix. */
export function refuseXmlnsPrefix(name: string, colon: number): void {
  if (colon === 5 && name.startsWith('xmlns:')) throw notWellFormed('An element with the prefix xmlns.')
}

export function duplicateAttribute(): StreamFaultError {
  return notWellFormed('An attribute given twice.')
}

export function badDeclaration(): StreamFaultError {
  return notWellFormed('A namespace declaration that XML forbids.')
}
