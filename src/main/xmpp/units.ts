import { isNameCharacter, isNameStart } from '../../core/xml/characters.ts'

/**
 * The units that a stream's text is scanned by. A unit stands for one UTF-16 unit of the text: it is an
 * ASCII code, or one of these two.
 */
export const nonAscii = 0x80
/** U+FFFE or U+FFFF, which no document may hold (XML 1.0 §2.2). */
export const nonCharacter = 0xff

export const tab = 0x9
export const lineFeed = 0xa
export const carriageReturn = 0xd
export const space = 0x20
export const bang = 0x21
export const doubleQuote = 0x22
export const ampersand = 0x26
export const singleQuote = 0x27
export const slash = 0x2f
export const colonSign = 0x3a
export const less = 0x3c
export const equals = 0x3d
export const greater = 0x3e
export const question = 0x3f
export const closingBracket = 0x5d

// What a unit may be: bits in `classes`.
/** Of a name, the colon and what is not ASCII left out. */
export const inNames = 1
/** The first of a name, the same left out. */
export const startsNames = 2
/** Nothing to look at in text. */
export const plainInText = 4
/** Nothing to look at in an attribute's value. */
export const plainInValue = 8
export const isSpace = 16
/** In no document. */
export const isForbidden = 32

const spaces = [space, tab, lineFeed, carriageReturn]
const notPlainInText = [less, greater, ampersand, carriageReturn]
const notPlainInValue = [less, ampersand, doubleQuote, singleQuote, tab, lineFeed, carriageReturn]

/** The bits of every unit. */
export const classes = Uint8Array.from({ length: 256 }, (_, unit) => {
  if (spaces.includes(unit)) return isSpace | plainBits(unit)
  if (unit < space || unit > nonAscii) return isForbidden
  if (unit === nonAscii) return plainBits(unit)
  return plainBits(unit) | (isNameCharacter(unit) ? inNames : 0) | (isNameStart(unit) ? startsNames : 0)
})

function plainBits(unit: number): number {
  return (
    (notPlainInText.includes(unit) ? 0 : plainInText) | (notPlainInValue.includes(unit) ? 0 : plainInValue)
  )
}
