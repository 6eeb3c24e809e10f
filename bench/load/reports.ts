/** What run.ts and its source and sink tell each other. */
import type { LatencySummary } from './latencies.ts'

/** To the source: one round. */
export interface SourceCommand {
  readonly seconds: number
  /** Unanswered publishes, over all streams. */
  readonly window: number
  /** Publishes per second; undefined: as many as the window lets through. */
  readonly rate?: number
  /** How many devices the publishes go to, in turn. */
  readonly devices: number
}

export interface SourceRound {
  readonly kind: 'round'
  readonly seconds: number
  /** Within the round. */
  readonly answers: number
  /** Answers per second. */
  readonly rate: number
  readonly latencyMs: LatencySummary
  /** Part of the latency, with a rate: from due to written. */
  readonly sendDelayMs: LatencySummary | undefined
  /** With those that came after its end: what the CPU times are for. */
  readonly allAnswers: number
  /** Answers of type error, among all. */
  readonly errors: number
  /** Never answered. */
  readonly lost: number
  /** Of the source. */
  readonly cpuUs: number
}

export type SourceReport =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'streams'; readonly up: number }
  | SourceRound

/** From the sink; `count` answers any message. Sums since it started. */
export type SinkReport =
  | { readonly kind: 'listening'; readonly port: number }
  | {
      readonly kind: 'count'
      readonly requests: number
      readonly connections: number
      readonly cpuUs: number
    }

/** What a daemon under test is told: as the only argument of the baselines, as TOML for the real one. */
export interface DaemonSettings {
  readonly domain: string
  readonly secret: string
  readonly xmppPort: number
  readonly gatewayPort: number
  readonly streams: number
  readonly workers: number
  readonly httpConnections: number
}
