import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { hashOf } from '../text-hash.ts'
import { behindAllKeys, separator } from './keys.ts'
import type { NodeRecord } from './node-ports.ts'
import type { NodeTables } from './node-tables.ts'
import type { WriteQueue } from './write-queue.ts'

/**
 * What goes through all nodes, or happens behind the publishes: each in small parts, so that it holds nothing up.
 *
 * When a node was last used is in its record, and is written anew once in a while, not at each publish. Uses that
 * are due to be written wait in memory: if they are lost, a later publish notes them again.
 */

/** Nodes of one turn of the event loop, when all of them are gone through: about a millisecond. */
const turnNodes = 100
/** Between two such turns: a million nodes take some ten minutes, and 2 % of the thread. */
const turnPauseMs = 50
const maxUseResolutionMs = 4 * 86_400_000
/** Uses that wait to be written; what comes beyond is noted by a later publish. */
const maxUnwrittenUses = 10_000
const usesPerWrite = 200
const useWriteIntervalMs = 1_000

export class NodeUpkeep {
  readonly #tables: NodeTables
  readonly #queue: WriteQueue
  readonly #log: Logger
  readonly #nowMs: () => number
  #ttlMs: number
  /** When, by the node's key. */
  readonly #unwrittenUses = new Map<string, number>()
  #useTimer: NodeJS.Timeout | undefined
  readonly #stopped = new AbortController()

  /** @param ttlMs after how long without a publish or a change a node is removed; 0: never */
  constructor(tables: NodeTables, queue: WriteQueue, ttlMs: number, log: Logger, nowMs: () => number) {
    this.#tables = tables
    this.#queue = queue
    this.#ttlMs = ttlMs
    this.#log = log
    this.#nowMs = nowMs
  }

  setTtl(ttlMs: number): void {
    this.#ttlMs = ttlMs
  }

  /** How much later than its record says a node may have been used. */
  get useResolutionMs(): number {
    return this.#ttlMs === 0 ? maxUseResolutionMs : Math.min(maxUseResolutionMs, this.#ttlMs / 100)
  }

  used(key: string, { usedAtMs }: NodeRecord, atMs: number): void {
    // Half to all of the resolution: nodes that were made together are not to be written together.
    const ageMs = (this.useResolutionMs / 2) * (1 + (hashOf(key) >>> 0) / 2 ** 32)
    if (atMs - usedAtMs < ageMs || this.#unwrittenUses.has(key)) return
    if (this.#unwrittenUses.size >= maxUnwrittenUses) return
    this.#unwrittenUses.set(key, atMs)
    this.#useTimer ??= setInterval(() => void this.#writeUses(usesPerWrite), useWriteIntervalMs)
  }

  /** Counts the nodes of a store of earlier versions. Goes on where it was left off. Rejects with a StoreError. */
  async countStored(): Promise<void> {
    while (await this.#queue.write(() => this.#tables.countSome(turnNodes))) {
      if (!(await this.#goesOn())) return
    }
  }

  /** Removes nodes that were neither published to nor changed for the time to live; how many. Rejects with a StoreError. */
  async sweep(): Promise<number> {
    let removed = 0
    let from = separator
    while (this.#ttlMs > 0) {
      const page = this.#tables.nodes.settledEntries(from, behindAllKeys, turnNodes)
      const unused = page.filter(([, record]) => this.#isUnused(record)).map(([key]) => key)
      if (unused.length > 0) removed += await this.#queue.write(() => this.#removeUnused(unused))
      const last = page.at(-1)
      // The last one is looked at once more: what comes behind it is not known yet.
      if (last === undefined || page.length < turnNodes || !(await this.#goesOn())) break
      from = last[0]
    }
    return removed
  }

  /** Writes the uses that wait, and lets nothing go on that goes through all nodes. Never rejects. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#writeUses(maxUnwrittenUses)
    clearInterval(this.#useTimer)
  }

  async #goesOn(): Promise<boolean> {
    const { signal } = this.#stopped
    // Rejects only when it is stopped.
    await pause(turnPauseMs, undefined, { signal }).catch(() => undefined)
    return !signal.aborted
  }

  #isUnused({ usedAtMs }: NodeRecord): boolean {
    return this.#nowMs() - usedAtMs > this.#ttlMs + this.useResolutionMs
  }

  #removeUnused(keys: readonly string[]): number {
    let removed = 0
    for (const key of keys) {
      const record = this.#unwrittenUses.has(key) ? undefined : this.#tables.nodes.find(key)
      if (record === undefined || !this.#isUnused(record)) continue
      this.#tables.replace(key, '', record, undefined)
      removed++
    }
    return removed
  }

  async #writeUses(limit: number): Promise<void> {
    const uses = [...this.#unwrittenUses].slice(0, limit)
    try {
      await this.#queue.write(() => {
        for (const [key, atMs] of uses) {
          const record = this.#tables.nodes.find(key)
          if (record !== undefined && record.usedAtMs < atMs) {
            this.#tables.nodes.set(key, { ...record, usedAtMs: atMs })
          }
        }
      })
    } catch (err) {
      // Of the store, which says so itself.
      this.#log.debug({ err }, 'when nodes were used is not noted')
    }
    for (const [key] of uses) this.#unwrittenUses.delete(key)
    if (this.#unwrittenUses.size > 0) return
    clearInterval(this.#useTimer)
    this.#useTimer = undefined
  }
}
