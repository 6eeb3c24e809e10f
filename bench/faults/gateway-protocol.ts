/** What a run and its gateway thread tell each other. */
import type { Weather } from './weather.ts'

export interface GatewaySettings {
  readonly seed: number
  /** Share of the devices that are gone, by their number. */
  readonly goneShare: number
  /** PEM texts; with them it speaks HTTPS. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** 0: any. */
  readonly port: number
}

export type ToGateway =
  | { readonly kind: 'weather'; readonly weather: Weather }
  /** Everything known so far is to be told, then `flushed`. */
  | { readonly kind: 'flush' }
  /** Another certificate from the next connection on; those that are open are cut. */
  | { readonly kind: 'certificate'; readonly cert: string; readonly key: string }

/** Values per request in `records`: sequence number, what became of it, when (milliseconds since the epoch). */
export const recordWidth = 3

/**
 * `delivered`: taken, and the answer went out at once and whole; `doubtful`: taken, and it did not; `doubted`: the
 * answer to the last delivery may not have been read.
 */
export const fates = { delivered: 0, doubtful: 1, gone: 2, failed: 3, doubted: 4 } as const

export type FromGateway =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'weathered' }
  | { readonly kind: 'records'; readonly records: readonly number[]; readonly wrong: readonly string[] }
  | {
      readonly kind: 'flushed'
      readonly requests: number
      /** Of these, those that a flood led to: all taken, and told of in no record. */
      readonly ofFlood: number
      readonly connections: number
      readonly open: number
    }
