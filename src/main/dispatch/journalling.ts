/**
 * `durability = "always"`: a push is on disk before it goes out, and off it when it has ended.
 *
 * All that come while a group is being written form the next one. A push leaves its group when it has ended, or, in
 * one transaction with that, goes into the outbox. The group's record goes when the last has left. Until then it is
 * noted which have, so that a crash does not repeat them; and a record that some keep for long is written anew with
 * these alone, so that it does not grow dear. What ends is noted with the next write, or the next tick.
 */
import type { Logger } from 'pino'
import type { Notification } from '../../core/notification.ts'
import type { Journal } from '../store/ports.ts'
import { Notices } from './notices.ts'
import type { PendingPush } from './pending-push.ts'

/** More than come from one write to the next: a group that is full is written at once. */
const maxGroup = 1_024
/**
 * From one write to the next. A commit costs 0.4 ms of CPU time and a push in it 1 µs (Node 24, two cores, 2026-11):
 * where the disk is quick there would be a commit for every few pushes.
 */
const pauseMs = 10
const shrinkMs = 1_000

export class JournalGroup {
  /** By place; undefined: it has left. */
  pushes: (PendingPush | undefined)[] = []
  /** How many have not left. */
  count = 0
  /** '' until it was given to the store. */
  id = ''
  /** The places of those that have left since. */
  readonly ended: number[] = []
  /** How many of these the store knows of. */
  noted = 0
  /** Pushes in its record. */
  recorded = 0
  recordedAtMs = 0
}

export interface JournallingEvents {
  /** It may go out. */
  written(push: PendingPush): void
  /** It may not. */
  notWritten(push: PendingPush): void
}

export class Journalling {
  readonly #journal: Journal
  readonly #events: JournallingEvents
  readonly #log: Logger
  readonly #monotonicMs: () => number
  /** On disk, in the order of their records. */
  readonly #groups = new Set<JournalGroup>()
  /** All of theirs have left: removed with the next write or tick, and again until the disk has taken it. */
  readonly #finished = new Set<JournalGroup>()
  #removing = 0
  /** Some of theirs have gone into the outbox in this turn of the event loop. */
  readonly #handedOver = new Set<JournalGroup>()
  readonly #notices = new Notices()
  #open = new JournalGroup()
  #scheduled = false
  #writing = false
  #writtenAtMs = Number.NEGATIVE_INFINITY

  constructor(journal: Journal, events: JournallingEvents, log: Logger, monotonicMs: () => number) {
    this.#journal = journal
    this.#events = events
    this.#log = log
    this.#monotonicMs = monotonicMs
  }

  /** `written` or `notWritten` follows, later, unless it leaves before. */
  add(push: PendingPush): void {
    if (this.#open.pushes.length >= maxGroup) this.#writeOpen()
    const group = this.#open
    push.group = group
    push.groupPlace = group.pushes.push(push) - 1
    group.count++
    if (!this.#scheduled && !this.#writing) this.#writeSoon()
  }

  /** The push has ended. Once is enough, more does no harm. */
  leave(push: PendingPush): void {
    const { group } = push
    if (group === undefined) return
    push.group = undefined
    group.pushes[push.groupPlace] = undefined
    group.count--
    if (group.id === '') return
    group.ended.push(push.groupPlace)
    if (group.count > 0) return
    this.#groups.delete(group)
    this.#finished.add(group)
  }

  /** The push has just been given to the outbox: in one transaction with that it leaves. */
  handOver(push: PendingPush): void {
    const { group } = push
    this.leave(push)
    if (group === undefined || group.id === '') return
    // All of this turn at once; a commit begins in a turn of its own, and so after that.
    if (this.#handedOver.size === 0) queueMicrotask(() => this.#noteHandedOver())
    this.#handedOver.add(group)
  }

  /** It still has something to remove. */
  get busy(): boolean {
    return this.#finished.size + this.#removing > 0
  }

  /** To be called all the while, and before the store is closed. */
  tick(): void {
    this.#noteEnds()
    const nowMs = this.#monotonicMs()
    for (const group of this.#groups) {
      if (nowMs - group.recordedAtMs >= shrinkMs && group.count <= group.recorded / 2) {
        this.#shrink(group, nowMs)
      }
    }
  }

  /** At the end of this turn of the event loop, but leaving the last write its time. */
  #writeSoon(): void {
    this.#scheduled = true
    const waitMs = this.#writtenAtMs + pauseMs - this.#monotonicMs()
    const write = () => {
      this.#scheduled = false
      if (!this.#writing) this.#writeOpen()
    }
    if (waitMs > 0) setTimeout(write, waitMs)
    else setImmediate(write)
  }

  #writeOpen(): void {
    const group = this.#open
    if (group.count === 0) {
      group.pushes = []
      return
    }
    this.#open = new JournalGroup()
    this.#writing = true
    this.#writtenAtMs = this.#monotonicMs()
    this.#noteEnds()
    if (group.count < group.pushes.length) closeRanks(group)
    this.#give(group).then(
      () => {
        this.#written(group)
        this.#goOn()
      },
      (error: unknown) => {
        this.#complain(error)
        for (const push of group.pushes) if (push !== undefined) this.#events.notWritten(push)
        this.#goOn()
      },
    )
  }

  async #give(group: JournalGroup): Promise<void> {
    const notifications: Notification[] = []
    for (const push of group.pushes) if (push !== undefined) notifications.push(push.notification)
    const { id, durable } = this.#journal.add(notifications)
    group.id = id
    group.recorded = notifications.length
    await durable
  }

  #written(group: JournalGroup): void {
    group.recordedAtMs = this.#monotonicMs()
    if (group.count > 0) this.#groups.add(group)
    for (const push of group.pushes) if (push !== undefined) this.#events.written(push)
  }

  #goOn(): void {
    this.#writing = false
    if (this.#open.count > 0 && !this.#scheduled) this.#writeSoon()
  }

  #noteEnds(): void {
    this.#removeFinished()
    for (const group of this.#groups) if (group.noted < group.ended.length) this.#note(group)
  }

  #noteHandedOver(): void {
    for (const group of this.#handedOver) if (group.count > 0) this.#note(group)
    this.#handedOver.clear()
    this.#removeFinished()
  }

  #note(group: JournalGroup): void {
    group.noted = group.ended.length
    this.#attempt(this.#journal.ended(group.id, [...group.ended]), group)
  }

  #shrink(group: JournalGroup, nowMs: number): void {
    group.noted = group.ended.length
    group.recorded = group.count
    group.recordedAtMs = nowMs
    const left = group.pushes.map((push) => push?.notification)
    this.#attempt(this.#journal.replace(group.id, left), group)
  }

  /** What the disk has not noted is to be noted again. */
  #attempt(change: Promise<void>, group: JournalGroup): void {
    change.catch((error: unknown) => {
      group.noted = 0
      this.#complain(error)
    })
  }

  #removeFinished(): void {
    for (const group of this.#finished) {
      this.#finished.delete(group)
      this.#removing++
      this.#journal.remove(group.id).then(
        () => this.#removing--,
        (error: unknown) => {
          this.#removing--
          this.#finished.add(group)
          this.#complain(error)
        },
      )
    }
  }

  #complain(error: unknown): void {
    if (this.#notices.due('journal', this.#monotonicMs())) {
      this.#log.error({ err: error }, 'the journal of accepted notifications could not be written')
    }
  }
}

/** Some have left before it was written. */
function closeRanks(group: JournalGroup): void {
  group.pushes = group.pushes.filter((push) => push !== undefined)
  for (const [place, push] of group.pushes.entries()) if (push !== undefined) push.groupPlace = place
}
