import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import type { XmppClient } from '../support/xmpp-client.ts'
import { describeServers, SetUp } from './set-up.ts'

describeServers('what the server does with the answer to a publish', ({ name, start }) => {
  let setUp: SetUp
  let alice: XmppClient

  beforeAll(async () => {
    // Soon enough for a test: the daemon keeps trying until then, and what it stores again within a second.
    const queue = { retry: { cap_ms: 1000 } }
    setUp = await SetUp.start(await start(), { push: { reply_deadline_ms: 500 }, queue })
    alice = await setUp.online('alice')
  })
  afterAll(async () => {
    await alice?.goOffline()
    await setUp?.[Symbol.asyncDispose]()
  })

  const publishes = () => setUp.daemon.metric('publishes_total')

  /** Sends a message and waits until the daemon has answered the publish that it caused. */
  async function messageIsPublished(to: string, text: string): Promise<void> {
    const before = await publishes()
    await alice.message(to, text)
    await until('one more publish', async () => (await publishes()) > before)
  }

  test('a device that is gone: ejabberd forgets the registration, to Prosody it is one error of many', async () => {
    const bob = await setUp.asleep('gone-1')
    await messageIsPublished(bob, 'the last one')
    expect(await setUp.daemon.metric('publishes_total', { result: 'dead_device' })).toBe(1)
    await until('the answer has come', () =>
      setUp.server.log.includes(name === 'ejabberd' ? 'disabling push' : 'is now at 1'),
    )

    // The marker's push comes after what the message before it may have caused.
    const before = await publishes()
    await alice.message(bob, 'another')
    await messageIsPublished(await setUp.asleep('marker'), 'marker')
    await setUp.pushesTo('marker')
    expect((await publishes()) - before).toBe(name === 'ejabberd' ? 1 : 2)
    // Known to be gone, the device is not pushed to again, whatever the server does.
    expect(await setUp.pushesTo('gone-1')).toHaveLength(1)
  })

  test.each([
    ['down', 'the gateway has trouble'],
    ['throttled', 'the gateway wants a pause'],
    ['hang', 'the gateway does not answer'],
    ['reset', 'the gateway breaks the connection'],
    ['nopool', 'the gateway has no pool for the app'],
    ['config', 'the gateway is not configured'],
    ['bad', 'the device may be gone, or the environment wrong'],
    ['large', 'the push is too large'],
  ])('the registration is kept when %s-…: %s', async (kind) => {
    const bob = await setUp.asleep(`${kind}-1`)
    await messageIsPublished(bob, 'one')
    await messageIsPublished(bob, 'another')
    const results = ['delivered', 'dead_device', 'rejected_dead_device']
    const gone = await Promise.all(
      results.map((result) => setUp.daemon.metric('publishes_total', { result })),
    )
    expect(gone).toEqual([1, 1, name === 'ejabberd' ? 0 : 1])
  })

  test('once the gateway is well again, what was stored is pushed, and the next message', async () => {
    const bob = await setUp.asleep('down-2')
    await messageIsPublished(bob, 'kept')
    setUp.gateway.answerWith(() => ({ status: 200 }))
    setUp.gateway.requests.length = 0
    const bodies = async (count: number) =>
      (await setUp.pushesTo('down-2', count)).map(({ alert }) => (alert as { body: string }).body)
    // One after the other: a second one stored for the same device would take the first one's place.
    expect(await bodies(1)).toEqual(['kept'])
    await alice.message(bob, 'pushed')
    expect(await bodies(2)).toEqual(['kept', 'pushed'])
  })
})
