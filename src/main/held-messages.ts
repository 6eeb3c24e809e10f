/** Some hundred bytes each. */
const maxHeld = 10_000
const tryAgainMs = 1_000

/**
 * Messages of ours to users, which wait while their domain has no stream, in memory: what they tell is told again by the
 * answer to the next publish. Past the limit the oldest go.
 */
export class HeldMessages {
  readonly #hasStream: (domain: string) => boolean
  readonly #send: (domain: string, stanza: string) => void
  #held: { readonly domain: string; readonly stanza: string }[] = []
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  /** `send`: may lose it, and count that, when there is no stream. */
  constructor(hasStream: (domain: string) => boolean, send: (domain: string, stanza: string) => void) {
    this.#hasStream = hasStream
    this.#send = send
  }

  send(domain: string, stanza: string): void {
    if (this.#stopped || this.#hasStream(domain)) {
      this.#send(domain, stanza)
      return
    }
    this.#held.push({ domain, stanza })
    if (this.#held.length > maxHeld) this.#letGo(this.#held.splice(0, this.#held.length - maxHeld))
    this.#timer ??= setInterval(() => this.#tryAgain(), tryAgainMs)
  }

  /** What is still held is lost, and what comes after this, unless there is a stream. */
  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    this.#letGo(this.#held.splice(0))
  }

  #tryAgain(): void {
    const held = this.#held
    this.#held = held.filter(({ domain }) => !this.#hasStream(domain))
    this.#letGo(held.filter(({ domain }) => this.#hasStream(domain)))
    if (this.#held.length > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #letGo(messages: readonly { readonly domain: string; readonly stanza: string }[]): void {
    for (const { domain, stanza } of messages) this.#send(domain, stanza)
  }
}
