import { expect, test } from 'vitest'
import { startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { ok, type RawRequest, rawServer } from '../../worker/raw-server.ts'
import { type DispatcherAtWork, dispatcherAtWork } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

let devices = 0

/** To as many devices, none of them met before. */
function pushMany(at: DispatcherAtWork, count: number, name = 'tok'): Promise<unknown[]> {
  return Promise.all(Array.from({ length: count }, () => at.push(notificationTo(`${name}${devices++}`))))
}

test('several URLs are used in turn', async () => {
  await using one = await startGatewaySandbox()
  await using two = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [one.url, two.url] })
  for (let i = 0; i < 10; i++) await at.push(notificationTo(`tok${i}`))
  expect([one.total, two.total]).toEqual([5, 5])
})

test('a push that one URL could not take goes to another', async () => {
  await using broken = await startGatewaySandbox()
  broken.answerWith(() => ({ status: 503 }))
  await using works = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [broken.url, works.url] })
  for (let i = 0; i < 6; i++) expect(await at.push(notificationTo(`tok${i}`))).toEqual({ kind: 'delivered' })
  expect([broken.total, works.total]).toEqual([3, 6])
})

test('a URL that fails for many devices is left out, and used again when it recovers', async () => {
  await using flaky = await startGatewaySandbox()
  flaky.answerWith(() => ({ status: 503 }))
  await using works = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [flaky.url, works.url] })
  const circuit = () =>
    at.dispatcher.state().gateways.find(({ service, url }) => service === 'fcm' && url === `${flaky.url}/`)
  await until('it is left out', async () => {
    await pushMany(at, 4)
    return circuit()?.circuit === 'open'
  })
  const host = new URL(flaky.url).host
  expect(await at.metric(`gateway_circuit_state{pool="${host}/fcm"}`)).toBe(2)
  expect(at.dispatcher.state().gatewayDown, 'the other works').toBe(false)
  const before = flaky.total
  await pushMany(at, 20)
  expect(flaky.total, 'left out').toBe(before)

  flaky.answerWith(undefined)
  await until('it is in use again', async () => {
    await pushMany(at, 4)
    return circuit()?.circuit === 'closed'
  })
  expect(at.log.filter(({ msg }) => String(msg).includes('left out until'))).toHaveLength(1)
  expect(at.log.filter(({ msg }) => msg === 'the gateway is in use again')).toHaveLength(1)
}, 20_000)

test('when every URL is left out it is probed by one request at a time, and recovers by itself', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 503 }))
  await using at = await dispatcherAtWork({ urls: [gateway.url] })
  const outcomes = pushMany(at, 20)
  await until('it is left out', () => at.dispatcher.state().gatewayDown)
  const before = gateway.total
  await gateway.next(before + 1)
  expect(gateway.total, 'one probe').toBe(before + 1)
  gateway.answerWith(undefined)
  for (const outcome of await outcomes) expect(outcome).toEqual({ kind: 'stored' })
  await until('all are delivered', () => at.outbox.size === 0)
  expect(at.dispatcher.state().gatewayDown).toBe(false)
}, 20_000)

test('a service in trouble behind the gateway stops no other', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(({ body }) => (body.service === 'fcm' ? { status: 503 } : undefined))
  await using at = await dispatcherAtWork({ urls: [gateway.url], replyDeadlineMs: 3_000 })
  const troubled = pushMany(at, 20)
  const open = () => at.dispatcher.state().gateways.filter(({ circuit }) => circuit !== 'closed')
  await until('it is left out', () => open().length > 0)
  expect(open().map(({ service }) => service)).toEqual(['fcm'])
  expect(await at.push(notificationTo('tok', { service: 'apns' }))).toEqual({ kind: 'delivered' })
  for (const outcome of await troubled) expect(outcome).toEqual({ kind: 'stored' })
}, 20_000)

test('a slow service leaves connections to the others', async () => {
  const held: RawRequest[] = []
  await using server = await rawServer((request) => {
    if (request.body.includes('"fcm"')) held.push(request)
    else request.socket.write(ok)
  })
  await using at = await dispatcherAtWork({ urls: [server.url], maxHttpConnections: 8 })
  expect(await at.push(notificationTo('tok', { service: 'apns' }))).toEqual({ kind: 'delivered' })
  const slow = pushMany(at, 50)
  await until('the slow ones hold their share', () => held.length === 6)
  expect(await at.push(notificationTo('tok', { service: 'apns' }))).toEqual({ kind: 'delivered' })
  expect(held).toHaveLength(6)
  while (at.dispatcher.pending > 0) {
    for (const { socket } of held.splice(0)) socket.write(ok)
    await until('more, or all', () => held.length > 0 || at.dispatcher.pending === 0)
  }
  await slow
})

test('max_http_connections holds over workers and URLs', async () => {
  const held: RawRequest[] = []
  await using one = await rawServer((request) => held.push(request))
  await using two = await rawServer((request) => held.push(request))
  await using at = await dispatcherAtWork({ urls: [one.url, two.url], workers: 2, maxHttpConnections: 11 })
  const outcomes = pushMany(at, 100)
  await until('every connection is in use', () => held.length === 11)
  let answered = 0
  while (answered < 100) {
    for (const { socket } of held.splice(0)) {
      answered++
      socket.write(ok)
    }
    await until('more, or all', () => held.length > 0 || answered === 100)
  }
  for (const outcome of await outcomes) expect(outcome).toEqual({ kind: 'delivered' })
  expect(one.mostConnections + two.mostConnections).toBe(11)
  expect(Math.abs(one.mostConnections - two.mostConnections)).toBeLessThanOrEqual(1)
})

test('the gateway’s metrics are exact', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url] })
  await Promise.all([pushMany(at, 7), pushMany(at, 3, 'gone-'), pushMany(at, 2, 'bad-')])
  const pool = `pool="${new URL(gateway.url).host}/fcm"`
  expect(await at.metric(`gateway_requests_total{${pool},status="200"}`)).toBe(7)
  expect(await at.metric(`gateway_requests_total{${pool},status="410"}`)).toBe(3)
  expect(await at.metric(`gateway_requests_total{${pool},status="400"}`)).toBe(2)
  expect(await at.metric(`gateway_request_duration_seconds_count{${pool}}`)).toBe(12)
  expect(await at.metric(`gateway_inflight{${pool}}`)).toBe(0)
  expect(await at.metric('notifications_total{service="fcm",outcome="delivered"}')).toBe(7)
  expect(await at.metric('notifications_total{service="fcm",outcome="dead_device"}')).toBe(3)
  expect(await at.metric('notifications_total{service="fcm",outcome="suspect"}')).toBe(2)
  expect(await at.metric('worker_queue{worker="0"}')).toBe(0)
  await until('connections are told', async () => {
    const open = await at.metric(`gateway_connections{pool="${new URL(gateway.url).host}"}`)
    return open !== undefined && open > 0 && open === (await gateway.connectionCount())
  })
})
