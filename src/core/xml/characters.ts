/**
 * XML 1.0 (fifth edition) §2.2 and §2.3: which characters a document may hold, and which make a name.
 * The colon is left out of names: it stands between prefix and local part (Namespaces in XML 1.0 §4).
 */

/** NameStartChar: ranges, first and last of each. */
const nameStartRanges = [
  0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a, 0xc0, 0xd6, 0xd8, 0xf6, 0xf8, 0x2ff, 0x370, 0x37d, 0x37f, 0x1fff,
  0x200c, 0x200d, 0x2070, 0x218f, 0x2c00, 0x2fef, 0x3001, 0xd7ff, 0xf900, 0xfdcf, 0xfdf0, 0xfffd, 0x10000,
  0xeffff,
]

/** What NameChar adds to them. */
const nameRestRanges = [0x2d, 0x2e, 0x30, 0x39, 0xb7, 0xb7, 0x300, 0x36f, 0x203f, 0x2040]

/** Char. */
const characterRanges = [0x9, 0xa, 0xd, 0xd, 0x20, 0xd7ff, 0xe000, 0xfffd, 0x10000, 0x10ffff]

/** May this code point be the first of a prefix or a local name? */
export function isNameStart(codePoint: number): boolean {
  return isWithin(codePoint, nameStartRanges)
}

/** May this code point be a later one of a prefix or a local name? */
export function isNameCharacter(codePoint: number): boolean {
  return isWithin(codePoint, nameStartRanges) || isWithin(codePoint, nameRestRanges)
}

/** May this code point stand in a document at all, as itself or as a character reference? */
export function isXmlCharacter(codePoint: number): boolean {
  return isWithin(codePoint, characterRanges)
}

function isWithin(codePoint: number, ranges: readonly number[]): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if (codePoint >= ranges[i]! && codePoint <= ranges[i + 1]!) return true
  }
  return false
}
