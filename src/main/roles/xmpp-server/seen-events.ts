import { createHash } from 'node:crypto'
import type { EventEnd, PushSafety } from './event-end.ts'
import { safetyOfAll } from './event-end.ts'
import type { MessageEvent } from './plugin.ts'

/**
 * Events of the last while, so that no subscription is notified twice of one message, whichever ways and however
 * often servers tell of it. An event is known by its message's id, sender and user; one without an id cannot be known
 * again.
 *
 * A message may be told of once for each stream that was lost with it, and then as offline. What is said again is a
 * duplicate, and so is all that comes after it was told of as offline: that was about everybody. What is new goes to
 * those who were not notified before. Where a push was neither delivered nor stored, its subscription counts as not
 * notified, and the message may be told of again.
 *
 * Two generations: what comes goes into the young one; when that is as old as the window, or full, the old one is
 * forgotten and the young takes its place.
 */
export class SeenEvents {
  readonly #maxYoung: number
  #young: Generation = new Map()
  #old: Generation = new Map()
  #youngSinceMs = 0

  /** @param maxEvents about half as many are remembered for sure; past it the oldest are forgotten before their time */
  constructor(maxEvents: number) {
    this.#maxYoung = Math.ceil(maxEvents / 2)
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** Notes the event. */
  meet(event: MessageEvent, nowMs: number, windowMs: number): Meeting {
    if (event.id === '' || windowMs === 0) return unknowable
    const forgets = this.#turn(nowMs, windowMs)
    const key = keyOf(event)
    const found = this.#young.get(key) ?? this.#old.get(key)
    const known = found !== undefined && nowMs - atMsOf(found) < windowMs ? found : undefined
    if (typeof known === 'number') return { kind: 'duplicate', safety: 'safe' }
    if (known?.toldOf(event.session) === true) return { kind: 'duplicate', safety: known.safety }

    const seen = known ?? new SeenEvent(key, nowMs)
    // As offline it was told of anew; of a lost stream its time goes on.
    if (event.session === undefined) seen.atMs = nowMs
    seen.tell(event.session)
    this.#young.set(key, seen)
    return { kind: 'news', seen, forgets }
  }

  /** What was told of it comes to this end: it does not reject. */
  endsWith(seen: SeenEvent, end: EventEnd | Promise<EventEnd>): void {
    if (end instanceof Promise) {
      seen.underWay.push(end)
      void end.then(() => {
        seen.underWay.splice(seen.underWay.indexOf(end), 1)
        this.#compact(seen)
      })
    } else this.#compact(seen)
  }

  /** When all has been told of it and nothing is under way, its time is all that matters. */
  #compact(seen: SeenEvent): void {
    if (!seen.isWhole || seen.underWay.length > 0) return
    const generation = this.#young.get(seen.key) === seen ? this.#young : this.#old
    if (generation.get(seen.key) === seen) generation.set(seen.key, Math.floor(seen.atMs))
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

export type Meeting =
  /** `seen` undefined: it cannot be known again. `forgets`: older events had to be forgotten before their time. */
  | { readonly kind: 'news'; readonly seen: SeenEvent | undefined; readonly forgets: boolean }
  /** `safety`: of what it led to when it was told of before. */
  | { readonly kind: 'duplicate'; readonly safety: PushSafety | Promise<PushSafety> }

const unknowable: Meeting = { kind: 'news', seen: undefined, forgets: false }

/** A number: when it was told of as offline, and nothing is under way; the usual case, in the fewest bytes. */
type Generation = Map<string, number | SeenEvent>

/** An event that more may be told of, or whose pushes are under way. */
export class SeenEvent {
  readonly key: string
  atMs: number
  /** It was told of as offline. */
  isWhole = false
  readonly underWay: Promise<EventEnd>[] = []
  /** The lost streams that it was told of for. */
  readonly #sessions = new Set<string>()
  /** Who was notified of it, by names that the caller gives. */
  readonly #notified = new Set<string>()

  constructor(key: string, atMs: number) {
    this.key = key
    this.atMs = atMs
  }

  toldOf(session: string | undefined): boolean {
    return this.isWhole || (session !== undefined && this.#sessions.has(session))
  }

  tell(session: string | undefined): void {
    if (session === undefined) this.isWhole = true
    else this.#sessions.add(session)
  }

  isNotified(name: string): boolean {
    return this.#notified.has(name)
  }

  notify(name: string): void {
    this.#notified.add(name)
  }

  /** A push of it is not safe: its subscription counts as not notified. */
  reopen(session: string | undefined, name: string): void {
    this.isWhole = false
    if (session !== undefined) this.#sessions.delete(session)
    this.#notified.delete(name)
  }

  /** Of all that is under way. */
  get safety(): PushSafety | Promise<PushSafety> {
    if (this.underWay.length === 0) return 'safe'
    return Promise.all(this.underWay).then((ends) => safetyOfAll(ends.map(({ safety }) => safety)))
  }
}

/** Ids are the clients': one may be as long as a stanza. */
const maxKeyLength = 500

function keyOf({ to, from, id }: MessageEvent): string {
  const key = `${to}\0${from}\0${id}`
  return key.length <= maxKeyLength ? key : createHash('sha256').update(key, 'utf16le').digest('base64url')
}

function atMsOf(seen: number | SeenEvent): number {
  return typeof seen === 'number' ? seen : seen.atMs
}
