/**
 * Lets the slots of a domain connect one at a time. Two handshakes at one instant are both accepted by MongooseIM, which then
 * routes nothing to either; and ejabberd's listen backlog holds five connections.
 */
export class ConnectTurns<Slot> {
  /** Stanzas of the domain that have come, over any of its streams. */
  received = 0
  #receivedBefore = 0
  #slot: Slot | undefined

  /** Whether it is the slot's turn: it is until `end`. */
  take(slot: Slot): boolean {
    this.#slot ??= slot
    if (this.#slot !== slot) return false
    this.#receivedBefore = this.received
    return true
  }

  /** Whether the slot had the turn: it is the next one's now. */
  end(slot: Slot): boolean {
    if (this.#slot !== slot) return false
    this.#slot = undefined
    return true
  }

  /** Whether no stanza has come since the turn began, or since the last look. */
  isSilent(): boolean {
    const isSilent = this.received === this.#receivedBefore
    this.#receivedBefore = this.received
    return isSilent
  }
}
