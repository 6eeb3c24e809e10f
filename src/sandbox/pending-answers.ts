import type { SandboxElement } from './element.ts'

interface Pending {
  readonly resolve: (answer: SandboxElement) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Requests that wait for their answer, by the component's domain and the request's id, whatever the stream. */
export class PendingAnswers {
  readonly #pending = new Map<string, Pending>()

  /** Rejects after `timeoutMs`, and at once when the id waits already. */
  expect(domain: string, id: string, timeoutMs: number): Promise<SandboxElement> {
    const { promise, resolve, reject } = Promise.withResolvers<SandboxElement>()
    if (this.#pending.has(keyOf(domain, id))) {
      reject(new RangeError(`a request with the id ${id} waits already`))
      return promise
    }
    const timer = setTimeout(() => {
      this.reject(domain, id, new Error(`no answer with the id ${id} within ${timeoutMs} ms`))
    }, timeoutMs)
    this.#pending.set(keyOf(domain, id), { resolve, reject, timer })
    return promise
  }

  /** False when nobody waits for it (any more). */
  resolve(domain: string, answer: SandboxElement): boolean {
    const pending = this.#take(keyOf(domain, answer.attr('id') ?? ''))
    pending?.resolve(answer)
    return pending !== undefined
  }

  reject(domain: string, id: string, error: Error): void {
    this.#take(keyOf(domain, id))?.reject(error)
  }

  rejectAll(error: Error): void {
    for (const key of this.#pending.keys()) this.#take(key)?.reject(error)
  }

  #take(key: string): Pending | undefined {
    const pending = this.#pending.get(key)
    if (pending === undefined) return undefined
    clearTimeout(pending.timer)
    this.#pending.delete(key)
    return pending
  }
}

function keyOf(domain: string, id: string): string {
  return `${domain} ${id}`
}
