import type { FromWorker, GatewayTarget } from '../../src/core/worker-protocol.ts'
import { Session } from '../../src/worker/session.ts'
import { until } from '../support/until.ts'

/** An answer, whichever way it was told. */
export interface Told {
  readonly id: number
  readonly status: number
  readonly reason?: string | undefined
  readonly cause?: string | undefined
  readonly retryAfterMs?: number | undefined
  readonly durationUs: number
}

/** A worker's session in this thread, and all that it says. */
export class SessionAtWork implements AsyncDisposable {
  readonly answers: Told[] = []
  readonly said: FromWorker[] = []
  readonly session: Session
  #id = 0

  constructor(origins: string | readonly string[], target: Partial<GatewayTarget> = {}) {
    const list = typeof origins === 'string' ? [origins] : origins
    this.session = new Session(
      {
        origins: list,
        connections: list.map(() => 4),
        requestTimeoutMs: 10_000,
        connectTimeoutMs: 10_000,
        ca: undefined,
        verifyTls: true,
        ...target,
      },
      [],
      (message) => this.#hear(message),
    )
  }

  /** Posts a batch of requests of these paths to an origin; the id of the first. */
  post(paths: readonly string[], origin = 0, body = '{}'): number {
    const first = this.#id + 1
    this.session.take(paths.flatMap((path) => [++this.#id, origin, path, body]))
    return first
  }

  /** All answers, once there are so many. */
  async answered(count: number): Promise<readonly Told[]> {
    await until(`${count} answers`, () => this.answers.length >= count)
    return this.answers
  }

  async only(path: string): Promise<Told | undefined> {
    const before = this.answers.length
    this.post([path])
    await this.answered(before + 1)
    return this.answers[before]
  }

  async openConnections(): Promise<readonly number[]> {
    const before = this.said.length
    await until('a beat', () => this.said.slice(before).some(({ kind }) => kind === 'beat'))
    const beat = this.said.findLast((message) => message.kind === 'beat')
    return beat?.kind === 'beat' ? beat.openConnections : []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close()
  }

  #hear(message: FromWorker): void {
    // As a MessagePort would carry it: an object that cannot be cloned fails here too.
    this.said.push(structuredClone(message))
    if (message.kind !== 'answers') return
    for (let i = 0; i < message.plain.length; i += 3) {
      const [id = 0, status = 0, durationUs = 0] = message.plain.slice(i, i + 3)
      this.answers.push({ id, status, durationUs })
    }
    this.answers.push(...message.other)
  }
}
