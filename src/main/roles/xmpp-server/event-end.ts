import type { Subscription } from '../../store/ports.ts'

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

/** Told of the end of an event, once, perhaps within the call that takes it. Must not throw. */
export type EventEnded = (end: EventEnd) => void

/** Who waits for the pushes of an event. */
export interface PushEnds {
  /** Called once for each push, perhaps within the call that asks for it. */
  pushEnded(subscription: Subscription, safety: PushSafety): void
}
