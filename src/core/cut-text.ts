export const ellipsis = '…'

/** Made when a text is cut for the first time: that takes 10 ms, which a start does not wait for. */
let characters: Intl.Segmenter | undefined

/**
 * The beginning of a text and an ellipsis, within `limitBytes`; undefined when not even an ellipsis fits. It ends between
 * two characters as a reader sees them. `bytesOf` says what a text counts: it must not be less than its length.
 *
 * The work is bounded by the limit, not by the length of the text, and the result does not keep the text in memory.
 */
export function cutText(
  text: string,
  limitBytes: number,
  bytesOf: (text: string) => number,
): string | undefined {
  const roomBytes = limitBytes - bytesOf(ellipsis)
  if (roomBytes < 0) return undefined
  return copied(text.slice(0, boundaryBefore(text, longestWithin(text, roomBytes, bytesOf))) + ellipsis)
}

/** The length of the longest prefix that counts at most `roomBytes` and does not end within a surrogate pair. */
function longestWithin(text: string, roomBytes: number, bytesOf: (text: string) => number): number {
  let fits = 0
  let tooLong = Math.min(text.length, roomBytes) + 1
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1
    const end = isWithinPair(text, middle) ? middle - 1 : middle
    if (bytesOf(text.slice(0, end)) <= roomBytes) fits = middle
    else tooLong = middle
  }
  return isWithinPair(text, fits) ? fits - 1 : fits
}

function isWithinPair(text: string, at: number): boolean {
  return (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(at) & 0xfc00) === 0xdc00
}

/** The last place, at `end` or before it, between two characters as a reader sees them. */
function boundaryBefore(text: string, end: number): number {
  // Whether there is one in front of a code point depends on that one and on what stands before it (UAX 29 §3.1.1).
  const near = text.slice(0, end + 2)
  characters ??= new Intl.Segmenter('und', { granularity: 'grapheme' })
  return characters.segment(near).containing(end)?.index ?? end
}

/** A copy: a slice or a concatenated text keeps the texts in memory that it is made of. */
function copied(text: string): string {
  return JSON.parse(JSON.stringify(text))
}

/** Bytes of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    // Each half of a surrogate pair counts 2 of its 4 bytes.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3
  }
  return bytes
}

/** Bytes of a well-formed text in a JSON string, without its quotes. */
export function jsonTextBytes(text: string): number {
  return utf8Bytes(JSON.stringify(text)) - 2
}
