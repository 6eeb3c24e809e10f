import { createHash, hash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

/** What no log line, error, JSON or string ever shows. */
export abstract class Hidden {
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

export class Secret extends Hidden {
  readonly #text: string
  /** Made when it is first needed. */
  #digest: Buffer | undefined

  constructor(text: string) {
    super()
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  /** Takes the same time whatever is wrong with `text`, its length included. */
  equals(text: string): boolean {
    this.#digest ??= sha256(this.#text)
    return timingSafeEqual(this.#digest, sha256(text))
  }
}

/** The bearer tokens of several callers. */
export class BearerTokens extends Hidden {
  readonly #digests: readonly Buffer[]

  constructor(tokens: readonly string[]) {
    super()
    this.#digests = tokens.map(sha256)
  }

  /** Whether the token is one of them. The time does not depend on the token. */
  has(text: string): boolean {
    const digest = sha256(text)
    let found = false
    for (const known of this.#digests) if (timingSafeEqual(known, digest)) found = true
    return found
  }
}

/** What was made of the bytes of secret files. */
export class SecretContent<T> extends Hidden {
  readonly #content: T
  readonly #digest: Buffer

  /** `sources`: the files' bytes, in an order of their own. */
  constructor(content: T, sources: readonly Uint8Array[]) {
    super()
    this.#content = content
    this.#digest = digest(sources.map((source) => digest([source])))
  }

  reveal(): T {
    return this.#content
  }

  /** It was made of the same bytes. */
  equals(other: SecretContent<unknown>): boolean {
    return timingSafeEqual(this.#digest, other.#digest)
  }
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}

function digest(parts: readonly (string | Uint8Array)[]): Buffer {
  const made = createHash('sha256')
  for (const part of parts) made.update(part)
  return made.digest()
}
