import type { Subscription } from '../../store/ports.ts'
import type { PushSafety } from './event-end.ts'

/** One publish to an App Server elsewhere. */
export class RemotePublish {
  /** As it was when it was last sent, or is to be sent for the first time. */
  subscription: Subscription
  readonly summary: readonly string[]
  /** The domain of ours that sends it. */
  readonly domain: string
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number
  /** For who asked: settled once. */
  readonly safety = Promise.withResolvers<PushSafety>()
  isSecond = false
  /** When it leaves its place. Monotonic. */
  dueMs = 0
  /** Of its record in the store; '' while it has none. */
  storedId = ''

  constructor(subscription: Subscription, summary: readonly string[], domain: string, createdAtMs: number) {
    this.subscription = subscription
    this.summary = summary
    this.domain = domain
    this.createdAtMs = createdAtMs
  }
}
