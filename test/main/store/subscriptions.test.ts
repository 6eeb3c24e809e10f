import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Subscription } from '../../../src/main/store/ports.ts'
import { subscriptionCodec } from '../../../src/main/store/subscription-codec.ts'
import { LmdbSubscriptionStore } from '../../../src/main/store/subscriptions.ts'
import { openStore, scratchDirectory } from './open-store.ts'

function subscription(
  user: string,
  jid = 'push.test',
  node = 'n',
  change: Partial<Subscription> = {},
): Subscription {
  return {
    user,
    jid,
    node,
    options: [],
    session: '',
    domain: '',
    enabledAtMs: 1,
    usedAtMs: 1,
    outage: undefined,
    ...change,
  }
}

test('a subscription is read back as it was, also from the disk', async () => {
  using directory = scratchDirectory()
  const stored = subscription('roméo@x.test', 'push@y.test', '🚀 n', {
    options: [
      ['service', 'apns'],
      ['constructor', ''],
    ],
    session: 'roméo@x.test/phone',
    domain: 'push.x.test',
    usedAtMs: 5,
  })
  {
    await using environment = await openStore(directory.path)
    const store = new LmdbSubscriptionStore(environment)
    const written = store.put(stored, 32)
    expect(store.of('roméo@x.test')).toEqual([stored])
    await written
  }
  await using environment = await openStore(directory.path)
  const store = new LmdbSubscriptionStore(environment)
  expect(store.of('roméo@x.test')).toEqual([stored])
  expect(store.count()).toBe(1)
})

test('an outage is kept with the subscription, and one without is stored as it was before there were any', () => {
  const reached = subscription('a@x.test')
  const before = [1, 'a@x.test', 'push.test', 'n', [], '', '', 1, 1]
  expect(subscriptionCodec.encode(reached)).toEqual(before)
  expect(subscriptionCodec.decode(before)).toEqual(reached)
  const away = { ...reached, outage: { failures: 3, sinceMs: 7 } }
  expect(subscriptionCodec.decode(subscriptionCodec.encode(away))).toEqual(away)
})

test('an outage is counted no further than is needed: it costs no more writes', async () => {
  using directory = scratchDirectory()
  await using environment = await openStore(directory.path)
  const store = new LmdbSubscriptionStore(environment)
  await store.put(subscription('a@x.test'), 32)
  const fail = async (atMs: number) => {
    const [known] = store.of('a@x.test')
    if (known === undefined) throw new Error('it is gone')
    return store.unreached(known, atMs)
  }
  for (let i = 0; i < 50; i++) expect(await fail(1_000 + i)).toBe(false)
  expect(store.of('a@x.test')[0]?.outage).toEqual({ failures: 20, sinceMs: 1_000 })
  expect(await fail(1_000 + 3 * 86_400_000 - 1)).toBe(false)
  expect(await fail(1_000 + 3 * 86_400_000)).toBe(true)
  expect(store.of('a@x.test')).toEqual([])
})

test('a host goes with all its users, also those just written and more than one part holds, and no other', async () => {
  using directory = scratchDirectory()
  await using environment = await openStore(directory.path)
  const store = new LmdbSubscriptionStore(environment)
  const users = Array.from({ length: 1_234 }, (_, i) => `u${i}@gone.test`)
  const written = users.map((user) => store.put(subscription(user), 32))
  const kept = ['a@x.gone.test', 'a@gone.test.x', 'gone.test@x.test'].map((user) =>
    store.put(subscription(user), 32),
  )
  expect(await store.removeDomain('gone.test')).toBe(1_234)
  await Promise.all([...written, ...kept])
  expect(store.count()).toBe(3)
  expect(await store.removeDomain('gone.test')).toBe(0)
})

test('a use is noted once a day, and of the enabled subscription alone', async () => {
  using directory = scratchDirectory()
  await using environment = await openStore(directory.path)
  const store = new LmdbSubscriptionStore(environment)
  const first = subscription('a@x.test')
  await store.put(first, 32)
  const transactions = environment.transactions
  await store.used(first, 86_400_000)
  expect(environment.transactions).toBe(transactions)
  await store.used(first, 86_400_001)
  expect(store.of('a@x.test')[0]?.usedAtMs).toBe(86_400_001)
  await store.put(subscription('a@x.test', 'push.test', 'n', { enabledAtMs: 2 }), 32)
  await store.used(first, 1e12)
  expect(store.of('a@x.test')[0]?.usedAtMs).toBe(1)
})

const limit = 3
const users = fc.constantFrom('a@x', 'b@x', 'a@y', `${'j'.repeat(1000)}@y`)
const jids = fc.constantFrom('p', 'q.test', `u@${'p'.repeat(900)}`)
const nodes = fc.constantFrom('a', 'b', 'n'.repeat(2000), 'a\x1fb')
const step = fc.oneof(
  fc.record({ do: fc.constant('put' as const), user: users, jid: jids, node: nodes }),
  fc.record({
    do: fc.constant('remove' as const),
    user: users,
    jid: jids,
    node: fc.option(nodes, { nil: undefined }),
  }),
  fc.record({ do: fc.constant('removeUser' as const), user: users }),
  fc.record({ do: fc.constant('removeDomain' as const), domain: fc.constantFrom('x', 'y') }),
  fc.record({ do: fc.constant('wait' as const) }),
)

test('whatever is done in whatever order, subscriptions read as if kept in a list', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      using directory = scratchDirectory()
      await using environment = await openStore(directory.path)
      const store = new LmdbSubscriptionStore(environment)
      let model: Subscription[] = []
      let last: Promise<unknown> = Promise.resolve()
      for (const [i, each] of steps.entries()) {
        switch (each.do) {
          case 'put': {
            const { user, jid, node } = each
            const fresh = subscription(user, jid, node, { enabledAtMs: i, usedAtMs: i })
            model = model.filter((one) => !(one.user === user && one.jid === jid && one.node === node))
            const own = model.filter((one) => one.user === user)
            const excess = own.slice(0, Math.max(0, own.length + 1 - limit))
            model = [...model.filter((one) => !excess.includes(one)), fresh]
            last = store.put(fresh, limit).then((gone) => expect(gone).toBe(excess.length))
            break
          }
          case 'remove': {
            const { user, jid, node } = each
            const kept = model.filter(
              (one) => !(one.user === user && one.jid === jid && (node ?? one.node) === one.node),
            )
            const count = model.length - kept.length
            model = kept
            last = store.remove(user, jid, node).then((gone) => expect(gone).toBe(count))
            break
          }
          case 'removeUser':
            model = model.filter((one) => one.user !== each.user)
            last = store.removeUser(each.user)
            break
          case 'removeDomain':
            model = model.filter((one) => !one.user.endsWith(`@${each.domain}`))
            await store.removeDomain(each.domain)
            break
          case 'wait':
            await last
        }
        for (const user of ['a@x', 'b@x', 'a@y']) {
          expect(store.of(user)).toEqual(model.filter((one) => one.user === user))
        }
        expect(store.count()).toBe(model.length)
      }
      await last
    }),
    { numRuns: 40 },
  )
})
