import type { HttpPorts } from './http/ports.ts'
import type { ImportedSubscription } from './imports/imported-subscription.ts'
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
    async import(list, isDryRun) {
      const added: Promise<unknown>[] = []
      let imported = 0
      let known = 0
      let overLimit = 0
      for (const one of list) {
        const verdict = verdictOn(one, store.of(one.user), maxPerUser())
        if (verdict === 'known') known++
        else if (verdict === 'over-limit') overLimit++
        else {
          imported++
          if (!isDryRun) added.push(store.put(subscriptionOf(one, nowMs()), maxPerUser()))
        }
      }
      await Promise.all(added)
      return { imported, known, over_limit: overLimit }
    },
  }
}

/**
 * Whether to add a subscription from elsewhere. What its app has said here since is newer than any list; and of those
 * above the limit the newest stay, in whatever order they come: so that the same list, once more, changes nothing.
 */
function verdictOn(
  { jid, node, enabledAtMs }: ImportedSubscription,
  ofUser: readonly Subscription[],
  maxPerUser: number,
): 'new' | 'known' | 'over-limit' {
  const same = ofUser.find((one) => one.jid === jid && one.node === node)
  if (same !== undefined) {
    return enabledAtMs !== undefined && same.enabledAtMs < enabledAtMs ? 'new' : 'known'
  }
  if (ofUser.length < maxPerUser) return 'new'
  const isNewer = enabledAtMs !== undefined && ofUser.some(({ usedAtMs }) => usedAtMs < enabledAtMs)
  return isNewer ? 'new' : 'over-limit'
}

function subscriptionOf({ enabledAtMs: given, ...named }: ImportedSubscription, nowMs: number): Subscription {
  const enabledAtMs = given ?? nowMs
  return { ...named, session: '', domain: '', enabledAtMs, usedAtMs: enabledAtMs, outage: undefined }
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
