import type { MessageEvent } from './plugin.ts'

/**
 * Events of the last while, so that no subscription is notified twice of one message, whichever ways and however
 * often servers tell of it. An event is known by its message's id, sender and user; one without an id cannot be known
 * again.
 *
 * A message may be told of once for each stream that was lost with it, and once more as offline: what is said again
 * is a duplicate, what is new goes to those who were not notified before.
 */
export class SeenEvents {
  readonly #maxEvents: number
  /** Oldest first. */
  readonly #seen = new Map<string, SeenEvent>()

  /** @param maxEvents past it the oldest are forgotten before their time */
  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents
  }

  get size(): number {
    return this.#seen.size
  }

  /**
   * Notes the event. Undefined: it is a duplicate. Else what to tell of those who are notified; `overflow` says
   * whether an older one had to go.
   */
  meet(event: MessageEvent, nowMs: number, windowMs: number): MetEvent | undefined {
    if (event.id === '' || windowMs === 0) return unknowable
    this.#forgetBefore(nowMs - windowMs)
    const key = `${event.to}\0${event.from}\0${event.id}`
    const telling = event.session ?? ''
    const seen = this.#seen.get(key)
    if (seen !== undefined) {
      if (seen.tellings.includes(telling)) return undefined
      seen.tellings.push(telling)
      return { seen, overflow: false }
    }
    const overflow = this.#seen.size >= this.#maxEvents
    if (overflow) this.#forgetOldest()
    const fresh = { atMs: nowMs, tellings: [telling], notified: [] }
    this.#seen.set(key, fresh)
    return { seen: fresh, overflow }
  }

  #forgetBefore(atMs: number): void {
    for (const [key, seen] of this.#seen) {
      if (seen.atMs > atMs) return
      this.#seen.delete(key)
    }
  }

  #forgetOldest(): void {
    for (const key of this.#seen.keys()) {
      this.#seen.delete(key)
      return
    }
  }
}

export interface SeenEvent {
  readonly atMs: number
  /** '' for offline, else the session that was lost. */
  readonly tellings: string[]
  /** Subscriptions notified of it, as `jid\0node`. */
  readonly notified: string[]
}

export interface MetEvent {
  /** Undefined: it will not be known again. */
  readonly seen: SeenEvent | undefined
  readonly overflow: boolean
}

const unknowable: MetEvent = { seen: undefined, overflow: false }
