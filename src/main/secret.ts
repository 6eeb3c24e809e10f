import { createHash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

/** Text that no log line, error, JSON or string ever shows. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  /** Takes the same time whatever is wrong with `text`, its length included. */
  equals(text: string): boolean {
    return timingSafeEqual(digest(this.#text), digest(text))
  }

  toString(): string {
    return shown
  }

  toJSON(): string {
    return shown
  }

  [inspect.custom](): string {
    return shown
  }
}

const shown = '[secret]'

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
