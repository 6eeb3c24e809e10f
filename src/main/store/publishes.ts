import type { Environment } from './environment.ts'
import { list, number, text } from './notification-codec.ts'
import type { PublishStore, StoredPublish } from './ports.ts'
import type { Codec, Table } from './table.ts'
import { afterAllIds, Ids } from './time-keys.ts'

/**
 * Publishes to App Servers elsewhere that were not answered soon, in LMDB:
 *
 *   publishes  id (sorts by when it was stored)  → whom it is for, and its summary
 */

export const publishCodec: Codec<StoredPublish> = {
  encode: ({ user, jid, node, domain, summary, createdAtMs }) => [
    user,
    jid,
    node,
    domain,
    summary,
    createdAtMs,
  ],
  decode(stored) {
    const [user, jid, node, domain, summary, createdAtMs] = list(stored)
    return {
      user: text(user),
      jid: text(jid),
      node: text(node),
      domain: text(domain),
      summary: list(summary).map(text),
      createdAtMs: number(createdAtMs),
    }
  },
}

export class LmdbPublishStore implements PublishStore {
  readonly #environment: Environment
  readonly #publishes: Table<StoredPublish>
  readonly #ids: Ids

  constructor(environment: Environment, nowMs: () => number) {
    this.#environment = environment
    this.#publishes = environment.table('publishes', publishCodec, 0)
    this.#ids = new Ids(this.#publishes.lastKey(), nowMs)
  }

  add(publish: StoredPublish): { readonly id: string; readonly durable: Promise<void> } {
    const id = this.#ids.next()
    return { id, durable: this.#environment.queue.write(() => this.#publishes.set(id, publish)) }
  }

  async remove(id: string): Promise<void> {
    await this.#environment.queue.write(() => this.#publishes.delete(id))
  }

  all(): [id: string, publish: StoredPublish][] {
    return this.#publishes.settledEntries('0', afterAllIds, Number.POSITIVE_INFINITY)
  }
}
