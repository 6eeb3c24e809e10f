/**
 * Finds where a text stops being JSON (RFC 8259): an offset, or undefined when it is JSON. Only for texts that
 * `JSON.parse` has refused, whose own message says where only at times. Depth costs no stack.
 */
export function findJsonFault(text: string): number | undefined {
  const open: ('{' | '[')[] = []
  let expected: 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'after-value' = 'value'
  let offset = skipSpace(text, 0)

  while (offset < text.length) {
    const character = text[offset] ?? ''
    if (expected === 'after-value') {
      const inside = open.at(-1)
      if (inside === undefined) return offset
      if (character === ',') {
        expected = inside === '{' ? 'key' : 'value'
      } else if (character === closing[inside]) {
        open.pop()
      } else return offset
      offset++
    } else if (expected === 'key' || expected === 'key-or-end') {
      if (expected === 'key-or-end' && character === '}') {
        open.pop()
        expected = 'after-value'
        offset++
      } else {
        if (character !== '"') return offset
        const end = endOfString(text, offset)
        if (end.fault !== undefined) return end.fault
        offset = skipSpace(text, end.offset)
        if (text[offset] !== ':') return offset
        offset++
        expected = 'value'
      }
    } else if (character === '{' || character === '[') {
      open.push(character)
      expected = character === '{' ? 'key-or-end' : 'value-or-end'
      offset++
    } else if (character === ']' && expected === 'value-or-end') {
      open.pop()
      expected = 'after-value'
      offset++
    } else {
      const end = character === '"' ? endOfString(text, offset) : endOfScalar(text, offset)
      if (end.fault !== undefined) return end.fault
      offset = end.offset
      expected = 'after-value'
    }
    offset = skipSpace(text, offset)
  }
  return expected === 'after-value' && open.length === 0 ? undefined : text.length
}

const closing = { '{': '}', '[': ']' } as const

type End = { readonly offset: number; readonly fault?: undefined } | { readonly fault: number }

const space = /[ \t\r\n]*/y
const scalar = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y
const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

function skipSpace(text: string, offset: number): number {
  space.lastIndex = offset
  return space.test(text) ? space.lastIndex : offset
}

function endOfScalar(text: string, start: number): End {
  scalar.lastIndex = start
  return scalar.test(text) ? { offset: scalar.lastIndex } : { fault: start }
}

function endOfString(text: string, start: number): End {
  let offset = start + 1
  while (offset < text.length) {
    const character = text[offset] ?? ''
    if (character === '"') return { offset: offset + 1 }
    if (character < ' ') return { fault: offset }
    if (character === '\\') {
      escaped.lastIndex = offset
      if (!escaped.test(text)) return { fault: offset }
      offset = escaped.lastIndex
    } else offset++
  }
  return { fault: text.length }
}
