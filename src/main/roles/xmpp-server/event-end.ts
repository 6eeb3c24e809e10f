/**
 * Whether a push is out of the hands of who told of its message:
 * - `safe`: it was delivered, or has ended for good, or is stored
 * - `no-room`, `undelivered`: it is none of these, because of too much to do, or of a fault; told of again it may be
 */
export type PushSafety = 'safe' | 'no-room' | 'undelivered'

/** What became of a message event, for who told of it. */
export interface EventEnd {
  /** Subscriptions that are notified. */
  readonly notified: number
  /** Of all its pushes together. */
  readonly safety: PushSafety
}

/** Of pushes together: the first that is not safe says why. */
export function safetyOfAll(safeties: readonly PushSafety[]): PushSafety {
  return safeties.find((safety) => safety !== 'safe') ?? 'safe'
}
