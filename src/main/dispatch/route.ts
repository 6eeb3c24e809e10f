import { Circuit, circuitLimits } from '../../core/circuit.ts'
import { PausedDevices } from '../../core/gateway/paused-devices.ts'
import { PoolPause, poolPauseLimits } from '../../core/gateway/pool-pause.ts'
import type { AttemptOutcome } from '../../core/outcome.ts'
import { type Metrics, serviceLabel } from '../metrics/table.ts'
import type { Distribution, Tally } from '../metrics/tally.ts'
import { CauseTallies } from './cause-tallies.ts'

export const services = ['apns', 'fcm', 'other'] as const satisfies ReturnType<typeof serviceLabel>[]

/** The label `pool`: a gateway's host and port, and one of `services`. */
export function poolLabel(url: string, service: string): string {
  return `${new URL(url).host}/${serviceLabel(service)}`
}

/** Every value that the label `pool` takes for these gateway URLs, known from the start. */
export function poolLabels(urls: readonly string[]): string[] {
  return urls.flatMap((url) => services.map((service) => poolLabel(url, service)))
}

const pauseDevices = 3
/** The longest pause: a wrong answer of a proxy must not stop a gateway for days. */
const longestGatewayPauseMs = 3_600_000
/** Of one pool; a megabyte or two. */
const maxPausedDevices = 10_000

/** So long pushes wait for what vouches for us before that counts as a fault: it is on its way when the daemon starts. */
const lockedGraceMs = 2_000

/** So long the last attempt that got no connection says how the provider is: nobody else asks it. */
const connectFailedForMs = 30_000

/** One gateway URL for one service, or one provider pool: its circuit, what is under way on it, its metrics. */
export class Route {
  /** The metrics' label. */
  readonly pool: string
  /** Its place among the provider pools; -1: it is a way to MongoosePush. */
  readonly provider: number
  readonly circuit: Circuit
  /** Handed to workers and not yet answered. */
  inflight = 0
  lastError: string | undefined
  readonly pause: PoolPause
  /** Of a provider pool: its paused devices. */
  readonly pausedDevices = new PausedDevices(maxPausedDevices)
  /** Since then there is nothing that vouches for us at the provider, and nothing goes out. Monotonic. */
  lockedSinceMs: number | undefined = undefined
  /** When there was no connection for the last attempt; undefined: there was one. Monotonic. */
  #connectFailedMs: number | undefined
  /** Devices whose pushes it was last asked for, with none delivered since; `pauseDevices` at most. */
  readonly #pausedFor = new Set<string>()
  readonly #metrics: Metrics | undefined
  readonly #duration: Distribution | undefined
  /** By status code, fetched when first met: a gateway may answer anything. */
  readonly #byStatus: (Tally | undefined)[] = []
  readonly #byCause: CauseTallies | undefined

  /** `metrics`: undefined for one by which nothing goes. */
  constructor(pool: string, provider: number, metrics: Metrics | undefined, nowMs: number) {
    this.pool = pool
    this.provider = provider
    this.circuit = new Circuit(circuitLimits, nowMs)
    this.pause = new PoolPause(
      provider < 0 ? { ...poolPauseLimits, longestMs: longestGatewayPauseMs } : poolPauseLimits,
    )
    this.#metrics = metrics
    this.#byCause = metrics && new CauseTallies(metrics.gatewayRequests, pool)
    this.#duration = metrics?.gatewayRequestDuration.child(this.pool)
    metrics?.gatewayInflight.read(() => this.inflight, this.pool)
    metrics?.gatewayCircuitState.read(() => circuitLevels[this.circuit.state], this.pool)
  }

  /** The end of the pause of the gateway or the pool. Monotonic. */
  get pausedUntilMs(): number {
    return this.pause.untilMs
  }

  /** It is in use, and not asked to pause until later than `timeMs`. Both monotonic. */
  deliversBy(timeMs: number, nowMs: number): boolean {
    if (this.circuit.state !== 'closed' || this.pausedUntilMs > timeMs) return false
    if (this.lockedSinceMs === undefined) return true
    const soonMs = this.lockedSinceMs + lockedGraceMs
    return nowMs < soonMs && timeMs >= soonMs
  }

  /** What an attempt comes to that cannot be made at present. */
  unavailable(nowMs: number): AttemptOutcome {
    const pauseMs = this.pausedUntilMs - nowMs
    if (pauseMs > 0) {
      return {
        kind: 'retry',
        cause: 'throttled',
        reason: 'TooManyRequests',
        retryAfterMs: pauseMs,
        known: true,
      }
    }
    const locked = this.lockedSinceMs === undefined ? undefined : 'nothing vouches for us'
    const reason = locked ?? this.lastError ?? 'left out'
    return { kind: 'retry', cause: 'connect_error', reason, retryAfterMs: undefined, known: true }
  }

  /**
   * The gateway wants no other attempt before `delayMs` are over. Asked so for one device after another it means
   * the whole pool; for one, that device's push alone waits. True: it pauses from now on.
   */
  askedToPause(device: string, delayMs: number, nowMs: number): boolean {
    this.#pausedFor.add(device)
    if (this.#pausedFor.size < pauseDevices) return false
    this.#pausedFor.clear()
    return this.pause.begin(delayMs, nowMs)
  }

  /** It took a push: it is not the pool that is to pause. */
  accepted(): void {
    if (this.#pausedFor.size > 0) this.#pausedFor.clear()
  }

  /** Whether there was no connection for the last attempt, a short while ago. `nowMs`: monotonic. */
  cannotConnect(nowMs: number): boolean {
    return this.#connectFailedMs !== undefined && nowMs - this.#connectFailedMs < connectFailedForMs
  }

  countStatus(status: number, durationUs: number): void {
    this.#connectFailedMs = undefined
    let tally = this.#byStatus[status]
    if (tally === undefined) {
      tally = this.#metrics?.gatewayRequests.child(this.pool, String(status))
      this.#byStatus[status] = tally
    }
    tally?.add(1)
    this.#duration?.observe(durationUs / 1e6)
  }

  /** `nowMs`: monotonic. */
  countNoResponse(cause: string, nowMs: number): void {
    this.#connectFailedMs = cause === 'connect_error' ? nowMs : undefined
    this.#byCause?.add(cause)
  }
}

/** As the metric's help says. */
const circuitLevels = { closed: 0, 'half-open': 1, open: 2 } as const
