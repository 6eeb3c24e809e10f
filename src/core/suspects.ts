/**
 * Devices that the provider refuses, each a dead device or a wrong environment: told apart by counting. A
 * device refused several times in a row is dead, unless those of so many owners are refused that the pool's
 * configuration must be wrong.
 */
export interface SuspectLimits {
  /** Refusals in a row that make a device dead. */
  readonly inRow: number
  /**
   * When the provider refused devices of more than this share of the owners that the pool pushed to within `windowMs`, with
   * at least `minAnswers` answers and `minOwners` owners with a refused device, no device is marked as dead.
   */
  readonly share: number
  readonly minAnswers: number
  readonly minOwners: number
  readonly windowMs: number
  /** The most owners counted for each pool; above it a sample is counted. */
  readonly maxOwners: number
  /** The most devices remembered; the one refused longest ago makes room, and its count starts again. */
  readonly maxDevices: number
}

export const suspectDefaults = {
  share: 0.05,
  minAnswers: 100,
  minOwners: 10,
  maxOwners: 4_096,
  windowMs: 600_000,
  maxDevices: 50_000,
} as const satisfies Partial<SuspectLimits>

/** `spared`: it would be dead, but the pool is under suspicion itself. */
export type SuspectVerdict = 'suspect' | 'dead' | 'spared'

export class Suspects {
  readonly #limits: SuspectLimits
  readonly #forgotten: () => void
  /** Refusals in a row by device, the latest refused last. */
  readonly #runs = new Map<string, number>()

  /** `forgotten`: called for each device that makes room for a newer one. */
  constructor(limits: SuspectLimits, forgotten: () => void) {
    this.#limits = limits
    this.#forgotten = forgotten
  }

  /** No device was refused. This usual case saves building device names. */
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
      this.#forgotten()
      return
    }
  }
}

/**
 * Counts the owners whose devices the provider of a pool (a service, a mode and its tags: one app and environment) accepts
 * and refuses. An owner of many refused devices counts once, so that one user cannot make the pool look misconfigured.
 *
 * With many owners only a sample is kept: the owners whose hash ends with enough zero bits that at most `maxOwners` do.
 */
export class AnswerWindow {
  readonly #limits: SuspectLimits
  readonly #answers = new Array<number>(slices).fill(0)
  /** Owners in the sample, with the slice of their last answer, or refusal. */
  readonly #answered = new Map<number, number>()
  readonly #refused = new Map<number, number>()
  /** Has one bits where the hashes of the sample have zero bits. */
  #mask = 0
  /** Number of the newest slice, counted from the clock's zero. */
  #newest = 0
  #answersSum = 0

  constructor(limits: SuspectLimits) {
    this.#limits = limits
  }

  /** `owner`: an unpredictable hash of the push's owner; undefined: the owner is not known, and the answer does not count. */
  count(refused: boolean, owner: number | undefined, nowMs: number): void {
    if (owner === undefined) return
    this.#roll(nowMs)
    const at = this.#newest % slices
    this.#answers[at] = (this.#answers[at] ?? 0) + 1
    this.#answersSum++
    if ((owner & this.#mask) !== 0) return
    if (this.#answered.get(owner) !== this.#newest) this.#answered.set(owner, this.#newest)
    if (refused) this.#refused.set(owner, this.#newest)
    while (this.#answered.size > this.#limits.maxOwners) this.#halve()
  }

  /** The devices of so many owners are refused that the configuration must be at fault. */
  misconfigured(nowMs: number): boolean {
    this.#roll(nowMs)
    const { minAnswers, minOwners, share } = this.#limits
    if (this.#answersSum < minAnswers) return false
    const refused = this.#refused.size
    return refused * (this.#mask + 1) >= minOwners && refused > this.#answered.size * share
  }

  #roll(nowMs: number): void {
    const slice = Math.floor((nowMs * slices) / this.#limits.windowMs)
    if (slice === this.#newest) return
    for (let i = Math.max(this.#newest + 1, slice - slices + 1); i <= slice; i++) {
      const at = i % slices
      this.#answersSum -= this.#answers[at] ?? 0
      this.#answers[at] = 0
    }
    this.#newest = slice
    for (const owners of [this.#answered, this.#refused]) {
      for (const [owner, last] of owners) if (last <= slice - slices) owners.delete(owner)
    }
    // A sample twice as large fits again.
    if (this.#answered.size < this.#limits.maxOwners / 4) this.#mask >>>= 1
  }

  #halve(): void {
    this.#mask = this.#mask * 2 + 1
    for (const owners of [this.#answered, this.#refused]) {
      for (const owner of owners.keys()) if ((owner & this.#mask) !== 0) owners.delete(owner)
    }
  }
}

/** The window moves by a tenth of itself. */
const slices = 10
