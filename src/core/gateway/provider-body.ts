import { isJsonObject, type JsonObject } from '../json.ts'

/** The object that a provider's body is; undefined for anything else, which it may be (empty, HTML, cut off). */
export function parseObject(body: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return isJsonObject(value) ? value : undefined
  } catch {
    // Not JSON: the status alone has to do.
    return undefined
  }
}

/** What providers call their reasons. Words are logged and answered with; a sentence may quote a message. */
const oneWord = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/

export function isWord(value: unknown): value is string {
  return typeof value === 'string' && oneWord.test(value)
}
