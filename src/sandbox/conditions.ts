/** Waiting for something to become so, without polling: whoever changes something calls `changed`. */
export class Conditions {
  readonly #waiting = new Map<() => void, (error: Error) => void>()

  /**
   * What `look` gives once it gives something: at once, or after one of the changes. Rejects after `timeoutMs`
   * with what `problem` says then.
   */
  until<T>(look: () => T | undefined, timeoutMs: number, problem: () => string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const check = () => {
      const found = look()
      if (found === undefined) return
      settle()
      resolve(found)
    }
    const giveUp = (error: Error) => {
      settle()
      reject(error)
    }
    const timer = setTimeout(() => giveUp(new Error(`after ${timeoutMs} ms: ${problem()}`)), timeoutMs)
    const settle = () => {
      clearTimeout(timer)
      this.#waiting.delete(check)
    }
    this.#waiting.set(check, giveUp)
    check()
    return promise
  }

  changed(): void {
    for (const check of this.#waiting.keys()) check()
  }

  /** Nothing will change any more: whoever waits is told so. */
  giveUp(error: Error): void {
    for (const giveUp of this.#waiting.values()) giveUp(error)
  }
}
