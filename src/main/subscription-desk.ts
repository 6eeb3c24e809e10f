import type { HttpPorts } from './http/ports.ts'
import type { Subscription, SubscriptionStore } from './store/ports.ts'

/** What operators can see and do of push subscriptions. `maxPerUser`: asked each time. */
export function subscriptionDesk(
  store: SubscriptionStore,
  maxPerUser: () => number,
  nowMs: () => number,
): HttpPorts['subscriptions'] {
  return {
    of: (user) => ({ user, subscriptions: store.of(user).map(shown) }),
    page(after, limit) {
      const { subscriptions, next } = store.page(after, limit)
      return { subscriptions: subscriptions.map(shown), next: next ?? null }
    },
    disable: async (user, jid, node) => ({ disabled: await store.remove(user, jid, node) }),
    removeUser: async (user) => ({ removed: await store.removeUser(user) }),
    removeDomain: async (domain) => ({ removed: await store.removeDomain(domain) }),
    async import(list) {
      const now = nowMs()
      const added: Promise<unknown>[] = []
      for (const { user, jid, node, options, enabledAtMs = now } of list) {
        const known = store.of(user).find((one) => one.jid === jid && one.node === node)
        // What its app has said since is newer than any list.
        if (known !== undefined && known.enabledAtMs >= enabledAtMs) continue
        const fresh = {
          user,
          jid,
          node,
          options,
          session: '',
          domain: '',
          enabledAtMs,
          usedAtMs: enabledAtMs,
        }
        added.push(store.put(fresh, maxPerUser()))
      }
      await Promise.all(added)
      return { imported: added.length, known: list.length - added.length }
    },
  }
}

/** All but what an App Server takes for proof of who publishes. */
function shown({ user, jid, node, options, session, domain, enabledAtMs, usedAtMs }: Subscription): object {
  return {
    user,
    jid,
    node,
    options: Object.fromEntries(options.filter(([name]) => name !== 'secret')),
    session,
    domain,
    enabled: new Date(enabledAtMs).toISOString(),
    used: new Date(usedAtMs).toISOString(),
  }
}
