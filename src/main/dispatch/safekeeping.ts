/**
 * Between memory and the outbox: stores what cannot be delivered in time, brings it back when it is due, keeps its
 * record in step with what becomes of it.
 *
 * A push that is both in memory and in the outbox is held: the scheduler leaves its record alone. A record outlives
 * its removal while the disk refuses that: it stays held, and is removed when the disk is well.
 */
import type { Logger } from 'pino'
import type { Notification } from '../../core/notification.ts'
import { serviceLabel } from '../metrics/table.ts'
import {
  type LetterText,
  noSpare,
  type Outbox,
  type Spare,
  type StoredLimit,
  type StoredPush,
} from '../store/ports.ts'
import { Notices } from './notices.ts'
import { PendingPush } from './pending-push.ts'
import type { Lane } from './service-queue.ts'

export interface SafekeepingEvents {
  /** It is on disk. */
  kept(push: PendingPush): void
  /** It is not, and never will be. */
  notKept(push: PendingPush): void
  /** A newer one has taken its place; it may be in memory. */
  superseded(push: PendingPush | undefined, service: string): void
  /** The disk does not take its new time: it has to be tried again from memory. */
  notPostponed(push: PendingPush, delayMs: number): void
}

export interface SafekeepingPorts {
  /** The way of a push that comes back. */
  readonly laneFor: (notification: Notification) => Lane
  /** The sender if it is not known: the device. */
  readonly slotFor: (notification: Notification) => number
  readonly outbox: Outbox
  readonly log: Logger
  readonly nowMs: () => number
  readonly monotonicMs: () => number
}

export class Safekeeping {
  readonly #ports: SafekeepingPorts
  readonly #events: SafekeepingEvents
  readonly #defaultTtlS: number
  readonly #held = new Map<string, PendingPush>()
  readonly #unremoved = new Map<string, LetterText | undefined>()
  /** Of these, the ones whose removal the disk has refused. */
  readonly #refused = new Set<string>()
  readonly #notices = new Notices()
  /** Tells this run of the daemon from others. */
  readonly #run: number

  constructor(defaultTtlS: number, events: SafekeepingEvents, ports: SafekeepingPorts) {
    this.#defaultTtlS = defaultTtlS
    this.#events = events
    this.#ports = ports
    this.#run = ports.nowMs()
  }

  /**
   * Whether it is worth storing when the next attempt is due `delayMs` from now: what is for now or never is not, nor
   * what is over by then.
   */
  isStorable(push: PendingPush, delayMs: number): boolean {
    return !push.once && push.notification.timeToLiveS !== 0 && this.lifetimeLeftMs(push) > delayMs
  }

  /** How long it is worth delivering, once it is stored. */
  lifetimeLeftMs({ notification }: { readonly notification: Notification }): number {
    const { createdAtMs, timeToLiveS } = notification
    return createdAtMs + (timeToLiveS ?? this.#defaultTtlS) * 1000 - this.#ports.nowMs()
  }

  /** Held in memory and in the outbox. */
  has(id: string): boolean {
    return this.#held.has(id) || this.#unremoved.has(id)
  }

  /** Stores it; `kept` or `notKept` follows, later, unless it is refused at once. The next attempt is due `delayMs` from now. */
  keep(push: PendingPush, delayMs: number): 'storing' | StoredLimit | 'refused' {
    let addition: ReturnType<Outbox['add']>
    try {
      addition = this.#ports.outbox.add(this.#recordOf(push, delayMs), noSpare)
    } catch (error) {
      this.#complain(error)
      return 'refused'
    }
    if (typeof addition === 'string') return addition
    const { id, superseded } = addition
    push.rest()
    push.storedId = id
    this.#held.set(id, push)
    const older = superseded === undefined ? undefined : this.#held.get(superseded)
    addition.durable.then(
      () => {
        if (superseded !== undefined) this.#supersede(superseded, older, push.queue.service)
        // With an answer still to come it stays held, so that no second copy goes out meanwhile.
        if (push.storedId === id && push.place !== 'worker') this.release(push)
        this.#events.kept(push)
      },
      (error: unknown) => {
        this.#complain(error)
        this.release(push)
        this.#events.notKept(push)
      },
    )
    return 'storing'
  }

  /**
   * Stores what was accepted before, for delivery as soon as may be; settled when it is on disk. Or says why not: it
   * is not worth it any more, or there is no room, with `spare` above what there is for all. Rejects with a StoreError.
   */
  adopt(notification: Notification, spare: Spare): Promise<void> | 'expired' | 'overflow' {
    if (notification.timeToLiveS === 0 || this.lifetimeLeftMs({ notification }) <= 0) return 'expired'
    const { outbox, nowMs, slotFor } = this.#ports
    const { shelf } = this.#ports.laneFor(notification).queue
    let addition: ReturnType<Outbox['add']>
    try {
      addition = outbox.add(
        { ...untried, notification, shelf, sender: slotFor(notification), dueAtMs: nowMs() },
        spare,
      )
    } catch (error) {
      // As what the store refuses later: who stores many has begun with others.
      return Promise.reject(error)
    }
    if (typeof addition === 'string') return 'overflow'
    const { superseded, durable } = addition
    if (superseded === undefined) return durable
    const older = this.#held.get(superseded)
    return durable.then(() => this.#supersede(superseded, older, serviceLabel(notification.device.service)))
  }

  /** Brings it into memory; undefined: it is gone, or in memory already. */
  take(id: string): PendingPush | undefined {
    const stored = this.has(id) ? undefined : this.#ports.outbox.get(id)
    if (stored === undefined) return undefined
    const { notification } = stored
    const lane = this.#ports.laneFor(notification)
    const sender = stored.sender ?? this.#ports.slotFor(notification)
    const push = new PendingPush(notification, undefined, lane, sender, Number.POSITIVE_INFINITY)
    push.storedId = id
    push.attempts = stored.attempts
    push.shortened = stored.shortened
    push.lastReason = stored.lastReason
    push.unknownReason = stored.unknownReason
    push.unknownCount = stored.unknownCount
    const isKnown = stored.run === this.#run || stored.retryCause === 'handover'
    push.retryCause = isKnown ? stored.retryCause : 'restart'
    this.#held.set(id, push)
    return push
  }

  /** Leaves it to the outbox alone. */
  release(push: PendingPush): void {
    push.rest()
    this.#held.delete(push.storedId)
    push.storedId = ''
  }

  /** Its next attempt is due `delayMs` from now: until then the outbox has it. */
  postpone(push: PendingPush, delayMs: number): void {
    const { storedId } = push
    const isOwed = push.sink !== undefined
    this.#ports.outbox.reschedule(storedId, this.#recordOf(push, delayMs)).then(
      () => {
        if (push.storedId === storedId && push.place === 'nowhere' && !isOwed) this.release(push)
      },
      (error: unknown) => {
        this.#complain(error)
        if (push.storedId === storedId && !isOwed) this.#events.notPostponed(push, delayMs)
      },
    )
  }

  /** It was delivered, or ended with this letter. */
  remove(push: PendingPush, letter: LetterText | undefined): void {
    const { storedId } = push
    push.storedId = ''
    this.#unremoved.set(storedId, letter)
    this.#held.delete(storedId)
    this.#remove(storedId, letter)
  }

  /** Whether there are records that are to go. */
  get busy(): boolean {
    return this.#unremoved.size > 0
  }

  /** Tries again what the disk has refused. */
  retryRemovals(): void {
    if (this.#refused.size === 0 || this.#ports.outbox.fault !== undefined) return
    const refused = [...this.#refused]
    this.#refused.clear()
    for (const id of refused) this.#remove(id, this.#unremoved.get(id))
  }

  #remove(id: string, letter: LetterText | undefined): void {
    this.#ports.outbox.remove(id, letter).then(
      () => this.#unremoved.delete(id),
      (error: unknown) => {
        this.#refused.add(id)
        this.#complain(error)
      },
    )
  }

  #supersede(id: string, older: PendingPush | undefined, service: string): void {
    if (older !== undefined && older.storedId === id) this.release(older)
    this.#events.superseded(older, service)
  }

  #recordOf(push: PendingPush, delayMs: number): StoredPush {
    return {
      notification: push.notification,
      shelf: push.queue.shelf,
      sender: push.sender,
      attempts: push.attempts,
      shortened: push.shortened,
      retryCause: push.retryCause,
      lastReason: push.lastReason,
      unknownReason: push.unknownReason,
      unknownCount: push.unknownCount,
      dueAtMs: this.#ports.nowMs() + delayMs,
      run: this.#run,
    }
  }

  /** Something that waits cannot be brought. */
  unreadable(error: unknown): void {
    if (!this.#notices.due('read', this.#ports.monotonicMs())) return
    this.#ports.log.error({ err: error }, 'the outbox cannot be read')
  }

  /** A change that nobody waits for was not made. */
  unwritable(error: unknown): void {
    this.#complain(error)
  }

  #complain(error: unknown): void {
    if (!this.#notices.due('outbox', this.#ports.monotonicMs())) return
    this.#ports.log.error({ err: error }, 'the outbox could not be written')
  }
}

/** As an earlier run would have stored it. */
const untried = {
  attempts: 0,
  shortened: false,
  retryCause: '',
  lastReason: '',
  unknownReason: '',
  unknownCount: 0,
  run: 0,
} as const
