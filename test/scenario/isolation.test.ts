import { expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { until } from '../support/until.ts'
import { fullDomain, install, virtualDomain } from './installation.ts'

/** Worth delivering now or never: it waits in memory for its turn. */
function publish(id: string, to: string, deviceId: string): string {
  const options = { service: 'apns', device_id: deviceId, time_to_live: '0' }
  return publishIq({ id, from: 'chat.test', to, node: 'n1', options, summary: summaryOf('a@chat.test', 'b') })
}

test('a flood on one domain is held back, and loses no answer; publishes on another go out meanwhile', async () => {
  const slow = { queue: { max_pending: 400 }, mongoosepush: { max_http_connections: 4 } }
  await using installed = await install({ latencyMs: 20, config: slow })
  const { xmpp, daemon } = installed
  const create =
    `<iq type='set' id='c' from='romeo@chat.test' to='${fullDomain}'>` +
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='n1' type='push'/></pubsub></iq>`
  expect((await xmpp.request(fullDomain, create)).xml).toContain("type='result'")

  const iqs = Array.from({ length: 1_000 }, (_, i) => publish(`f${i}`, virtualDomain, `flood-${i}`))
  let isOver = false
  const flood = xmpp.requestAll(virtualDomain, iqs, { timeoutMs: 50_000 }).finally(() => (isOver = true))
  await until(
    'it is held back',
    async () => (await daemon.metric('domain_held', { domain: virtualDomain })) === 1,
  )
  expect(await daemon.metric('domain_held', { domain: fullDomain })).toBe(0)

  for (let i = 0; i < 15; i++) {
    const answer = await xmpp.request(fullDomain, publish(`o${i}`, fullDomain, `other-${i}`))
    expect(answer.xml).toContain("type='result'")
  }
  expect(isOver, 'the flood goes on').toBe(false)
  const http = await daemon.request(`/v1/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ host: fullDomain, node: 'n1', options: { service: 'apns', device_id: 'other' } }),
  })
  expect(http.status).toBe(200)

  const answers = await flood
  expect(answers).toHaveLength(1_000)
  expect(answers.filter(({ xml }) => xml.includes("type='result'"))).toHaveLength(1_000)
  expect(await daemon.metric('publishes_total', { result: 'rejected_no_room' })).toBe(0)
  expect(await daemon.metric('domain_held', { domain: virtualDomain })).toBe(0)
})

test('behind one user’s flood another user’s publishes on the same stream go out meanwhile', async () => {
  const slow = { queue: { max_pending: 2_000 }, mongoosepush: { max_http_connections: 4 } }
  await using installed = await install({ latencyMs: 20, config: slow })
  const { xmpp, daemon, gateway } = installed
  const publishOf = (user: string, id: string) =>
    publish(id, virtualDomain, id).replace("from='chat.test'", `from='${user}@chat.test/phone'`)
  const one = async (id: string) => {
    const answer = await xmpp.request(virtualDomain, publishOf('romeo', id), { stream: 0 })
    expect(answer.xml).toContain("type='result'")
  }
  await one('before')
  const iqs = Array.from({ length: 1_000 }, (_, i) => publishOf('mallory', `flood-${i}`))
  let isOver = false
  const flood = xmpp.requestAll(virtualDomain, iqs, { stream: 0, timeoutMs: 50_000 })
  void flood.finally(() => {
    isOver = true
  })
  await until('all of it waits', async () => ((await daemon.metric('pending')) ?? 0) > 800)
  const before = gateway.total
  for (let i = 0; i < 10; i++) await one(`romeo-${i}`)
  expect(isOver, 'the flood goes on').toBe(false)
  const places = gateway.requests
    .slice(before)
    .flatMap(({ deviceId }, i) => (deviceId === 'romeo-0' ? [i] : []))
  expect(places[0], 'behind those that were on their way').toBeLessThan(60)
  expect(await daemon.metric('domain_held', { domain: virtualDomain })).toBe(0)
  expect((await flood).filter(({ xml }) => xml.includes("type='result'"))).toHaveLength(1_000)
})
