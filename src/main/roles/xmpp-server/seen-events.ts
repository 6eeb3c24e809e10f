import type { MessageEvent } from './plugin.ts'

/**
 * Events of the last while, so that no subscription is notified twice of one message, whichever ways and however
 * often servers tell of it. An event is known by its message's id, sender and user; one without an id cannot be known
 * again.
 *
 * A message may be told of once for each stream that was lost with it, and then as offline. What is said again is a
 * duplicate, and so is all that comes after it was told of as offline: that was about everybody. What is new goes to
 * those who were not notified before.
 *
 * Two generations: what comes goes into the young one; when that is as old as the window, or full, the old one is
 * forgotten and the young takes its place.
 */
export class SeenEvents {
  readonly #maxYoung: number
  #young = new Map<string, Seen>()
  #old = new Map<string, Seen>()
  #youngSinceMs = 0

  /** @param maxEvents about half as many are remembered for sure; past it the oldest are forgotten before their time */
  constructor(maxEvents: number) {
    this.#maxYoung = Math.ceil(maxEvents / 2)
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** Notes the event. Undefined: it is a duplicate. */
  meet(event: MessageEvent, nowMs: number, windowMs: number): MetEvent | undefined {
    if (event.id === '' || windowMs === 0) return newEvent
    const forgets = this.#turn(nowMs, windowMs)
    const key = `${event.to}\0${event.from}\0${event.id}`
    const found = this.#young.get(key) ?? this.#old.get(key)
    const seen = found !== undefined && nowMs - atMsOf(found) < windowMs ? found : undefined
    const { session } = event
    if (typeof seen === 'number') return undefined
    if (session === undefined) {
      this.#young.set(key, Math.floor(nowMs))
      return seen === undefined && !forgets ? newEvent : { notified: seen?.notified, forgets }
    }
    if (seen?.sessions.includes(session) === true) return undefined
    const fresh = seen ?? { atMs: nowMs, sessions: [], notified: [] }
    fresh.sessions.push(session)
    this.#young.set(key, fresh)
    return { notified: fresh.notified, forgets }
  }

  /** Whether something is forgotten before its time. */
  #turn(nowMs: number, windowMs: number): boolean {
    const isOver = nowMs - this.#youngSinceMs >= windowMs
    const isFull = this.#young.size >= this.#maxYoung
    if (!isOver && !isFull) return false
    const forgets = !isOver && this.#old.size > 0
    this.#old = this.#young
    this.#young = new Map()
    this.#youngSinceMs = nowMs
    return forgets
  }
}

/** A number: when it was told of as offline, the usual case, in the fewest bytes. */
type Seen = number | SeenUnacked

interface SeenUnacked {
  readonly atMs: number
  /** The lost streams that it was told of for. */
  readonly sessions: string[]
  readonly notified: string[]
}

export interface MetEvent {
  /**
   * Who was notified of it, by names that the caller gives and adds to; undefined: nobody was, and nobody asks again.
   */
  readonly notified: string[] | undefined
  /** Older events had to be forgotten before their time. */
  readonly forgets: boolean
}

const newEvent: MetEvent = { notified: undefined, forgets: false }

function atMsOf(seen: Seen): number {
  return typeof seen === 'number' ? seen : seen.atMs
}
