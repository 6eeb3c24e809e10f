/**
 * The pause of a gateway or a provider pool. A provider pool pauses when its provider names the project's quota, or when at
 * least `share` of `minAnswers` answers within `windowMs` are throttled. During the pause one push goes out every
 * `probeMs`; the pause ends when the provider accepts one.
 */
export interface PauseLimits {
  readonly windowMs: number
  readonly minAnswers: number
  readonly share: number
  readonly probeMs: number
  /** The longest pause, even if the provider asks for more. */
  readonly longestMs: number
}

export const poolPauseLimits: PauseLimits = {
  windowMs: 10_000,
  minAnswers: 50,
  share: 0.5,
  probeMs: 5_000,
  longestMs: 600_000,
}

/** All times are monotonic, in milliseconds. */
export class PoolPause {
  /** When the pause is over; 0 before the first pause. */
  untilMs = 0
  readonly #limits: PauseLimits
  #probedAtMs = 0
  #windowStartMs = 0
  #answers = 0
  #throttled = 0

  constructor(limits: PauseLimits) {
    this.#limits = limits
  }

  /** Counts an answer. True: so many answers are throttled that the pool must pause. */
  answered(isThrottled: boolean, nowMs: number): boolean {
    const { windowMs, minAnswers, share } = this.#limits
    if (nowMs - this.#windowStartMs >= windowMs) {
      this.#windowStartMs = nowMs
      this.#answers = 0
      this.#throttled = 0
    }
    this.#answers++
    if (!isThrottled) return false
    this.#throttled++
    return this.#answers >= minAnswers && this.#throttled >= this.#answers * share
  }

  /** The pool pauses from now on. True: it did not before. */
  begin(pauseMs: number, nowMs: number): boolean {
    const isNew = this.untilMs <= nowMs
    this.untilMs = Math.max(this.untilMs, nowMs + Math.min(pauseMs, this.#limits.longestMs))
    if (isNew) this.#probedAtMs = nowMs
    return isNew
  }

  /** Whether a push may go out: the pool does not pause, or it is time for a probe. */
  permits(nowMs: number): boolean {
    return this.untilMs <= nowMs || nowMs - this.#probedAtMs >= this.#limits.probeMs
  }

  /** A push goes out. True: it is a probe. */
  sending(nowMs: number): boolean {
    if (this.untilMs <= nowMs) return false
    this.#probedAtMs = nowMs
    return true
  }

  /** The provider accepted the probe. */
  end(nowMs: number): void {
    this.untilMs = Math.min(this.untilMs, nowMs)
    // Earlier throttled answers say nothing about the present.
    this.#windowStartMs = nowMs
    this.#answers = 0
    this.#throttled = 0
  }
}
