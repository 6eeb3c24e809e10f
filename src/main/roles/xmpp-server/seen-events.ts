import type { PushSafety } from './event-end.ts'
import { messageKey } from './message-key.ts'
import type { ToldMessage } from './told-message.ts'

/**
 * Events of the last while, so that no subscription is notified twice of one message, whichever ways and however
 * often servers report it. `messageKey` makes the key of a message; one without an id cannot be recognized. All
 * keys are in memory: after a restart no event is recognized.
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

  /** Notes the event. What is news has begun: `ended` is to be called of it. */
  meet(event: ToldMessage, nowMs: number, windowMs: number): Meeting {
    const key = windowMs === 0 ? undefined : messageKey(event)
    if (key === undefined) return unknowable
    const forgets = this.#turn(nowMs, windowMs)
    const found = this.#young.get(key) ?? this.#old.get(key)
    const known = found !== undefined && nowMs - atMsOf(found) < windowMs ? found : undefined
    if (typeof known === 'number') return { kind: 'duplicate', seen: undefined }
    if (known?.toldOf(event.session) === true) return { kind: 'duplicate', seen: known }

    const seen = known ?? new SeenEvent(key, nowMs)
    // As offline it was told of anew; of a lost stream its time goes on.
    if (event.session === undefined) seen.atMs = nowMs
    seen.tell(event.session)
    seen.begin()
    this.#young.set(key, seen)
    return { kind: 'news', seen, forgets }
  }

  /** One of the times that it was told of has come to its end. */
  ended(seen: SeenEvent, safety: PushSafety): void {
    seen.end(safety)
    if (seen.isUnderWay || !seen.isWhole) return
    // Its time is all that matters now.
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
  /** `seen` undefined: nothing is under way of it. */
  | { readonly kind: 'duplicate'; readonly seen: SeenEvent | undefined }

const unknowable: Meeting = { kind: 'news', seen: undefined, forgets: false }

/** A number: when it was told of as offline, and nothing is under way; the usual case, in the fewest bytes. */
type Generation = Map<string, number | SeenEvent>

/** An event that more may be told of, or whose pushes are under way. */
export class SeenEvent {
  readonly key: string
  atMs: number
  /** It was told of as offline. */
  isWhole = false
  /** How often it was told of without having come to an end. */
  #underWay = 0
  /** Of what has ended while more was under way, the first that is not safe. */
  #safety: PushSafety = 'safe'
  /** Who waits for all that is under way. */
  #waiting: ((safety: PushSafety) => void)[] | undefined
  /** The lost streams that it was told of for. */
  #sessions: Set<string> | undefined
  /** Who was notified of it, by names that the caller gives. */
  #notified: string[] | undefined

  constructor(key: string, atMs: number) {
    this.key = key
    this.atMs = atMs
  }

  toldOf(session: string | undefined): boolean {
    return this.isWhole || (session !== undefined && this.#sessions?.has(session) === true)
  }

  tell(session: string | undefined): void {
    if (session === undefined) this.isWhole = true
    else {
      this.#sessions ??= new Set()
      this.#sessions.add(session)
    }
  }

  get hasNotified(): boolean {
    return this.#notified !== undefined
  }

  isNotified(name: string): boolean {
    return this.#notified?.includes(name) === true
  }

  notify(name: string): void {
    if (this.#notified === undefined) this.#notified = [name]
    else this.#notified.push(name)
  }

  /** A push of it is not safe: its subscription counts as not notified. */
  reopen(session: string | undefined, name: string): void {
    this.isWhole = false
    if (session !== undefined) this.#sessions?.delete(session)
    this.#notified = this.#notified?.filter((notified) => notified !== name)
  }

  get isUnderWay(): boolean {
    return this.#underWay > 0
  }

  begin(): void {
    this.#underWay++
  }

  end(safety: PushSafety): void {
    this.#underWay--
    if (this.#safety === 'safe') this.#safety = safety
    if (this.#underWay > 0) return
    const ofAll = this.#safety
    const waiting = this.#waiting
    this.#safety = 'safe'
    this.#waiting = undefined
    if (waiting !== undefined) for (const told of waiting) told(ofAll)
  }

  /** `told`: once nothing of it is under way, with the safety of all that was; at once when nothing is. */
  whenEnded(told: (safety: PushSafety) => void): void {
    if (this.#underWay === 0) {
      told('safe')
      return
    }
    this.#waiting ??= []
    this.#waiting.push(told)
  }
}

function atMsOf(seen: number | SeenEvent): number {
  return typeof seen === 'number' ? seen : seen.atMs
}
