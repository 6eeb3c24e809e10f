import { isUtf8 } from 'node:buffer'

/** The text that bytes (each a character) are in UTF-8; undefined when they are not UTF-8. */
export function utf8Of(bytes: string): string | undefined {
  if (isAscii(bytes)) return bytes
  const buffer = Buffer.from(bytes, 'latin1')
  return isUtf8(buffer) ? buffer.toString() : undefined
}

function isAscii(bytes: string): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes.charCodeAt(i) > 0x7f) return false
  return true
}

/** The mark that some programs put before UTF-8. */
const byteOrderMark = '\xef\xbb\xbf'

export function withoutMark(bytes: string): string {
  return bytes.startsWith(byteOrderMark) ? bytes.slice(byteOrderMark.length) : bytes
}

export function countLines(bytes: string): number {
  let count = 0
  for (let i = bytes.indexOf('\n'); i !== -1; i = bytes.indexOf('\n', i + 1)) count++
  return count
}

/** A time in microseconds since the epoch, in digits, as ISO 8601; undefined when it is none. */
export function timeOfMicroseconds(digits: string): string | undefined {
  if (!/^\d{1,17}$/.test(digits)) return undefined
  return new Date(Math.floor(Number(digits) / 1000)).toISOString()
}
