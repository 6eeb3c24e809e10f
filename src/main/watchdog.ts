/** What a running daemon needs to be of any use. */
export interface Vitals {
  readonly workersUp: number
  /** Which commit of the store is at the disk; undefined when none is. */
  readonly commitAtDisk: number | undefined
}

/**
 * Decides when the service manager gets a sign of life. Pure.
 *
 * One is due half an interval after the last. It is held back while the daemon cannot work, and given as soon
 * as it can again: what passes within the other half costs no restart. A restart cuts every stream, so only what
 * it can mend counts. A worker that is lost is replaced in place, but without any nothing is delivered; a full disk
 * stays full, but a commit that does not come back may be a lock that nobody lets go.
 */
export class Watchdog {
  readonly #intervalMs: number
  #lastBeatMs = Number.NEGATIVE_INFINITY
  #commit: number | undefined
  #commitSinceMs = 0

  /** `intervalMs`: how long the service manager waits for a sign of life before it kills. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /** Whether to give a sign of life now. To be asked several times in half an interval. */
  beats(vitals: Vitals, nowMs: number): boolean {
    if (vitals.commitAtDisk !== this.#commit) {
      this.#commit = vitals.commitAtDisk
      this.#commitSinceMs = nowMs
    }
    const stuck = this.#commit !== undefined && nowMs - this.#commitSinceMs >= this.#intervalMs
    if (stuck || vitals.workersUp === 0) return false
    if (nowMs - this.#lastBeatMs < this.#intervalMs / 2) return false
    this.#lastBeatMs = nowMs
    return true
  }
}

/** The interval that systemd wants signs of life in (sd_watchdog_enabled(3)); undefined: it wants none. */
export function watchdogIntervalMs(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: watched } = env
  if (usec === undefined || !/^[1-9]\d*$/.test(usec)) return undefined
  // Set for another process: we have inherited it.
  if (watched !== undefined && watched !== String(pid)) return undefined
  return Number(usec) / 1000
}
