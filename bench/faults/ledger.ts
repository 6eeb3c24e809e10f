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
  /** Publishes that the gateway took, each once. */
  readonly delivered: number
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

  constructor(options: LedgerOptions) {
    this.#options = options
  }

  /** How many publishes were sent; the next one's sequence number. */
  get sent(): number {
    return this.#publishes.count
  }

  /**
   * A publish goes out on a stream, the streams numbered from 1 and never again; its sequence number. `slot`: of the
   * publishes of one slot the newest may stand for all before it; 0: it stands for itself.
   */
  publish(stream: number, slot: number): number {
    return this.#publishes.add(stream, slot)
  }

  answered(sequence: number, kind: AnswerKind, text: string): void {
    const publishes = this.#publishes
    if (sequence >= publishes.count) return this.fault('an answer to nothing', text)
    if (publishes.answer(sequence) !== 0) return this.fault('a second answer', text)
    publishes.setAnswer(sequence, answerKinds.indexOf(kind) + 1)
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
    if (sequence >= publishes.count) return this.fault('a delivery of nothing', `number ${sequence}`)
    if (publishes.deliveries(sequence) > 0) {
      this.#duplicates++
      const before = publishes.deliveredMs(sequence)
      if (publishes.wasClean(sequence) && !this.#explained(before, atMs)) {
        this.fault('a copy without cause', `number ${sequence}, ${Math.round(atMs - before)} ms after the first`)
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
    const counts = { sent: publishes.count, results: 0, waits: 0, deadDevices: 0, unanswered: 0, delivered: 0 }
    const ends = { gone: 0, superseded: 0, recorded: 0, duplicates: this.#duplicates, deliveredAfterWait: 0 }
    const end = new Map(this.#faults)
    const complain = (kind: string, text: string) => end.set(kind, [...(end.get(kind) ?? []), text])
    /** Slots of which a newer publish was delivered. */
    const served = new Set<number>()
    for (let sequence = publishes.count - 1; sequence >= 0; sequence--) {
      const delivered = publishes.deliveries(sequence) > 0
      const slot = publishes.slot(sequence)
      if (delivered) counts.delivered++
      switch (answerKinds[publishes.answer(sequence) - 1]) {
        case 'result':
          counts.results++
          if (delivered) break
          if (publishes.isGone(sequence)) ends.gone++
          else if (slot > 0 && served.has(slot)) ends.superseded++
          else if (this.#recorded.has(sequence)) ends.recorded++
          else complain('an acknowledged publish was lost', `number ${sequence}`)
          break
        case 'wait':
          counts.waits++
          if (delivered) ends.deliveredAfterWait++
          break
        case 'dead_device':
          counts.deadDevices++
          if (!publishes.isGone(sequence)) complain('a living device was called dead', `number ${sequence}`)
          break
        case undefined:
          counts.unanswered++
          if (!this.#closedStreams.has(publishes.stream(sequence))) {
            complain('no answer on a stream that is up', `number ${sequence}`)
          }
      }
      if (delivered && slot > 0) served.add(slot)
    }
    return { counts: { ...counts, ...ends }, faults: [...end].flatMap(([kind, texts]) => lines(kind, texts)) }
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
  return left > 0 ? [...shown, `${kind}: ${left} more, or more than that`] : shown
}
