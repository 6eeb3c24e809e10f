import { expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { describeServers, SetUp, service } from './set-up.ts'

const nested = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth)
const attributes = (count: number) => Array.from({ length: count }, (_, i) => ` a${i}='1'`).join('')

/** What any user can send to the component, and the limit that it is past. */
const hostile: readonly [string, string][] = [
  ['depth', `<message to='${service}'>${nested(40)}</message>`],
  ['attributes', `<message to='${service}'><a${attributes(70)}/></message>`],
  ['text', `<message to='${service}'><body>${"'".repeat(40_000)}</body></message>`],
  ['children', `<message to='${service}'>${'<a/>'.repeat(1100)}</message>`],
]

describeServers('what a stranger sends to the component between publishes', ({ start }) => {
  test('costs no publish its answer, and no stream', async () => {
    await using setUp = await SetUp.start(await start())
    const { daemon } = setUp
    const alice = await setUp.online('alice')
    const eve = await setUp.online('eve')
    const bob = await setUp.asleep('token-1')

    let sent = 0
    for (const [limit, xml] of hostile) {
      for (let i = 0; i < 3; i++) {
        await alice.message(bob, `message ${++sent}`)
        await eve.send(xml)
        await alice.message(bob, `message ${++sent}`)
      }
      await until(
        `${limit} is counted`,
        async () => (await daemon.metric('limits_hit_total', { limit })) === 3,
      )
    }

    expect(await setUp.pushesTo('token-1', sent)).toHaveLength(sent)
    const delivered = () => daemon.metric('publishes_total', { result: 'delivered' })
    await until('all are answered', async () => (await delivered()) === sent)
    expect(await daemon.metric('component_reconnects_total')).toBe(0)
    expect(await daemon.metric('limits_hit_total', { limit: 'stream_stanza' })).toBe(0)

    // The registration is still there: a further message is pushed.
    await alice.message(bob, 'one more')
    await setUp.pushesTo('token-1', sent + 1)
    await eve.goOffline()
    await alice.goOffline()
  })

  test('an ordinary paste is a push with its beginning', async () => {
    await using setUp = await SetUp.start(await start())
    const alice = await setUp.online('alice')
    // As much as both servers take from a client; quotes are written as entities to us.
    const text = `He said "yes", she's "sure"\n`.repeat(3500)
    await alice.message(await setUp.asleep('token-1'), text)
    const [push] = await setUp.pushesTo('token-1')
    const { body = '' } = (push?.alert ?? {}) as { body?: string }
    expect(body.length).toBeGreaterThan(1000)
    expect(text.startsWith(body.replace(/…$/, ''))).toBe(true)
    expect(await setUp.daemon.metric('component_reconnects_total')).toBe(0)
    await alice.goOffline()
  })
})
