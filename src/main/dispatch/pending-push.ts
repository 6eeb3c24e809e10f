import { Link } from '../../core/chain.ts'
import type { Notification } from '../../core/notification.ts'
import { modeOf } from '../../core/notification.ts'
import { sizeOfTexts } from '../../core/notification-size.ts'
import type { AttemptOutcome, OutcomeSink } from '../../core/outcome.ts'
import type { JournalGroup } from './journalling.ts'
import type { Lane, ServiceQueue } from './service-queue.ts'

/** The memory of a push besides its texts: objects, links, the data for its answer. */
const objectBytes = 1_024
/** Texts with any character beyond Latin-1 take two bytes for each. */
const mostBytesPerCharacter = 2

/** Where in memory it is. */
export type Place = 'nowhere' | 'queue' | 'worker' | 'heap'

/**
 * One accepted notification on its way, or one from the outbox. It is owed to its sink, until that has its outcome;
 * or to the outbox, until its record is removed; or, while it is being stored, to both. Owed to nobody it is settled,
 * and may still be in a worker. In the heap it may lie on after it has gone elsewhere: `place` says so.
 */
export class PendingPush {
  /** Another one when it had to be shortened. */
  notification: Notification
  /** Undefined once it has the outcome, and for one from the outbox. */
  sink: OutcomeSink | undefined
  /** The way it takes: its service's queue, its domain's turn. */
  readonly lane: Lane
  /** The slot of its sender within the domain. */
  readonly sender: number
  /** An upper estimate of its memory when it was accepted, in bytes. */
  readonly bytes: number
  /** Monotonic; infinite for one from the outbox. */
  readonly deadlineMs: number
  /** Its place among all that are not settled, oldest first. */
  readonly age = new Link<PendingPush>(this)
  /** Its place in its lane. */
  readonly turn = new Link<PendingPush>(this)

  /** A hash of its sender, to count different senders; undefined: the push is from the outbox, which does not know it. */
  owner: number | undefined = undefined
  place: Place = 'nowhere'
  /** Of its record in the outbox; '' while it has none. */
  storedId = ''
  /** Its group in the journal, while it has one. */
  group: JournalGroup | undefined = undefined
  /** Its place in that. */
  groupPlace = 0
  /** Its end is in the metrics. */
  counted = false

  /** Attempts whose answer has come. */
  attempts = 0
  /** When the next attempt is due, while it waits for it. Monotonic. */
  dueMs = 0
  /** Where the last attempt went: a gateway URL, or behind these a provider pool; -1: none yet. */
  origin = -1
  /** The attempt under way is its circuit's probe. */
  probe = false
  /** The attempt under way is a probe of a paused pool. */
  pauseProbe = false
  shortened = false
  /** One attempt, never stored: of whom the answer is passed on to. */
  once = false
  /** What that came to. */
  answer: AttemptOutcome | undefined = undefined
  /** It was tried again because a token was no longer taken. */
  resigned = false
  /** Why it is tried again, for the next attempt's metric. */
  retryCause = ''
  /** What the last attempt came to. */
  lastReason = ''
  /** The unknown word met last, and how often in a row. */
  unknownReason = ''
  unknownCount = 0

  constructor(
    notification: Notification,
    sink: OutcomeSink | undefined,
    lane: Lane,
    sender: number,
    deadlineMs: number,
  ) {
    this.notification = notification
    this.sink = sink
    this.lane = lane
    this.sender = sender
    this.bytes = objectBytes + mostBytesPerCharacter * sizeOfTexts(notification, lengthOf)
    this.deadlineMs = deadlineMs
  }

  get queue(): ServiceQueue {
    return this.lane.queue
  }

  get settled(): boolean {
    return this.sink === undefined && this.storedId === ''
  }

  /** It was brought back from the outbox. */
  get isFromOutbox(): boolean {
    return this.deadlineMs === Number.POSITIVE_INFINITY
  }

  /** It was acknowledged, and waits in the outbox for delivery. */
  get acknowledged(): boolean {
    return this.sink === undefined && this.storedId !== ''
  }

  /** Nothing in memory moves it on; but an answer of a worker may still come. */
  rest(): void {
    this.turn.leave()
    if (this.place !== 'worker') this.place = 'nowhere'
  }

  /** Names the device in counts. */
  get deviceKey(): string {
    const { device } = this.notification
    return `${device.service}\0${modeOf(device)}\0${device.id}`
  }
}

function lengthOf(text: string): number {
  return text.length
}
