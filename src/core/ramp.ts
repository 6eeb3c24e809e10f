/**
 * How fast a backlog is handed to a gateway: slowly at first, then twice as fast in each period in which that works,
 * half as fast after one in which it does not. So a gateway that is back sees a ramp and not a wall.
 */
export interface RampLimits {
  readonly startPerS: number
  readonly leastPerS: number
  readonly mostPerS: number
  readonly periodMs: number
  /** More failures than this share of a period's attempts: it does not work. */
  readonly failureShare: number
}

/** From 200 a second to 25 600 in seven seconds: as fast as any one gateway can be. */
export const rampLimits: RampLimits = {
  startPerS: 200,
  leastPerS: 10,
  mostPerS: 100_000,
  periodMs: 1_000,
  failureShare: 0.1,
}

/** Unused allowance is kept for so long, then lost: a pause earns no burst. */
const keptMs = 100

export class Ramp {
  readonly #limits: RampLimits
  ratePerS: number
  #credit = 0
  #creditAtMs: number
  #periodStartMs: number
  #successes = 0
  #failures = 0

  constructor(limits: RampLimits, nowMs: number) {
    this.#limits = limits
    this.ratePerS = limits.startPerS
    this.#creditAtMs = nowMs
    this.#periodStartMs = nowMs
  }

  /** From the beginning: the gateway was away. */
  restart(nowMs: number): void {
    this.ratePerS = this.#limits.startPerS
    this.#credit = 0
    this.#creditAtMs = nowMs
    this.#beginPeriod(nowMs)
  }

  /** How many may go now. */
  allowance(nowMs: number): number {
    if (nowMs - this.#periodStartMs >= this.#limits.periodMs) this.#adjust(nowMs)
    const earned = (this.ratePerS * (nowMs - this.#creditAtMs)) / 1000
    this.#credit = Math.min(this.#credit + earned, Math.max(1, (this.ratePerS * keptMs) / 1000))
    this.#creditAtMs = nowMs
    return Math.floor(this.#credit)
  }

  /** So many of the allowance have gone. */
  took(count: number): void {
    this.#credit -= count
  }

  succeeded(): void {
    this.#successes++
  }

  failed(): void {
    this.#failures++
  }

  #adjust(nowMs: number): void {
    const { failureShare, leastPerS, mostPerS } = this.#limits
    const attempts = this.#successes + this.#failures
    if (this.#failures > attempts * failureShare) this.ratePerS = Math.max(leastPerS, this.ratePerS / 2)
    else if (this.#successes > 0) this.ratePerS = Math.min(mostPerS, this.ratePerS * 2)
    this.#beginPeriod(nowMs)
  }

  #beginPeriod(nowMs: number): void {
    this.#periodStartMs = nowMs
    this.#successes = 0
    this.#failures = 0
  }
}
