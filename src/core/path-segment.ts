/** Characters that stand for themselves in a path segment (RFC 3986 §3.3): real tokens hold no others. */
const plainSegment = /^[A-Za-z0-9_:~-][A-Za-z0-9_:.~-]*$/

/**
 * A stranger's text, a device id for one, as exactly one path segment. A lone surrogate becomes U+FFFD (it has no
 * UTF-8), and '.' and '..' are escaped too, so that nobody on the way who tidies paths as text takes them for steps
 * (RFC 3986 §6.2.2.3).
 */
export function encodeSegment(id: string): string {
  if (plainSegment.test(id)) return id
  if (id === '.') return '%2E'
  if (id === '..') return '%2E%2E'
  return encodeURIComponent(id.toWellFormed())
}
