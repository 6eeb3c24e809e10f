import { Link } from '../../core/chain.ts'
import type { Notification } from '../../core/notification.ts'
import { modeOf } from '../../core/notification.ts'
import type { OutcomeSink } from '../../core/outcome.ts'
import type { ServiceQueue } from './service-queue.ts'

/**
 * One accepted notification on its way, from `submit` until nothing of it is left. Until it is settled it is
 * in exactly one place: its service's queue, a worker, or the heap of those to be tried again; settled, it may
 * still be in the last two, where nobody waits for it any more.
 */
export class PendingPush {
  /** Another one when it had to be shortened. */
  notification: Notification
  /** Undefined once settled. */
  sink: OutcomeSink | undefined
  readonly queue: ServiceQueue
  /** Monotonic. */
  readonly deadlineMs: number
  /** Its place among all that are not settled, oldest first. */
  readonly age = new Link<PendingPush>(this)
  /** Its place in its service's queue. */
  readonly turn = new Link<PendingPush>(this)

  /** Attempts whose answer has come. */
  attempts = 0
  /** When the next attempt is due, while it waits for it. Monotonic. */
  dueMs = 0
  /** The gateway URL of the last attempt; -1: none yet. */
  origin = -1
  /** The attempt under way is its circuit's probe. */
  probe = false
  shortened = false
  /** Why it is tried again, for the next attempt's metric. */
  retryCause = ''
  /** What the last attempt came to. */
  lastReason = ''
  /** The unknown word met last, and how often in a row. */
  unknownReason = ''
  unknownCount = 0

  constructor(notification: Notification, sink: OutcomeSink, queue: ServiceQueue, deadlineMs: number) {
    this.notification = notification
    this.sink = sink
    this.queue = queue
    this.deadlineMs = deadlineMs
  }

  get settled(): boolean {
    return this.sink === undefined
  }

  /** Names the device in counts. */
  get deviceKey(): string {
    const { device } = this.notification
    return `${device.service}\0${modeOf(device)}\0${device.id}`
  }
}
