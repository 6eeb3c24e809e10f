/** How a provider pool is doing: for the health check, metrics and /admin. */
export interface PoolState {
  /** Of the metrics' label `pool`. */
  readonly label: string
  readonly service: 'apns' | 'fcm'
  /** Open connections, over all workers; and how many there may be. */
  readonly connected: number
  readonly connections: number
  /** Why nothing can be sent through it at present, in a few words; undefined: something can. */
  readonly fault: string | undefined
}
