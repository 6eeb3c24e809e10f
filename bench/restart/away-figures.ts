import type { Made } from '../results.ts'

/** Of one server and case. */
export interface AwayFigures {
  readonly server: string
  readonly case: string
  readonly rounds: number
  readonly lost: { readonly median: number; readonly most: number; readonly all: number }
  /** Of messages that the server took, those that no push came for, all rounds together. */
  readonly pushesMissing: number
  readonly awayMs: { readonly median: number; readonly most: number }
  readonly slowestPushMs: { readonly median: number; readonly most: number }
  readonly connectionsClosed: number
}

/** What away.ts and systemd.ts write. */
export interface AwayFile extends Made {
  readonly registrations: number
  readonly messagesPerSecond: number
  readonly figures: readonly AwayFigures[]
}
