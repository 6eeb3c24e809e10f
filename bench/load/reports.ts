/** What the runner and the parts of a rig, each a process of its own, tell each other. */
import type { LatencySummary } from './latencies.ts'
import type { SourceKind } from './stanza-template.ts'

/** The only argument of the XMPP source. */
export interface SourceSettings {
  readonly domain: string
  readonly kind: SourceKind
  /** Of publishes. */
  readonly service: 'apns' | 'fcm'
  /** Bytes of a stanza. */
  readonly size: number
}

/** To a source: one round. */
export interface SourceCommand {
  readonly seconds: number
  /** Unanswered, over all streams or connections; of events over XMPP: whose push has not come to the gateway. */
  readonly window: number
  /** Per second; undefined: as many as the window lets through. */
  readonly rate: number | undefined
  /** How many devices, nodes or users they go to. */
  readonly range: number
}

/** To a source of events over XMPP, all the while: how many pushes have come to the gateway since it started. */
export interface TakenByGateway {
  readonly taken: number
}

export interface SourceRound {
  readonly kind: 'round'
  readonly seconds: number
  /** Within the round; of events over XMPP: written. */
  readonly answers: number
  /** Undefined where there are no answers. */
  readonly latencyMs: LatencySummary | undefined
  /** Part of the latency, with a rate: from due to written. */
  readonly sendDelayMs: LatencySummary | undefined
  /** With those that came after its end. */
  readonly allAnswers: number
  /** Answers that are errors, among all. */
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
  /** `tokenPort`: of FCM's token endpoint, where the sink is the providers. */
  | { readonly kind: 'listening'; readonly port: number; readonly tokenPort?: number }
  | {
      readonly kind: 'count'
      readonly requests: number
      readonly connections: number
      readonly cpuUs: number
    }

/** What sends to the served API. */
export type ServedClient = 'autocannon' | 'h2load-http1' | 'h2load-http2'

/** The only argument of its source. */
export interface ServedSourceSettings {
  readonly client: ServedClient
  /** `invalid`: it fails validation. */
  readonly push: 'apns' | 'fcm' | 'invalid'
  readonly port: number
}

/** The only argument of the gateway sink, and of the providers, which always have a certificate. */
export interface SinkSettings {
  readonly latencyMs: number
  readonly tls: { readonly cert: string; readonly key: string } | undefined
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
