/**
 * The accounts of a run: what was published, what the daemon answered, and what the gateway took. Both sides
 * are written down by those who saw them, neither by the daemon; `findings` holds them against each other.
 *
 * A publish goes: sent → answered at most once. Whatever was answered with a result has to be with the gateway by
 * the time of `findings`, or the ledger has to know why not: its device is gone, a newer publish to the same slot
 * took its place, or the daemon recorded a reason. Times are milliseconds on one clock.
 */
import { Publishes } from './publishes.ts'

/** What a publish was answered with: a result, or an error by its type; the dead device apart. */
export type AnswerKind = 'result' | 'wait' | 'dead_device' | 'cancel' | 'modify' | 'auth'
const answerKinds: readonly AnswerKind[] = ['result', 'wait', 'dead_device', 'cancel', 'modify', 'auth']

export interface Findings {
  readonly counts: Counts
  /** What must not be: empty when every promise was kept. */
  readonly faults: readonly string[]
}

export interface Counts {
  readonly sent: number
  readonly results: number
  readonly waits: number
  readonly deadDevices: number
  /** Their stream was gone before an answer came. */
  readonly unanswered: number
  /** Of these, taken by the gateway: the answer was lost with the daemon, or with the stream. */
  readonly deliveredUnanswered: number
  /** Publishes that the gateway took, each once. */
  readonly delivered: number
  /** Of these, after they had been answered with a result: they were only in the daemon's store. */
  readonly deliveredLater: number
  /** Answered with a result, and in the end not delivered for a reason that is known. */
  readonly gone: number
  readonly superseded: number
  readonly recorded: number
  /** Further copies that the gateway took. */
  readonly duplicates: number
  /** Answered `wait`, and delivered after all: the publisher may try again, the device sees two. */
  readonly deliveredAfterWait: number
}

export interface LedgerOptions {
  /** How long the daemon waits for the gateway: a copy that comes later than this was asked for again. */
  readonly requestTimeoutMs: number
}

/** More would only repeat themselves. */
const maxFaultsOfOneKind = 10

export class Ledger {
  readonly #options: LedgerOptions
  readonly #publishes = new Publishes()
  readonly #closedStreams = new Set<number>()
  readonly #disturbancesMs: number[] = []
  readonly #recorded = new Map<number, string>()
  readonly #faults = new Map<string, string[]>()
  #duplicates = 0
  #streams = 0

  constructor(options: LedgerOptions) {
    this.#options = options
  }

  /** How many publishes were sent; the next one's sequence number. */
  get sent(): number {
    return this.#publishes.count
  }

  /** A number for a stream, from 1. */
  newStream(): number {
    return ++this.#streams
  }

  /**
   * A publish goes out on a stream; its sequence number. `slot`: of the publishes of one slot the newest may stand for
   * all before it; 0: it stands for itself.
   */
  publish(stream: number, slot: number, atMs: number): number {
    return this.#publishes.add(stream, slot, atMs)
  }

  answered(sequence: number, kind: AnswerKind, text: string, atMs: number): void {
    const publishes = this.#publishes
    if (sequence >= publishes.count || publishes.answer(sequence) !== 0) {
      this.fault(sequence >= publishes.count ? 'an answer to nothing' : 'a second answer', text)
      return
    }
    publishes.setAnswer(sequence, answerKinds.indexOf(kind) + 1, atMs)
    if (kind === 'cancel' || kind === 'modify' || kind === 'auth') this.fault(`a ${kind} without cause`, text)
  }

  streamOf(sequence: number): number {
    return this.#publishes.stream(sequence)
  }

  isAnswered(sequence: number): boolean {
    return this.#publishes.answer(sequence) !== 0
  }

  /** Nothing comes back on it any more. */
  streamClosed(stream: number): void {
    this.#closedStreams.add(stream)
  }

  /** The gateway took it: the device has it. `clean`: its answer went out whole, at once. */
  delivered(sequence: number, atMs: number, clean: boolean): void {
    const publishes = this.#publishes
    if (sequence >= publishes.count) {
      this.fault('a delivery of nothing', `number ${sequence}`)
      return
    }
    if (publishes.deliveries(sequence) > 0) {
      this.#duplicates++
      const before = publishes.deliveredMs(sequence)
      if (publishes.wasClean(sequence) && !this.#explained(before, atMs)) {
        this.fault(
          'a copy without cause',
          `number ${sequence}, ${Math.round(atMs - before)} ms after the first`,
        )
      }
    }
    publishes.setDelivered(sequence, atMs, clean)
  }

  /** The answer to the last delivery may not have been read. */
  doubted(sequence: number): void {
    if (sequence < this.#publishes.count) this.#publishes.setUnclean(sequence)
  }

  /** The gateway said that its device is gone. */
  gone(sequence: number): void {
    if (sequence < this.#publishes.count) this.#publishes.setGone(sequence)
  }

  /** The daemon was killed, or a worker of it: what was on its way may come again. */
  disturbed(atMs: number): void {
    this.#disturbancesMs.push(atMs)
  }

  /** The daemon itself has written down why it did not deliver it. */
  recorded(sequence: number, reason: string): void {
    this.#recorded.set(sequence, reason)
  }

  /** Whatever else must not be, by kind. */
  fault(kind: string, text: string): void {
    const known = this.#faults.get(kind) ?? []
    this.#faults.set(kind, known)
    if (known.length <= maxFaultsOfOneKind) known.push(text)
  }

  /** The accounts, at the end: nothing is under way any more. */
  findings(): Findings {
    const publishes = this.#publishes
    const counts = {
      sent: publishes.count,
      results: 0,
      waits: 0,
      deadDevices: 0,
      unanswered: 0,
      delivered: 0,
    }
    const ends = {
      deliveredLater: 0,
      deliveredUnanswered: 0,
      gone: 0,
      superseded: 0,
      recorded: 0,
      duplicates: this.#duplicates,
      deliveredAfterWait: 0,
    }
    const end = new Map(this.#faults)
    const complain = (kind: string, sequence: number) => {
      const known = end.get(kind) ?? []
      const text = known.length < maxFaultsOfOneKind ? this.#describe(sequence) : ''
      end.set(kind, [...known.slice(0, maxFaultsOfOneKind), text])
    }
    const served = this.#deliveredBySlot()
    for (let sequence = 0; sequence < publishes.count; sequence++) {
      const delivered = publishes.deliveries(sequence) > 0
      const slot = publishes.slot(sequence)
      if (delivered) counts.delivered++
      switch (answerKinds[publishes.answer(sequence) - 1]) {
        case 'result':
          counts.results++
          if (delivered && publishes.cameLate(sequence)) ends.deliveredLater++
          if (delivered) break
          if (publishes.isGone(sequence)) ends.gone++
          else if (served.get(slot)?.some((other) => this.#standsFor(other, sequence))) ends.superseded++
          else if (this.#recorded.has(sequence)) ends.recorded++
          else complain('an acknowledged publish was lost', sequence)
          break
        case 'wait':
          counts.waits++
          if (delivered) ends.deliveredAfterWait++
          break
        case 'dead_device':
          counts.deadDevices++
          if (!publishes.isGone(sequence)) complain('a living device was called dead', sequence)
          break
        case undefined:
          counts.unanswered++
          if (delivered) ends.deliveredUnanswered++
          if (!this.#closedStreams.has(publishes.stream(sequence))) {
            complain('no answer on a stream that is up', sequence)
          }
      }
    }
    return { counts: { ...counts, ...ends }, faults: [...end].flatMap(([kind, texts]) => lines(kind, texts)) }
  }

  #deliveredBySlot(): Map<number, number[]> {
    const publishes = this.#publishes
    const delivered = new Map<number, number[]>()
    for (let sequence = 0; sequence < publishes.count; sequence++) {
      const slot = publishes.slot(sequence)
      if (slot === 0 || publishes.deliveries(sequence) === 0) continue
      const known = delivered.get(slot)
      if (known === undefined) delivered.set(slot, [sequence])
      else known.push(sequence)
    }
    return delivered
  }

  /** It is newer; or on another stream at the same time, where no order is given. */
  #standsFor(other: number, sequence: number): boolean {
    if (other > sequence) return true
    const publishes = this.#publishes
    return publishes.stream(other) !== publishes.stream(sequence) && publishes.overlap(other, sequence)
  }

  #describe(sequence: number): string {
    const publishes = this.#publishes
    const slot = publishes.slot(sequence)
    if (slot === 0) return `number ${sequence}`
    let others = ''
    for (let other = 0; other < publishes.count; other++) {
      if (publishes.slot(other) !== slot) continue
      const fate = publishes.deliveries(other) > 0 ? 'delivered' : 'not delivered'
      others += `, ${other} on stream ${publishes.stream(other)} ${fate}`
    }
    return `number ${sequence}, of those to one device${others}`
  }

  /** A kill in between, or the wait for an answer was over: the daemon could not know that it was taken. */
  #explained(beforeMs: number, atMs: number): boolean {
    if (atMs - beforeMs >= this.#options.requestTimeoutMs * 0.9) return true
    return this.#disturbancesMs.some((ms) => ms >= beforeMs && ms <= atMs)
  }
}

function lines(kind: string, texts: readonly string[]): string[] {
  const shown = texts.slice(0, maxFaultsOfOneKind).map((text) => `${kind}: ${text}`)
  const left = texts.length - shown.length
  return left > 0 ? [...shown, `${kind}: and more`] : shown
}
