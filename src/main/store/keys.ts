import { createHash } from 'node:crypto'

/**
 * How names become keys. A key is one string: parts, each closed off by a separator, so that all
 * entries that begin with the same parts are neighbours.
 *
 * A part is the name itself when it is short, well-formed and free of control characters. Any other
 * name (a JID or a node may have 3 KiB, LMDB's keys 1978 bytes) stands there as its SHA-256. The mark
 * before the hash cannot begin a plain part, so two names share a key only if SHA-256 collides.
 */

/** Between parts; never within one. (lmdb does not read back keys with characters below 0x1c.) */
export const separator = '\x1f'
const hashMark = '\x7f'

/** Five parts of this size (the longest key: node, then device) stay under LMDB's 1978 bytes. */
const maxPartBytes = 320

/** A name as it stands in keys. */
export function keyPart(name: string): string {
  return isPlain(name) ? name : hashMark + createHash('sha256').update(name, 'utf16le').digest('base64url')
}

/** The name that a part is of; undefined: it is a hash. */
export function nameOfPart(part: string): string | undefined {
  return part.startsWith(hashMark) ? undefined : part
}

function isPlain(name: string): boolean {
  if (name.length > maxPartBytes) return false
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i)
    if (unit < 0x20 || unit === 0x7f) return false
  }
  // A lone surrogate has no UTF-8 form: all of them would become the same bytes.
  if (!name.isWellFormed()) return false
  return name.length * 3 <= maxPartBytes || Buffer.byteLength(name) <= maxPartBytes
}

/** Above every key. */
export const behindAllKeys = '\u{10ffff}'

/** The first key after all that begin with this prefix, which ends with a separator. */
export function endOfPrefix(prefix: string): string {
  return `${prefix.slice(0, -1)}\x20`
}

/** The first key after this one. */
export function keyAfter(key: string): string {
  return `${key}\x20`
}

/** The order of keys in LMDB: that of their UTF-8 bytes, which is that of their characters' code points. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    // Surrogates stand for characters above all others.
    if (x !== y) return aboveSurrogates(x) - aboveSurrogates(y)
  }
  return a.length - b.length
}

function aboveSurrogates(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
