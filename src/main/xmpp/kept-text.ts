import { Buffer } from 'node:buffer'

/** V8 copies slices shorter than this; a longer slice keeps the whole string in memory. */
const shortestPart = 13

/** The same text, as a copy that keeps no other text in memory. */
export function copyOf(text: string): string {
  return text.length < shortestPart ? text : Buffer.from(text).toString()
}

const encoder = new TextEncoder()

/** The beginning of a text that has at most so many bytes in UTF-8, in whole characters. */
export function beginningOf(text: string, bytes: number): string {
  const { read } = encoder.encodeInto(text, new Uint8Array(bytes))
  return text.slice(0, read)
}
