/** Said again for the same thing at the earliest after this. */
const quietMs = 60_000
/** Things remembered; past it all are forgotten, and may be said once more. */
const maxRemembered = 1_000

/** Keeps one fault that every notification meets from becoming a log line for every notification. */
export class Notices {
  readonly #saidAtMs = new Map<string, number>()

  /** Whether to say it now. */
  due(what: string, nowMs: number): boolean {
    const saidAtMs = this.#saidAtMs.get(what)
    if (saidAtMs !== undefined && nowMs - saidAtMs < quietMs) return false
    if (this.#saidAtMs.size >= maxRemembered) this.#saidAtMs.clear()
    this.#saidAtMs.set(what, nowMs)
    return true
  }
}
