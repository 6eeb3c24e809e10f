import { setTimeout as delay } from 'node:timers/promises'
import type { Findings } from '../ledger.ts'
import type { Rig } from '../rig.ts'

/** One thing that goes wrong, and what it did to the daemon. */
export interface FaultCase {
  readonly about: string
  run(options: CaseOptions): Promise<CaseReport>
}

export interface CaseOptions {
  readonly seed: number
  /** How long the fault lasts. */
  readonly seconds: number
}

export interface CaseReport {
  readonly figures: Readonly<Record<string, number>>
  readonly faults: readonly string[]
}

export interface MemoryFigures {
  readonly rssStartMb: number
  readonly rssMostMb: number
  readonly rssEndMb: number
}

/** Lets the run go on for so long, and watches the daemon's memory meanwhile. */
export async function watch(rig: Rig, seconds: number): Promise<MemoryFigures> {
  const readings: number[] = [rig.daemon.memory.anonymousMb]
  const endMs = performance.now() + seconds * 1000
  while (performance.now() < endMs) {
    await delay(Math.min(250, Math.max(1, endMs - performance.now())))
    readings.push(rig.daemon.memory.anonymousMb)
  }
  return {
    rssStartMb: readings[0] ?? 0,
    rssMostMb: Math.max(...readings),
    rssEndMb: readings.at(-1) ?? 0,
  }
}

export function report({ counts, faults }: Findings, figures: object): CaseReport {
  return { figures: { ...counts, ...(figures as Record<string, number>) }, faults }
}
