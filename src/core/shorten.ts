import { cutText, utf8Bytes } from './cut-text.ts'
import type { Notification } from './notification.ts'

/**
 * Bytes of UTF-8 that a text keeps at most when a push was too large. Providers take 4096 bytes in all: this
 * leaves room for title, topic and JSON escapes, and is more than any device shows.
 */
const shortTextBytes = 1024

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

function cut(text: string): string | undefined {
  const limitBytes = Math.min(shortTextBytes, Math.floor(utf8Bytes(text) / 2))
  // Room for one byte and an ellipsis: less is no text.
  return limitBytes < 4 ? undefined : cutText(text, limitBytes, utf8Bytes)
}
