import { utf8Of, withoutMark } from './bytes.ts'
import { type ExportReader, type Imported, imported, maxEntryBytes } from './export-reader.ts'
import type { Fields } from './imported-subscription.ts'

/** Lines of JSON, each a subscription, in the names that /admin/subscriptions knows. */
export class JsonLines implements ExportReader {
  readonly #path: string
  #rest = ''
  #line = 1
  /** Within a line that is too long to be kept. */
  #isSkipping = false

  /** @param path as it is named to people */
  constructor(path: string) {
    this.#path = path
  }

  push(bytes: string): Imported[] {
    const lines = (this.#rest + bytes).split('\n')
    this.#rest = lines.pop() ?? ''
    const found: Imported[] = []
    for (const line of lines) {
      this.#take(line, found)
      this.#isSkipping = false
      this.#line++
    }
    if (this.#rest.length > maxEntryBytes) {
      this.#take(this.#rest, found)
      this.#rest = ''
      this.#isSkipping = true
    }
    return found
  }

  end(): Imported[] {
    return this.push('\n')
  }

  #take(given: string, found: Imported[]): void {
    if (this.#isSkipping) return
    const line = this.#line === 1 ? withoutMark(given) : given
    if (line.trim() !== '') found.push(imported(`${this.#path}:${this.#line}`, fieldsIn(line)))
  }
}

function fieldsIn(line: string): Fields | string {
  if (line.length > maxEntryBytes) return 'is too long'
  const text = utf8Of(line)
  if (text === undefined) return 'is not UTF-8'
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'is no JSON'
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  return 'is no JSON object'
}
