import type { Logger } from 'pino'
import { type Loss, losses, type PrunedElement } from '../../core/xml/pruned-element.ts'
import type { Metrics } from '../metrics/table.ts'
import type { Tally } from '../metrics/tally.ts'
import { RareLine } from '../rare-line.ts'
import { hostOf } from './stream-guard.ts'

/** Counts and logs stanzas that are over a limit. One for all streams of the daemon. */
export class LossReport {
  readonly #of: ReadonlyMap<Loss, { readonly tally: Tally; readonly line: RareLine }>

  /** `monotonicMs`: milliseconds that never jump. */
  constructor(metrics: Metrics, log: Logger, monotonicMs: () => number) {
    this.#of = new Map(
      losses.map((limit) => {
        const say = (times: number, host: string) =>
          limit === 'prefix'
            ? log.warn({ limit, host, times }, 'stanzas had an undeclared prefix')
            : log.warn({ limit, host, times }, 'stanzas exceeded a limit: the rest of them was skipped')
        const line = new RareLine(say, monotonicMs)
        return [limit, { tally: metrics.limitsHit.child(limit), line }]
      }),
    )
  }

  note(stanza: PrunedElement): void {
    const host = hostOf(stanza.attr('from') ?? '')
    for (const limit of stanza.lost) {
      const { tally, line } = this.#of.get(limit)!
      tally.add(1)
      line.note(host)
    }
  }
}
