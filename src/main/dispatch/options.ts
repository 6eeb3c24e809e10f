import type { ApiVersion, DefaultTexts } from '../../core/mongoosepush/request.ts'
import type { RetryLimits } from '../../core/retry.ts'
import type { GatewayPool } from '../gateway/provider-pool.ts'

/** What the dispatcher takes from the configuration. */
export interface DispatchOptions {
  /**
   * MongoosePush: URLs in the order in which they are used in turn; at least one unless `direct`. A path is kept before
   * `pathPrefix`.
   */
  readonly urls: readonly string[]
  readonly apiVersion: ApiVersion
  readonly pathPrefix: string
  /** Shown by v1 for a silent push, which it cannot express. */
  readonly defaults: DefaultTexts
  readonly tls: TlsTrust
  /** In all, over workers and URLs; but every worker has at least one for every URL. */
  readonly maxHttpConnections: number
  readonly requestTimeoutMs: number
  readonly workers: number
  /** A worker that gives no sign of life for so long is replaced. */
  readonly workerHangMs: number
  /** How long a notification is tried before its sink hears that it was not delivered. */
  readonly replyDeadlineMs: number
  /** Accepted and not settled, at most. */
  readonly maxPending: number
  /** The memory that these may take, in bytes. */
  readonly maxPendingBytes: number
  /** Domains served: beside others none may use up what all share. */
  readonly domains: readonly string[]
  readonly retry: RetryLimits
  /** Refusals in a row that make a device dead. */
  readonly suspectLimit: number
  /** How long a stored push is worth delivering when its publish does not say, in seconds. */
  readonly defaultTtlS: number
  /** Whether each push is on disk before it goes out. */
  readonly journalAll: boolean
  /** Pools of connections to push providers, in the order in which they are chosen from. */
  readonly pools: readonly GatewayPool[]
  /** Whether all pushes go to `pools`, rather than those of the served API alone. */
  readonly direct: boolean
  /** Above this share of a pool's answers suspects are taken for a wrong configuration. */
  readonly suspectShare: number
}

export interface TlsTrust {
  /** PEM text of authorities trusted besides the system's. */
  readonly ca: string | undefined
  readonly verify: boolean
}

/**
 * The workers' shares of `maxHttpConnections`: by worker, then by origin. They differ by one at most and add up to
 * it exactly, unless it is less than one for each.
 */
export function connectionShares(maxHttpConnections: number, workers: number, origins: number): number[][] {
  const places = workers * origins
  const each = Math.floor(maxHttpConnections / places)
  const rest = maxHttpConnections % places
  return Array.from({ length: workers }, (_, worker) =>
    Array.from({ length: origins }, (_, origin) => {
      // By origin first, so that what is left over does not all go to one origin.
      const place = origin + worker * origins
      return Math.max(1, each + (place < rest ? 1 : 0))
    }),
  )
}
