/** Of one server and case, in the result's file. */
export interface AwayFigures {
  readonly server: string
  readonly case: string
  readonly rounds: number
  readonly lost: { readonly median: number; readonly most: number; readonly all: number }
  readonly awayMs: { readonly median: number; readonly most: number }
  readonly slowestPushMs: { readonly median: number; readonly most: number }
  readonly connectionsClosed: number
}
