import type { CircuitState } from '../../core/circuit.ts'
import type { Outbox } from '../store/ports.ts'
import type { DispatchOptions } from './options.ts'
import type { DispatchParts } from './parts.ts'
import { type Route, services } from './route.ts'

/** What operators are shown of the dispatcher: a snapshot. */
export interface DispatchState {
  /** Accepted and not settled. */
  readonly pending: number
  /** The memory that these take, in bytes. */
  readonly pendingBytes: number
  /** Of these, not yet handed to a worker. */
  readonly waiting: number
  /** Since the start: settled is `accepted - pending`. */
  readonly accepted: number
  /** Answers that came after their notification was settled. */
  readonly late: number
  /** Acknowledged and in the outbox. */
  readonly stored: number
  /** The disk space that these take, in bytes. */
  readonly storedBytes: number
  /** When the one stored longest was stored; undefined: there is none. Milliseconds since the epoch. */
  readonly oldestAtMs: number | undefined
  /** Every service that has been used is left out at every URL, and every provider pool that has been. */
  readonly gatewayDown: boolean
  readonly gateways: readonly GatewayState[]
  readonly workers: readonly WorkerState[]
}

export interface GatewayState {
  /** As in the metrics. */
  readonly pool: string
  readonly url: string
  readonly service: string
  /** `closed`: in use; `open`: left out; `half-open`: being probed. */
  readonly circuit: CircuitState
  /** How long it has been so. */
  readonly forMs: number
  readonly lastError: string | undefined
  readonly inflight: number
  /** There was no connection for the last attempt, a short while ago. */
  readonly cannotConnect: boolean
  /** False: what vouches for us at the provider is missing, and nothing goes out. */
  readonly authorized: boolean
}

export interface WorkerState {
  readonly index: number
  readonly up: boolean
  readonly inflight: number
  /** Of its event loop, 0 to 1. */
  readonly utilization: number
  /** By gateway URL, then by provider pool, in the configuration's order. */
  readonly openConnections: readonly number[]
}

/** `nowMs`: monotonic. */
export function dispatchState(
  options: DispatchOptions,
  { ledger, loads, outbound }: Pick<DispatchParts, 'ledger' | 'loads' | 'outbound'>,
  late: number,
  outbox: Outbox,
  nowMs: number,
): DispatchState {
  const { pending, accepted } = ledger
  const { queues, gateways, exits, workers } = outbound
  const used = queues.filter(
    ({ lastUsedMs, isUnmatched }) => lastUsedMs > Number.NEGATIVE_INFINITY && !isUnmatched,
  )
  return {
    pending,
    pendingBytes: loads.pendingBytes,
    waiting: queues.reduce((sum, queue) => sum + queue.length, 0),
    accepted,
    late,
    stored: outbox.count(),
    storedBytes: outbox.bytes(),
    oldestAtMs: outbox.oldestAtMs(),
    gatewayDown: used.length > 0 && used.every((queue) => queue.isLeftOut(nowMs)),
    gateways: [
      ...gateways.routes.flatMap((routes, origin) =>
        routes.map((route, service) =>
          gatewayState(route, options.urls[origin] ?? '', services[service] ?? 'other', nowMs),
        ),
      ),
      ...(exits?.all ?? []).map(({ pool, route }) =>
        gatewayState(route, pool.target.origin, pool.service, nowMs),
      ),
    ],
    workers: workers.sessions.map((session, index) => ({
      index,
      up: session?.up ?? false,
      inflight: session?.inflight.size ?? 0,
      utilization: session?.utilization ?? 0,
      openConnections: session?.openConnections ?? [],
    })),
  }
}

function gatewayState(route: Route, url: string, service: string, nowMs: number): GatewayState {
  return {
    pool: route.pool,
    url: withoutPassword(url),
    service,
    circuit: route.circuit.state,
    forMs: Math.round(nowMs - route.circuit.sinceMs),
    lastError: route.lastError,
    inflight: route.inflight,
    cannotConnect: route.cannotConnect(nowMs),
    authorized: route.lockedSinceMs === undefined,
  }
}

function withoutPassword(url: string): string {
  const shown = new URL(url)
  shown.username = ''
  shown.password = ''
  return shown.href
}
