export const ellipsis = '…'

const characters = new Intl.Segmenter('und', { granularity: 'grapheme' })

/**
 * The beginning of a text and an ellipsis, within `limitBytes`; undefined when not even an ellipsis fits. It ends between
 * two characters as a reader sees them. `bytesOf` says what a text counts: it must not be less than its length.
 */
export function cutText(
  text: string,
  limitBytes: number,
  bytesOf: (text: string) => number,
): string | undefined {
  const roomBytes = limitBytes - bytesOf(ellipsis)
  if (roomBytes < 0) return undefined
  let bytes = 0
  // Past this the room is full: a character that began before it and is cut in two here does not fit either.
  for (const { segment, index } of characters.segment(text.slice(0, roomBytes + 1))) {
    bytes += bytesOf(segment)
    if (bytes > roomBytes) return text.slice(0, index) + ellipsis
  }
  return text + ellipsis
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
