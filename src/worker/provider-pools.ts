import { classifyApnsAnswer } from '../core/apns/answer.ts'
import { classifyFcmAnswer } from '../core/fcm/answer.ts'
import type { ProviderAnswer, ProviderVerdict } from '../core/gateway/ports.ts'
import type { Authorization, ProviderTls } from '../core/gateway/provider-target.ts'
import {
  type JudgedAnswer,
  type ProviderPoolTarget,
  providerRequestWidth,
  readHeaderLines,
} from '../core/worker-protocol.ts'
import type { NoResponse, ProviderAnswerTaker } from './http2/call.ts'
import { SessionPool } from './http2/session-pool.ts'

/** Who is told of each request's one answer. */
export interface JudgedAnswerTaker {
  delivered(id: number, status: number, durationUs: number): void
  judged(answer: JudgedAnswer): void
}

/** The connections to push providers, pool by pool; each pool's trouble is its own. */
export class ProviderPools {
  readonly #pools: readonly SessionPool[]

  constructor(pools: readonly ProviderPoolTarget[], taker: JudgedAnswerTaker) {
    this.#pools = pools.map(({ service, target }) => new SessionPool(target, new AnswerJudge(service, taker)))
  }

  /** `requests`: flat, `providerRequestWidth` values each. */
  take(requests: readonly (number | string)[]): void {
    for (let i = 0; i < requests.length; i += providerRequestWidth) {
      this.#pools[Number(requests[i + 1])]?.post(Number(requests[i]), {
        path: String(requests[i + 2]),
        headers: readHeaderLines(String(requests[i + 3])),
        body: String(requests[i + 4]),
      })
    }
  }

  authorize(pool: number, authorization: Authorization | undefined): void {
    this.#pools[pool]?.authorize(authorization)
  }

  /** @throws Error when it cannot be read; nothing is changed then */
  renewTls(pool: number, tls: ProviderTls): void {
    this.#pools[pool]?.renewTls(tls)
  }

  sweep(nowMs: number): void {
    for (const pool of this.#pools) pool.sweep(nowMs)
  }

  get openConnections(): number[] {
    return this.#pools.map((pool) => pool.openConnections)
  }

  /** By pool: how many requests its open connections take at a time. */
  get streams(): number[] {
    return this.#pools.map((pool) => pool.streams)
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.close()))
  }
}

const classifiers = { apns: classifyApnsAnswer, fcm: classifyFcmAnswer } as const

/** Reads one pool's answers where they come in: whether the connection is to be replaced has to be known at once. */
class AnswerJudge implements ProviderAnswerTaker {
  readonly #classify: (answer: ProviderAnswer) => ProviderVerdict
  readonly #taker: JudgedAnswerTaker

  constructor(service: ProviderPoolTarget['service'], taker: JudgedAnswerTaker) {
    this.#classify = classifiers[service]
    this.#taker = taker
  }

  delivered(id: number, status: number, durationUs: number): void {
    this.#taker.delivered(id, status, durationUs)
  }

  answered(
    id: number,
    answer: ProviderAnswer,
    durationUs: number,
    authorization: string | undefined,
  ): boolean {
    const { outcome, hint } = this.#classify(answer)
    const refusedHeader = hint === 'renew_token' ? authorization : undefined
    this.#taker.judged({ id, durationUs, status: answer.status, outcome, refusedHeader })
    return hint === 'replace_connection'
  }

  failed(id: number, cause: NoResponse, detail: string, durationUs: number): void {
    const outcome = { kind: 'retry', cause, reason: detail, retryAfterMs: undefined, known: true } as const
    this.#taker.judged({ id, durationUs, status: 0, outcome, refusedHeader: undefined })
  }
}
