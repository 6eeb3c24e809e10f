/**
 * `durability = "always"`: a push is on disk before it goes out, and off it when it has ended.
 *
 * All that come while a group is being written form the next one. A group's record goes when the last of its pushes
 * has ended or is in the outbox; one that some pushes keep for long is written anew with these alone, so that a crash
 * repeats little of what was delivered.
 */
import type { Logger } from 'pino'
import type { Notification } from '../../core/notification.ts'
import type { Journal } from '../store/ports.ts'
import { Notices } from './notices.ts'
import type { PendingPush } from './pending-push.ts'

const maxGroup = 256
const shrinkMs = 1_000

export class JournalGroup {
  readonly pushes = new Set<PendingPush>()
  /** '' until it is on disk. */
  id = ''
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
  readonly #groups = new Set<JournalGroup>()
  readonly #notices = new Notices()
  /** Ended, and refused by the disk: their records are to go when it is well. */
  readonly #unremoved = new Set<JournalGroup>()
  #open = new JournalGroup()
  #scheduled = false
  #writing = false

  constructor(journal: Journal, events: JournallingEvents, log: Logger, monotonicMs: () => number) {
    this.#journal = journal
    this.#events = events
    this.#log = log
    this.#monotonicMs = monotonicMs
  }

  add(push: PendingPush): void {
    if (this.#open.pushes.size >= maxGroup) this.#writeOpen()
    push.group = this.#open
    this.#open.pushes.add(push)
    if (this.#scheduled || this.#writing) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#writeOpen()
    })
  }

  /** The push has ended, or is on disk elsewhere. */
  leave(push: PendingPush): void {
    const { group } = push
    if (group === undefined) return
    push.group = undefined
    group.pushes.delete(push)
    if (group.pushes.size === 0 && group.id !== '') this.#remove(group)
  }

  /** To be called all the while. */
  tick(): void {
    const nowMs = this.#monotonicMs()
    for (const group of this.#unremoved) this.#remove(group)
    for (const group of this.#groups) {
      if (nowMs - group.recordedAtMs < shrinkMs) break
      if (group.id !== '' && group.pushes.size <= group.recorded / 2) this.#shrink(group, nowMs)
    }
  }

  #writeOpen(): void {
    const group = this.#open
    if (group.pushes.size === 0) return
    this.#open = new JournalGroup()
    this.#writing = true
    const pushes = [...group.pushes]
    group.recorded = pushes.length
    this.#journal.write(pushes.map(({ notification }) => notification)).then(
      (id) => {
        group.id = id
        group.recordedAtMs = this.#monotonicMs()
        if (group.pushes.size === 0) this.#remove(group)
        else this.#groups.add(group)
        for (const push of pushes) this.#events.written(push)
        this.#goOn()
      },
      (error: unknown) => {
        this.#complain(error)
        for (const push of pushes) this.#events.notWritten(push)
        this.#goOn()
      },
    )
  }

  #goOn(): void {
    this.#writing = false
    this.#writeOpen()
  }

  #shrink(group: JournalGroup, nowMs: number): void {
    const notifications = [...group.pushes].map(({ notification }) => notification)
    group.recorded = notifications.length
    group.recordedAtMs = nowMs
    this.#groups.delete(group)
    this.#groups.add(group)
    this.#journal.replace(group.id, notifications).catch((error: unknown) => this.#complain(error))
  }

  #remove(group: JournalGroup): void {
    this.#groups.delete(group)
    this.#unremoved.delete(group)
    this.#journal.replace(group.id, []).catch((error: unknown) => {
      this.#unremoved.add(group)
      this.#complain(error)
    })
  }

  #complain(error: unknown): void {
    if (this.#notices.due('journal', this.#monotonicMs())) {
      this.#log.error({ err: error }, 'the journal of accepted notifications could not be written')
    }
  }
}

/** Groups that go into the outbox in one transaction. */
const replayGroups = 16

/**
 * Moves what an earlier run left in its journal into the outbox: `adopt` stores one, or returns undefined when that is
 * not worth it, or there is no room; it is then over, and told to `ended`.
 */
export async function replayJournal(
  journal: Journal,
  adopt: (notification: Notification) => Promise<void> | undefined,
  ended: (notification: Notification) => void,
): Promise<void> {
  for (let groups = journal.oldest(replayGroups); groups.length > 0; groups = journal.oldest(replayGroups)) {
    const written: Promise<unknown>[] = []
    for (const [id, notifications] of groups) {
      for (const notification of notifications) {
        const adopted = adopt(notification)
        if (adopted === undefined) ended(notification)
        else written.push(adopted)
      }
      // In the same turn, and so in the same transaction.
      written.push(journal.replace(id, []))
    }
    await Promise.all(written)
  }
}
