import type { ProviderAnswer } from '../../../src/core/gateway/ports.ts'
import type { ProviderTarget } from '../../../src/core/gateway/provider-target.ts'
import type { ApnsSandbox } from '../../../src/sandbox/providers/apns.ts'
import type { NoResponse, ProviderAnswerTaker } from '../../../src/worker/http2/call.ts'
import { SessionPool } from '../../../src/worker/http2/session-pool.ts'
import { apnsProviderToken } from '../../sandbox/providers/tokens.ts'
import { until } from '../../support/until.ts'

/** What a request came to. */
export interface Told {
  readonly device: string
  readonly status: number
  readonly body: string
  readonly retryAfterMs: number | undefined
  readonly cause: NoResponse | undefined
  readonly detail: string
  readonly durationUs: number
}

export type TargetForTest = Pick<ProviderTarget, 'origin'> & Partial<ProviderTarget>

export function poolTarget(target: TargetForTest): ProviderTarget {
  return {
    connections: 1,
    requestTimeoutMs: 10_000,
    connectTimeoutMs: 10_000,
    pingIntervalMs: 60_000,
    pongTimeoutMs: 10_000,
    authorized: true,
    tls: { ca: undefined, identity: undefined },
    ...target,
  }
}

/** How often the pool is swept: several times within the shortest timeout of a test. */
const sweepMs = 10

/** A pool in this thread, and all that it tells. */
export class PoolAtWork implements ProviderAnswerTaker, AsyncDisposable {
  readonly told: Told[] = []
  readonly pool: SessionPool
  readonly #devices: string[] = []
  readonly #timer: NodeJS.Timeout

  constructor(target: TargetForTest) {
    this.pool = new SessionPool(poolTarget(target), this)
    this.#timer = setInterval(() => this.pool.sweep(performance.now()), sweepMs)
  }

  /** One to this sandbox, with a token that it takes. */
  static to(sandbox: ApnsSandbox, target: Partial<ProviderTarget> = {}): PoolAtWork {
    const work = new PoolAtWork({
      origin: sandbox.url,
      tls: { ca: sandbox.ca, identity: undefined },
      ...target,
    })
    work.pool.authorize({ header: `bearer ${apnsProviderToken(sandbox.keys[0])}`, owner: 'SANDBOXTEA' })
    return work
  }

  /** Pushes to these devices. */
  push(...devices: readonly string[]): void {
    for (const device of devices) {
      this.#devices.push(device)
      this.pool.post(this.#devices.length - 1, {
        path: `/3/device/${device}`,
        headers: {
          'content-type': 'application/json',
          'apns-topic': 'com.example.app',
          'apns-push-type': 'alert',
        },
        body: `{"aps":{"alert":{"title":"T","body":"${device}"}}}`,
      })
    }
  }

  /** What the first `count` came to, in the order in which it was told. */
  async toldOf(count: number): Promise<readonly Told[]> {
    await until(`${count} outcomes`, () => this.told.length >= count)
    return this.told
  }

  /** What became of a push to this device. */
  async only(device: string): Promise<Told | undefined> {
    const before = this.told.length
    this.push(device)
    await this.toldOf(before + 1)
    return this.told[before]
  }

  /** By device: the status, or why there was none. */
  get summary(): Record<string, number | string> {
    return Object.fromEntries(this.told.map(({ device, status, cause }) => [device, cause ?? status]))
  }

  delivered(id: number, status: number, durationUs: number): void {
    this.#tell({ id, status, body: '', retryAfterMs: undefined, cause: undefined, detail: '', durationUs })
  }

  answered(id: number, answer: ProviderAnswer, durationUs: number): boolean {
    this.#tell({ id, ...answer, cause: undefined, detail: '', durationUs })
    return answer.body.includes('TooManyProviderTokenUpdates')
  }

  failed(id: number, cause: NoResponse, detail: string, durationUs: number): void {
    this.#tell({ id, status: 0, body: '', retryAfterMs: undefined, cause, detail, durationUs })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close()
    clearInterval(this.#timer)
  }

  #tell({ id, ...told }: Omit<Told, 'device'> & { readonly id: number }): void {
    const device = this.#devices[id]
    if (device === undefined) throw new Error(`no request has the id ${id}`)
    this.told.push({ device, ...told })
  }
}
