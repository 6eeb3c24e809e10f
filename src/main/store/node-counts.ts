import type { Environment } from './environment.ts'
import { keyPart, separator } from './keys.ts'
import { damaged } from './node-codec.ts'
import type { Codec, Table } from './table.ts'

/**
 * What the node store knows of its nodes as a whole, in LMDB:
 *
 *   node_counts  host, the host  → how many nodes its users own
 *                counted         → up to which key of `nodes` they are in the counts and in `owned`; true: all are
 *                since           → the time from which nodes count as unused whose record has none
 *
 * A store of earlier versions has none of it: its nodes are counted in the order of their keys, a part in each
 * transaction. A node behind the key in `counted` is not counted yet, and when it is changed it still is not.
 */

const hostMark = `host${separator}`
const countedKey = 'counted'
const sinceKey = 'since'

export const countsCodec: Codec<number | string | true> = {
  encode: (value) => value,
  decode: (stored) =>
    stored === true || typeof stored === 'string' || typeof stored === 'number' ? stored : damaged('a count'),
}

export class NodeCounts {
  readonly #table: Table<number | string | true>

  constructor(environment: Environment) {
    this.#table = environment.table('node_counts', countsCodec, 0)
  }

  /** Up to which key of `nodes` all are counted; undefined: none is; true: all are. */
  get counted(): string | true | undefined {
    const counted = this.#table.find(countedKey)
    return typeof counted === 'number' ? undefined : counted
  }

  set counted(key: string | true) {
    this.#table.set(countedKey, key)
  }

  /** Milliseconds since the epoch; undefined: this is the first time that the store is opened. */
  get sinceMs(): number | undefined {
    const since = this.#table.find(sinceKey)
    return typeof since === 'number' ? since : undefined
  }

  set sinceMs(ms: number) {
    this.#table.set(sinceKey, ms)
  }

  ofHost(host: string): number {
    const count = this.#table.find(hostMark + keyPart(host))
    return typeof count === 'number' ? count : 0
  }

  addToHost(host: string, change: 1 | -1): void {
    const count = this.ofHost(host) + change
    if (count > 0) this.#table.set(hostMark + keyPart(host), count)
    else this.#table.delete(hostMark + keyPart(host))
  }
}
