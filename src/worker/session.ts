import { performance } from 'node:perf_hooks'
import {
  beatMs,
  type FromWorker,
  type GatewayTarget,
  type JudgedAnswer,
  type OtherAnswer,
  type ProviderPoolTarget,
  providerRequestWidth,
  requestWidth,
} from '../core/worker-protocol.ts'
import type { AnswerTaker, PostRequest } from './connection.ts'
import { OriginPool } from './origin-pool.ts'
import { type JudgedAnswerTaker, ProviderPools } from './provider-pools.ts'

/** How often running requests are looked at for having run too long: the error of a timeout. */
const sweepMs = 50

/**
 * Batches of requests in, answers out: all answers of one turn of the event loop leave in one message. Each
 * request has its own connection, or its own stream of one, so a slow one holds up no other of its batch.
 */
export class Session implements AnswerTaker, JudgedAnswerTaker {
  readonly #say: (message: FromWorker) => void
  readonly #pools: readonly OriginPool[]
  /** Connections to push providers. */
  readonly providers: ProviderPools
  readonly #beatTimer: NodeJS.Timeout
  readonly #sweepTimer: NodeJS.Timeout
  #plain: number[] = []
  #other: OtherAnswer[] = []
  #judged: JudgedAnswer[] = []
  #flushing = false
  #unanswered = 0
  #loop = performance.eventLoopUtilization()
  #closed: (() => void) | undefined
  readonly #flushBound = () => this.#flush()

  /** @throws Error when a certificate or key of `pools` cannot be read */
  constructor(
    target: GatewayTarget,
    pools: readonly ProviderPoolTarget[],
    say: (message: FromWorker) => void,
  ) {
    this.#say = say
    this.providers = new ProviderPools(pools, this)
    this.#pools = target.origins.map(
      (origin, i) => new OriginPool(origin, target.connections[i] ?? 1, target, this),
    )
    this.#beatTimer = setInterval(() => this.#beat(), beatMs)
    this.#sweepTimer = setInterval(() => this.#sweep(), sweepMs)
    this.#beat()
  }

  /** `requests`: flat, `requestWidth` values each. */
  take(requests: readonly (number | string)[]): void {
    for (let i = 0; i < requests.length; i += requestWidth) {
      const request: PostRequest = {
        id: Number(requests[i]),
        path: String(requests[i + 2]),
        body: String(requests[i + 3]),
      }
      this.#unanswered++
      this.#pools[Number(requests[i + 1])]?.post(request)
    }
  }

  /** `requests`: flat, `providerRequestWidth` values each. */
  takeForProviders(requests: readonly (number | string)[]): void {
    this.#unanswered += requests.length / providerRequestWidth
    this.providers.take(requests)
  }

  delivered(id: number, status: number, durationUs: number): void {
    this.#plain.push(id, status, durationUs)
    this.#answered()
  }

  answered(answer: OtherAnswer): void {
    this.#other.push(answer)
    this.#answered()
  }

  judged(answer: JudgedAnswer): void {
    this.#judged.push(answer)
    this.#answered()
  }

  /** Resolves when all that was taken is answered and every connection is closed. */
  async close(): Promise<void> {
    if (this.#unanswered > 0) await new Promise<void>((resolve) => (this.#closed = resolve))
    this.#flush()
    clearInterval(this.#beatTimer)
    clearInterval(this.#sweepTimer)
    await Promise.all([...this.#pools.map((pool) => pool.destroy()), this.providers.close()])
  }

  #answered(): void {
    this.#unanswered--
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(this.#flushBound)
  }

  #flush(): void {
    this.#flushing = false
    for (const pool of this.#pools) pool.resume()
    if (this.#plain.length > 0 || this.#other.length > 0) {
      this.#say({ kind: 'answers', plain: this.#plain, other: this.#other })
      this.#plain = []
      this.#other = []
    }
    if (this.#judged.length > 0) {
      this.#say({ kind: 'provider_answers', judged: this.#judged })
      this.#judged = []
    }
    if (this.#unanswered === 0) this.#closed?.()
  }

  #sweep(): void {
    const nowMs = performance.now()
    for (const pool of this.#pools) pool.sweep(nowMs)
    this.providers.sweep(nowMs)
  }

  #beat(): void {
    const utilization = performance.eventLoopUtilization(this.#loop).utilization
    this.#loop = performance.eventLoopUtilization()
    this.#say({
      kind: 'beat',
      openConnections: [
        ...this.#pools.map((pool) => pool.openConnections),
        ...this.providers.openConnections,
      ],
      streams: this.providers.streams,
      utilization,
    })
  }
}
