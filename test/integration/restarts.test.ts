import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Relay } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { describeServers, SetUp } from './set-up.ts'

describeServers('restarts', ({ start }) => {
  test('the daemon is restarted under traffic: what it acknowledged is what it delivered, and pushes go on', async () => {
    const server = await start()
    await using relay = await Relay.start(server.componentPort)
    await using setUp = await SetUp.start(server, {}, relay.port)
    const { daemon, gateway } = setUp
    const alice = await setUp.online('alice')
    const users = [
      await setUp.asleep('token-0'),
      await setUp.asleep('token-1'),
      await setUp.asleep('token-2'),
    ]
    const spare = await setUp.asleep('spare')

    let isRestarting = true
    const traffic = (async () => {
      while (isRestarting) {
        for (const user of users) await alice.message(user, 'hello')
        await delay(5)
      }
    })()
    await gateway.next(50)
    expect(await daemon.stop()).toBe(0)
    await daemon.start()
    isRestarting = false
    await traffic

    // Its push comes after those of all the messages before it. Servers bounce what comes while there is no
    // stream, and ejabberd forgets the registration then: the others may have none any more.
    await alice.message(spare, 'after the restart')
    await setUp.pushesTo('spare')
    const acknowledged = () => relay.connections.reduce((sum, { toServer }) => sum + results(toServer), 0)
    await until('every answer', () => acknowledged() >= gateway.total)
    expect(acknowledged()).toBe(gateway.total)
    await alice.goOffline()
  })

  test('a planned restart under traffic: no connection ends, every message is pushed, and nobody loses the push', async () => {
    const server = await start()
    await using relay = await Relay.start(server.componentPort)
    await using setUp = await SetUp.start(server, {}, relay.port)
    const { daemon, gateway } = setUp
    const alice = await setUp.online('alice')
    const tokens = Array.from({ length: 6 }, (_, i) => `token-${i}`)
    const users = await Promise.all(tokens.map((token) => setUp.asleep(token)))
    const before = relay.connections.length

    let isRestarting = true
    let sent = 0
    const traffic = (async () => {
      while (isRestarting) {
        for (const user of users) {
          await alice.message(user, 'hello')
          sent++
        }
        await delay(20)
      }
    })()
    await gateway.next(20)
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    const then = gateway.total
    await until('pushes of the successor', () => gateway.total > then + 20)
    isRestarting = false
    await traffic

    await until('every push', () => gateway.total >= sent)
    expect(gateway.total).toBe(sent)
    for (const user of users) await alice.message(user, 'the last one')
    await until('a last push of everyone', () => {
      const last = gateway.requests.filter(({ body }) => JSON.stringify(body).includes('the last one'))
      return new Set(last.map(({ deviceId }) => deviceId)).size === users.length
    })
    expect(relay.connections.length).toBe(before)
    expect(daemon.log.filter(({ msg }) => msg === 'stream lost')).toEqual([])
    await alice.goOffline()
  })

  test('the server is restarted: the daemon finds it again, and those who had push have it still', async () => {
    await using setUp = await SetUp.start(await start())
    const bob = await setUp.asleep('token-1')
    await setUp.server.stop()
    await until('it is missed', async () => (await fetch(`${setUp.daemon.url}/readyz`)).status === 503)
    await setUp.server.start()
    await setUp.daemon.ready()

    const alice = await setUp.online('alice')
    await alice.message(bob, 'after the restart')
    expect(await setUp.pushesTo('token-1')).toMatchObject([{ alert: { body: 'after the restart' } }])
    expect(await setUp.daemon.metric('component_reconnects_total')).toBeGreaterThan(0)
    await alice.goOffline()
  })
})

/** How many publishes were answered with a result: those answers go to the server's own domain. */
function results(toServer: string): number {
  const answers = toServer.match(/<iq [^>]*>/g) ?? []
  return answers.filter((iq) => /type=["']result/.test(iq) && /to=["']example\.com["']/.test(iq)).length
}
