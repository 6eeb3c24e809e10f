import type { CircuitState } from '../../core/circuit.ts'
import type { Outbox } from '../store/ports.ts'
import type { Ledger } from './ledger.ts'
import type { DispatchOptions } from './options.ts'
import type { Outbound } from './outbound.ts'
import { services } from './route.ts'

/** What operators are shown of the dispatcher: a snapshot. */
export interface DispatchState {
  /** Accepted and not settled. */
  readonly pending: number
  /** Of these, not yet handed to a worker. */
  readonly waiting: number
  /** Since the start: settled is `accepted - pending`. */
  readonly accepted: number
  /** Answers that came after their notification was settled. */
  readonly late: number
  /** Acknowledged and in the outbox. */
  readonly stored: number
  /** When the one stored longest was stored; undefined: there is none. Milliseconds since the epoch. */
  readonly oldestAtMs: number | undefined
  /** Every service that has been used is left out at every URL. */
  readonly gatewayDown: boolean
  readonly gateways: readonly GatewayState[]
  readonly workers: readonly WorkerState[]
}

export interface GatewayState {
  readonly url: string
  readonly service: string
  /** `closed`: in use; `open`: left out; `half-open`: being probed. */
  readonly circuit: CircuitState
  /** How long it has been so. */
  readonly forMs: number
  readonly lastError: string | undefined
  readonly inflight: number
}

export interface WorkerState {
  readonly index: number
  readonly up: boolean
  readonly inflight: number
  /** Of its event loop, 0 to 1. */
  readonly utilization: number
  /** By gateway URL, in the configuration's order. */
  readonly openConnections: readonly number[]
}

/** `nowMs`: monotonic. */
export function dispatchState(
  options: DispatchOptions,
  { pending, accepted }: Ledger,
  late: number,
  outbox: Outbox,
  { queues, gateways, workers }: Outbound,
  nowMs: number,
): DispatchState {
  const used = queues.filter((queue) => queue.lastUsedMs > Number.NEGATIVE_INFINITY)
  return {
    pending,
    waiting: queues.reduce((sum, queue) => sum + queue.length, 0),
    accepted,
    late,
    stored: outbox.count(),
    oldestAtMs: outbox.oldestAtMs(),
    gatewayDown: used.length > 0 && used.every((queue) => gateways.allLeftOut(queue)),
    gateways: gateways.routes.flatMap((routes, origin) =>
      routes.map((route, service) => ({
        url: withoutPassword(options.urls[origin] ?? ''),
        service: services[service] ?? 'other',
        circuit: route.circuit.state,
        forMs: Math.round(nowMs - route.circuit.sinceMs),
        lastError: route.lastError,
        inflight: route.inflight,
      })),
    ),
    workers: workers.sessions.map((session, index) => ({
      index,
      up: session?.up ?? false,
      inflight: session?.inflight.size ?? 0,
      utilization: session?.utilization ?? 0,
      openConnections: session?.openConnections ?? [],
    })),
  }
}

function withoutPassword(url: string): string {
  const shown = new URL(url)
  shown.username = ''
  shown.password = ''
  return shown.href
}
