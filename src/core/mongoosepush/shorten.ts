import type { Notification } from '../notification.ts'

/**
 * Bytes of UTF-8 that a text keeps at most when a push was too large. Providers take 4096 bytes in all: this
 * leaves room for title, topic and JSON escapes, and is more than any device shows.
 */
const shortTextBytes = 1024
const ellipsis = '…'
const ellipsisBytes = 3

/**
 * The same push with its longest text cut: an alert's body, or the longest value of a silent push. It keeps
 * half of its bytes, at most `shortTextBytes`, and ends between two characters as a reader sees them, with
 * an ellipsis. Undefined when there is nothing left to cut.
 */
export function shorten(notification: Notification): Notification | undefined {
  const { content } = notification
  if (content.kind === 'alert') {
    const body = cut(content.body)
    return body === undefined ? undefined : { ...notification, content: { ...content, body } }
  }
  let longest = -1
  let longestLength = 0
  for (const [i, [, value]] of content.data.entries()) {
    if (typeof value === 'string' && value.length > longestLength) {
      longest = i
      longestLength = value.length
    }
  }
  const entry = content.data[longest]
  if (entry === undefined || typeof entry[1] !== 'string') return undefined
  const value = cut(entry[1])
  if (value === undefined) return undefined
  const data = content.data.with(longest, [entry[0], value])
  return { ...notification, content: { ...content, data } }
}

const characters = new Intl.Segmenter('und', { granularity: 'grapheme' })

function cut(text: string): string | undefined {
  const limitBytes = Math.min(shortTextBytes, Math.floor(utf8Bytes(text) / 2)) - ellipsisBytes
  if (limitBytes <= 0) return undefined
  let bytes = 0
  // A character of several code points may be long, but none is longer than what can be kept at all.
  for (const { segment, index } of characters.segment(text.slice(0, shortTextBytes * 2))) {
    bytes += utf8Bytes(segment)
    if (bytes > limitBytes) return index === 0 ? ellipsis : text.slice(0, index) + ellipsis
  }
  return undefined
}

function utf8Bytes(text: string): number {
  let bytes = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    // Each half of a surrogate pair counts 2 of its 4 bytes.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3
  }
  return bytes
}
