import { performance } from 'node:perf_hooks'
import type { GaugeFamily } from './metrics/family.ts'
import { type StartPhase, startPhases } from './metrics/table.ts'

/** When each phase of the start was over, from the beginning of the process on. */
export class StartPhases {
  readonly #endedMs = new Map<StartPhase, number>()

  /** The phase is over: only its first end counts. */
  ended(phase: StartPhase): void {
    if (!this.#endedMs.has(phase)) this.#endedMs.set(phase, performance.now())
  }

  /** For the log: whole milliseconds. */
  get ms(): Partial<Record<StartPhase, number>> {
    return Object.fromEntries([...this.#endedMs].map(([phase, ms]) => [phase, Math.round(ms)]))
  }

  /** A phase that is not over is 0. */
  showIn(family: GaugeFamily): void {
    for (const phase of startPhases) family.read(() => (this.#endedMs.get(phase) ?? 0) / 1000, phase)
  }
}
