import { domainOfBare } from '../../core/jid.ts'
import type { Environment } from './environment.ts'
import { behindAllKeys, endOfPrefix, keyPart, separator } from './keys.ts'
import type { Outage, Subscription, SubscriptionPage, SubscriptionStore } from './ports.ts'
import { subscriptionCodec } from './subscription-codec.ts'
import type { Table } from './table.ts'

/**
 * Push subscriptions in LMDB.
 *
 *   subscriptions  the user's host, user, App Server, node → the subscription
 *
 * So one user's are neighbours, and so are one host's. Reads see every change at once, before it is on disk; a
 * promise settles when it is.
 */

/** Uses are noted with this resolution: a message costs no write. */
const useResolutionMs = 86_400_000
/**
 * A subscription is removed when at least so many publishes in a row did not reach its App Server, over at least so long a
 * time. So an outage of hours costs no registration, however many messages come in during it.
 */
const maxFailures = 20
const maxOutageMs = 3 * 86_400_000
/** Subscriptions that one transaction of a host's removal takes: some milliseconds of the main thread. */
const removalBatch = 500

export class LmdbSubscriptionStore implements SubscriptionStore {
  readonly #environment: Environment
  readonly #subscriptions: Table<Subscription>

  constructor(environment: Environment) {
    this.#environment = environment
    this.#subscriptions = environment.table('subscriptions', subscriptionCodec, 0)
  }

  of(user: string): Subscription[] {
    const found = this.#subscriptions.entriesUnder(userPrefix(user)).map(([, subscription]) => subscription)
    return found.length < 2 ? found : found.sort(byEnabling)
  }

  page(after: string | undefined, limit: number): SubscriptionPage {
    const start = after === undefined ? separator : Buffer.from(after, 'base64url').toString() + separator
    const entries = this.#subscriptions.settledEntries(start, behindAllKeys, limit)
    const last = entries.length < limit ? undefined : entries.at(-1)?.[0]
    return {
      subscriptions: entries.map(([, subscription]) => subscription),
      next: last === undefined ? undefined : Buffer.from(last).toString('base64url'),
    }
  }

  put(subscription: Subscription, maxPerUser: number): Promise<number> {
    const key = keyOf(subscription.user, subscription.jid, subscription.node)
    return this.#environment.queue.write(() => {
      const others = this.#subscriptions
        .entriesUnder(userPrefix(subscription.user))
        .filter(([other]) => other !== key)
        .sort(([, a], [, b]) => a.usedAtMs - b.usedAtMs || byEnabling(a, b))
      const excess = Math.max(0, others.length + 1 - maxPerUser)
      for (const [other] of others.slice(0, excess)) this.#subscriptions.delete(other)
      this.#subscriptions.set(key, subscription)
      return excess
    })
  }

  remove(user: string, jid: string, node: string | undefined): Promise<number> {
    if (node === undefined) return this.#removeUnder(userPrefix(user) + keyPart(jid) + separator)
    const key = keyOf(user, jid, node)
    return this.#environment.queue.write(() => (this.#subscriptions.delete(key) ? 1 : 0))
  }

  removeSame({ user, jid, node, enabledAtMs }: Subscription): Promise<boolean> {
    const key = keyOf(user, jid, node)
    return this.#environment.queue.write(
      () => this.#subscriptions.get(key)?.enabledAtMs === enabledAtMs && this.#subscriptions.delete(key),
    )
  }

  removeUser(user: string): Promise<number> {
    return this.#removeUnder(userPrefix(user))
  }

  removeEnabledOn(user: string, domains: ReadonlySet<string>): Promise<number> {
    return this.#environment.queue.write(() => {
      const entries = this.#subscriptions.entriesUnder(userPrefix(user))
      const there = entries.filter(([, { domain }]) => domains.has(domain))
      for (const [key] of there) this.#subscriptions.delete(key)
      return there.length
    })
  }

  async removeDomain(domain: string): Promise<number> {
    const prefix = keyPart(domain) + separator
    // Settles what was enabled before: only what is on disk is seen below.
    await this.#environment.queue.write(() => undefined)
    for (let total = 0; ; ) {
      const removed = await this.#environment.queue.write(() => {
        const keys = this.#subscriptions.settledKeys(prefix, endOfPrefix(prefix), removalBatch)
        for (const key of keys) this.#subscriptions.delete(key)
        return keys.length
      })
      if (removed === 0) return total
      total += removed
    }
  }

  async used({ user, jid, node, enabledAtMs, usedAtMs, outage }: Subscription, atMs: number): Promise<void> {
    if (outage === undefined && atMs - usedAtMs < useResolutionMs) return
    const key = keyOf(user, jid, node)
    await this.#environment.queue.write(() => {
      const known = this.#subscriptions.get(key)
      if (known?.enabledAtMs !== enabledAtMs) return
      this.#subscriptions.set(key, { ...known, usedAtMs: atMs, outage: undefined })
    })
  }

  async unreached({ user, jid, node, enabledAtMs, outage }: Subscription, atMs: number): Promise<boolean> {
    // At the maximum the count stays the same: an outage costs at most as many writes as are counted.
    if (outage !== undefined && outage.failures >= maxFailures && !isOver(outage, atMs)) return false
    const key = keyOf(user, jid, node)
    return this.#environment.queue.write(() => {
      const known = this.#subscriptions.get(key)
      if (known?.enabledAtMs !== enabledAtMs) return false
      const { failures, sinceMs } = known.outage ?? { failures: 0, sinceMs: atMs }
      const counted = { failures: Math.min(failures + 1, maxFailures), sinceMs }
      if (isOver(counted, atMs)) return this.#subscriptions.delete(key)
      this.#subscriptions.set(key, { ...known, outage: counted })
      return false
    })
  }

  count(): number {
    return this.#subscriptions.size
  }

  #removeUnder(prefix: string): Promise<number> {
    return this.#environment.queue.write(() => {
      const entries = this.#subscriptions.entriesUnder(prefix)
      for (const [key] of entries) this.#subscriptions.delete(key)
      return entries.length
    })
  }
}

function isOver({ failures, sinceMs }: Outage, atMs: number): boolean {
  return failures >= maxFailures && atMs - sinceMs >= maxOutageMs
}

function userPrefix(user: string): string {
  return keyPart(domainOfBare(user)) + separator + keyPart(user) + separator
}

function keyOf(user: string, jid: string, node: string): string {
  return userPrefix(user) + keyPart(jid) + separator + keyPart(node)
}

/** The one enabled first comes first. */
function byEnabling(a: Subscription, b: Subscription): number {
  return a.enabledAtMs - b.enabledAtMs || (a.node < b.node ? -1 : 1)
}
