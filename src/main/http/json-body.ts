import { HttpFault } from './fault.ts'
import { findJsonFault } from './json-fault.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The value in a request's body. Throws an HttpFault that says where it is not JSON. */
export function parseJsonBody(bytes: Buffer): unknown {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw new HttpFault(400, 'invalid-json', 'The body is not UTF-8.')
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new HttpFault(400, 'invalid-json', `The body is not JSON: ${whereWrong(text)}.`)
  }
}

function whereWrong(text: string): string {
  if (text.trim() === '') return 'it is empty'
  const offset = findJsonFault(text) ?? text.length
  const before = text.slice(0, offset).split('\n')
  const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1} (position ${offset})`
  return offset === text.length ? `it ends too early, at ${place}` : `unexpected character at ${place}`
}
