/**
 * Whether one gateway URL is used for one service. States and their ways:
 *
 * - `closed`: in use. Opens when it fails for many devices: nothing but failures for `tripMs`, or
 *   `failureShare` of at least `minSample` attempts within `windowMs`; always of `minDevices` devices at least.
 * - `open`: left out for a while that doubles with every failed probe, up to `openCapMs`.
 * - `half-open`: that while is over and one attempt, the probe, is out. Its success closes, its failure opens.
 *
 * Answers of attempts other than the probe that come while it is not closed say nothing new and are not counted.
 */
export interface CircuitLimits {
  readonly tripMs: number
  readonly minFailures: number
  readonly minDevices: number
  readonly windowMs: number
  readonly minSample: number
  readonly failureShare: number
  readonly openBaseMs: number
  readonly openCapMs: number
}

/**
 * A second of nothing but failures is no reset connection; and a gateway that is back is found again within
 * 5 s, while a publish still waits for its answer.
 */
export const circuitLimits: CircuitLimits = {
  tripMs: 1_000,
  minFailures: 5,
  minDevices: 3,
  windowMs: 10_000,
  minSample: 50,
  failureShare: 0.5,
  openBaseMs: 1_000,
  openCapMs: 5_000,
}

export type CircuitState = 'closed' | 'half-open' | 'open'

export class Circuit {
  state: CircuitState = 'closed'
  /** When the state was entered. */
  sinceMs: number
  readonly #limits: CircuitLimits
  #openMs: number
  #windowStartMs: number
  #attempts = 0
  #failures = 0
  /** Failures since the last success, whenever they were, and when the first of them was. */
  #streak = 0
  #streakStartMs = 0
  /** Devices among the window's failures, and among the streak's; `minDevices` at most. */
  readonly #devices = new Set<string>()
  readonly #streakDevices = new Set<string>()

  constructor(limits: CircuitLimits, nowMs: number) {
    this.#limits = limits
    this.#openMs = limits.openBaseMs
    this.#windowStartMs = nowMs
    this.sinceMs = nowMs
  }

  /** `probe`: one attempt may go, and `probing` is to be called for it. */
  permits(nowMs: number): 'all' | 'probe' | 'none' {
    if (this.state === 'closed') return 'all'
    return this.state === 'open' && nowMs - this.sinceMs >= this.#openMs ? 'probe' : 'none'
  }

  /** The probe goes out. */
  probing(nowMs: number): void {
    this.#enter('half-open', nowMs)
  }

  /** The probe came to nothing that says anything (its worker died): another may go at once. */
  probeLost(nowMs: number): void {
    if (this.state === 'half-open') this.#enter('open', nowMs - this.#openMs)
  }

  /** The gateway answered an attempt, whatever it said of the device or the request. True: it is in use again. */
  succeeded(probe: boolean, nowMs: number): boolean {
    if (this.state === 'closed') {
      this.#roll(nowMs)
      this.#attempts++
      this.#endStreak()
      return false
    }
    if (!probe) return false
    this.#openMs = this.#limits.openBaseMs
    this.#forget(nowMs)
    this.#enter('closed', nowMs)
    return true
  }

  /**
   * No connection, no answer in time, or a 5xx. True: it is left out from now on. `weak`: it did nothing with the
   * attempt and says so, which is no proof of anything unless nothing else comes for `tripMs`.
   */
  failed(device: string, probe: boolean, nowMs: number, weak = false): boolean {
    if (this.state !== 'closed') {
      if (probe) {
        this.#openMs = Math.min(this.#openMs * 2, this.#limits.openCapMs)
        this.#enter('open', nowMs)
      }
      return false
    }
    this.#roll(nowMs)
    if (!weak) {
      this.#attempts++
      this.#failures++
    }
    if (this.#streak++ === 0) this.#streakStartMs = nowMs
    for (const devices of [this.#devices, this.#streakDevices]) {
      if (devices.size < this.#limits.minDevices) devices.add(device)
    }
    if (!this.#tripped(nowMs)) return false
    this.#enter('open', nowMs)
    return true
  }

  #tripped(nowMs: number): boolean {
    const { minDevices, minFailures, tripMs, minSample, failureShare } = this.#limits
    if (this.#streakDevices.size >= minDevices && this.#streak >= minFailures) {
      if (nowMs - this.#streakStartMs >= tripMs) return true
    }
    if (this.#devices.size < minDevices) return false
    return this.#attempts >= minSample && this.#failures >= this.#attempts * failureShare
  }

  /** A streak outlives windows: at a publish a minute it is all there is to go by. */
  #roll(nowMs: number): void {
    if (nowMs - this.#windowStartMs >= this.#limits.windowMs) this.#beginWindow(nowMs)
  }

  #forget(nowMs: number): void {
    this.#beginWindow(nowMs)
    this.#endStreak()
  }

  #beginWindow(nowMs: number): void {
    this.#windowStartMs = nowMs
    this.#attempts = 0
    this.#failures = 0
    this.#devices.clear()
  }

  #endStreak(): void {
    if (this.#streak === 0) return
    this.#streak = 0
    this.#streakDevices.clear()
  }

  #enter(state: CircuitState, nowMs: number): void {
    this.state = state
    this.sinceMs = nowMs
  }
}
