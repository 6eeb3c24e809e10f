/** What the bodies of all requests that are being read may take in memory together. */
export class BodyRoom {
  readonly #maxBytes: number
  #heldBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Counts them, whether or not there is room: false, there is none, and they are to be released soon. */
  take(bytes: number): boolean {
    this.#heldBytes += bytes
    return this.#heldBytes <= this.#maxBytes
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes
  }
}
