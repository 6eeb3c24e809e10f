/**
 * Devices that the provider refuses, each a dead device or a wrong environment: told apart by counting. A
 * device refused several times in a row is dead, unless so many of its pool are refused that the pool's
 * configuration must be wrong.
 */
export interface SuspectLimits {
  /** Refusals in a row that make a device dead. */
  readonly inRow: number
  /** Above this share of a pool's answers within `windowMs`, of `minAnswers` at least, nobody is dead. */
  readonly share: number
  readonly minAnswers: number
  readonly windowMs: number
  /** Devices remembered; past it those refused longest ago are forgotten, and start anew. */
  readonly maxDevices: number
}

export const suspectDefaults = {
  share: 0.05,
  minAnswers: 100,
  windowMs: 600_000,
  maxDevices: 50_000,
} as const satisfies Partial<SuspectLimits>

/** `spared`: it would be dead, but the pool is under suspicion itself. */
export type SuspectVerdict = 'suspect' | 'dead' | 'spared'

export class Suspects {
  readonly #limits: SuspectLimits
  /** Refusals in a row by device, the latest refused last. */
  readonly #runs = new Map<string, number>()

  constructor(limits: SuspectLimits) {
    this.#limits = limits
  }

  /** No device has been refused: the usual case, which spares naming devices. */
  get none(): boolean {
    return this.#runs.size === 0
  }

  /** The gateway delivered to the device: what was before no longer counts. */
  delivered(device: string): void {
    this.#runs.delete(device)
  }

  /** The provider refused the device. `answers`: its pool's, this one included. */
  refused(device: string, answers: Pick<AnswerWindow, 'misconfigured'>, nowMs: number): SuspectVerdict {
    const run = (this.#runs.get(device) ?? 0) + 1
    this.#runs.delete(device)
    if (run < this.#limits.inRow) {
      this.#remember(device, run)
      return 'suspect'
    }
    if (!answers.misconfigured(nowMs)) return 'dead'
    this.#remember(device, run)
    return 'spared'
  }

  #remember(device: string, run: number): void {
    this.#runs.set(device, run)
    if (this.#runs.size <= this.#limits.maxDevices) return
    for (const oldest of this.#runs.keys()) {
      this.#runs.delete(oldest)
      return
    }
  }
}

/** A pool is a service, a mode and its tags: what one app and environment at a provider is. */
export class AnswerWindow {
  readonly #limits: SuspectLimits
  readonly #answers = new Array<number>(slices).fill(0)
  readonly #refusals = new Array<number>(slices).fill(0)
  /** Number of the newest slice, counted from the clock's zero. */
  #newest = 0
  #answersSum = 0
  #refusalsSum = 0

  constructor(limits: SuspectLimits) {
    this.#limits = limits
  }

  count(refused: boolean, nowMs: number): void {
    this.#roll(nowMs)
    const at = this.#newest % slices
    this.#answers[at] = (this.#answers[at] ?? 0) + 1
    this.#answersSum++
    if (!refused) return
    this.#refusals[at] = (this.#refusals[at] ?? 0) + 1
    this.#refusalsSum++
  }

  /** So many are refused that it cannot be the devices. */
  misconfigured(nowMs: number): boolean {
    this.#roll(nowMs)
    const { minAnswers, share } = this.#limits
    return this.#answersSum >= minAnswers && this.#refusalsSum > this.#answersSum * share
  }

  #roll(nowMs: number): void {
    const slice = Math.floor((nowMs * slices) / this.#limits.windowMs)
    if (slice === this.#newest) return
    for (let i = Math.max(this.#newest + 1, slice - slices + 1); i <= slice; i++) {
      const at = i % slices
      this.#answersSum -= this.#answers[at] ?? 0
      this.#refusalsSum -= this.#refusals[at] ?? 0
      this.#answers[at] = 0
      this.#refusals[at] = 0
    }
    this.#newest = slice
  }
}

/** The window moves by a tenth of itself. */
const slices = 10
