import { isNameCharacter, isNameStart, isXmlCharacter } from './characters.ts'

/** Why references cannot be replaced: one is no reference at all, or names what was never declared. */
export interface ReferenceFault {
  readonly fault: 'malformed' | 'undeclared'
}

const malformed: ReferenceFault = { fault: 'malformed' }
const undeclared: ReferenceFault = { fault: 'undeclared' }

/**
 * The entities that need no declaration (XML 1.0 §4.6). A stream has no others, for it has no DTD to
 * declare them (RFC 6120 §11.1).
 */
const predefined: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

/**
 * A concatenated text keeps its pieces until it is read whole. Pieces of one character each take thirty times the size of
 * the text, so they are joined after so many pieces.
 */
const manyReferences = 32

/**
 * The text with its entity and character references replaced (XML 1.0 §4.1), each once: `&amp;lt;` is
 * `&lt;`.
 */
export function resolveReferences(text: string): string | ReferenceFault {
  let resolved = ''
  let parts: string[] | undefined
  let count = 0
  let from = 0
  for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', from)) {
    const semicolon = text.indexOf(';', at)
    if (semicolon === -1) return malformed
    const character = resolveReference(text.slice(at + 1, semicolon))
    if (typeof character !== 'string') return character
    resolved += text.slice(from, at) + character
    from = semicolon + 1
    if (++count % manyReferences === 0) {
      parts ??= []
      parts.push(resolved)
      resolved = ''
    }
  }
  const end = resolved + text.slice(from)
  return parts === undefined ? end : parts.join('') + end
}

function resolveReference(name: string): string | ReferenceFault {
  const character = predefined.get(name)
  if (character !== undefined) return character
  if (name.startsWith('#')) return resolveCharacter(name)
  return isEntityName(name) ? undeclared : malformed
}

/** `#60` or `#x3c` as the character that it stands for, which must be one that XML allows. */
function resolveCharacter(name: string): string | ReferenceFault {
  const hexadecimal = name.startsWith('#x')
  const digits = name.slice(hexadecimal ? 2 : 1)
  if (!(hexadecimal ? /^[0-9a-fA-F]+$/ : /^[0-9]+$/).test(digits)) return malformed
  const codePoint = Number.parseInt(digits, hexadecimal ? 16 : 10)
  return isXmlCharacter(codePoint) ? String.fromCodePoint(codePoint) : malformed
}

function isEntityName(name: string): boolean {
  for (const character of name) {
    const codePoint = character.codePointAt(0) ?? 0
    if (!isNameCharacter(codePoint) && character !== ':') return false
  }
  return name.startsWith(':') || isNameStart(name.codePointAt(0) ?? 0)
}
