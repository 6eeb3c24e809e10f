import { cutText, utf8Bytes } from './cut-text.ts'

/**
 * Limits on the texts of one push that other users wrote. Providers accept 4 KiB for a whole push, so longer texts would
 * only cost memory and disk. Pure.
 */

/** Bytes of UTF-8 of a title, of a body, of one value for the app. */
export const maxTextBytes = 4096
/** Bytes of UTF-8 of all values for the app together. */
export const maxValuesBytes = 8192
/** Fields of one push: more than any server or plugin sends. */
export const maxFields = 64
/** Bytes of UTF-8 of a field's name. */
export const maxNameBytes = 256

/** The text, cut between two characters as a reader sees them where it is longer than `maxTextBytes`. */
export function fitText(text: string): string {
  return isWithin(text, maxTextBytes) ? text : cut(text, maxTextBytes)
}

/** Whether a text has this many bytes of UTF-8 at most. */
export function isWithin(text: string, limitBytes: number): boolean {
  const { length } = text
  return length * 3 <= limitBytes || (length <= limitBytes && utf8Bytes(text) <= limitBytes)
}

/**
 * The values in their order, each within `maxTextBytes`, and all of them within `maxValuesBytes`: the longest are cut,
 * all to one length, so that a short one keeps what it says. At most `maxFields` values. The same array when nothing is
 * too long.
 */
export function fitValues(values: readonly string[]): readonly string[] {
  let units = 0
  for (const value of values) units += value.length
  if (units * 3 <= maxTextBytes) return values

  const lengths = values.map((value) => (value.length > maxTextBytes ? maxTextBytes : utf8Bytes(value)))
  const limitBytes = Math.min(maxTextBytes, evenLimit(lengths))
  if (values.every((value) => isWithin(value, limitBytes))) return values
  return values.map((value) => (isWithin(value, limitBytes) ? value : cut(value, limitBytes)))
}

/** The largest limit per value with which all values are within `maxValuesBytes`. */
function evenLimit(lengths: readonly number[]): number {
  const ascending = lengths.toSorted((a, b) => a - b)
  let roomBytes = maxValuesBytes
  for (const [i, bytes] of ascending.entries()) {
    const share = Math.floor(roomBytes / (ascending.length - i))
    if (bytes > share) return share
    roomBytes -= bytes
  }
  return maxValuesBytes
}

function cut(text: string, limitBytes: number): string {
  const beginning = cutText(text, limitBytes, utf8Bytes)
  if (beginning === undefined) throw new RangeError(`no room for an ellipsis in ${limitBytes} bytes`)
  return beginning
}
