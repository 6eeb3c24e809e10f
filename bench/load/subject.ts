import { fileURLToPath } from 'node:url'
import type { Stored } from './fill-store.ts'
import type { ServedClient } from './reports.ts'
import { publishBytes, type SourceKind } from './stanza-template.ts'

/** How the parts around the daemon, and the daemon itself, are set up. */
export interface SetUp {
  readonly source: SourceKind | 'http-publish' | 'http-event' | 'http-events' | ServedClient
  /** What is pushed to; `invalid`: what the served API refuses. */
  readonly push: 'apns' | 'fcm' | 'invalid'
  /** Where pushes go: MongoosePush, or the providers themselves. */
  readonly gateway: 'mongoosepush' | 'direct'
  /** Bytes of what an XMPP source sends. */
  readonly stanzaBytes: number
  readonly streams: number
  readonly workers: number
  readonly httpConnections: number
  readonly gatewayLatencyMs: number
  /** The gateway speaks HTTPS. */
  readonly tls: boolean
  readonly durability: 'acknowledged' | 'always'
  readonly stored: Stored
  /** To how many devices, nodes or users the source sends. */
  readonly range: number
  /** Unanswered, over all streams or connections, at most. */
  readonly window: number
  /** Per second; undefined: as many as the window lets through. */
  readonly rate: number | undefined
}

/** What is put to the test. */
export interface Subject {
  readonly name: string
  /** The daemon, or one of the yardsticks of bench/baseline. */
  readonly program: 'daemon' | 'naive' | 'floor'
  /** The daemon's program. */
  readonly cli: string
  readonly setUp: SetUp
}

const cli = fileURLToPath(new URL('../../src/main/cli.ts', import.meta.url))

/** The set-up of the headline figures. */
export const usual: SetUp = {
  source: 'virtual',
  push: 'fcm',
  gateway: 'mongoosepush',
  stanzaBytes: publishBytes,
  streams: 2,
  workers: 2,
  httpConnections: 64,
  gatewayLatencyMs: 0,
  tls: false,
  durability: 'acknowledged',
  stored: { nodes: 0, subscriptions: 0, deadDevices: 0 },
  range: 100_000,
  window: 1000,
  rate: undefined,
}

/** The daemon with changes to the usual set-up; `ofBuild`: another build's program. */
export function daemon(name: string, changes: Partial<SetUp> = {}, ofBuild = cli): Subject {
  return { name, program: 'daemon', cli: ofBuild, setUp: { ...usual, ...changes } }
}

export function yardstick(program: 'naive' | 'floor', changes: Partial<SetUp> = {}): Subject {
  return { name: program, program, cli: '', setUp: { ...usual, ...changes } }
}
