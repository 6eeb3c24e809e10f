import { expect, test } from 'vitest'
import type { Notification } from '../../../src/core/notification.ts'
import { startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { ok, type RawRequest, rawServer } from '../../worker/raw-server.ts'
import { type DispatcherAtWork, dispatcherAtWork } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

const shared = { domains: ['push.test', 'other.test'] }

function from(domain: string, deviceId: string): Notification {
  return { ...notificationTo(deviceId), domain }
}

function pushMany(at: DispatcherAtWork, domain: string, count: number, name = domain): Promise<unknown[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => at.push(from(domain, `${name}-${i}`))))
}

/** Answers what is held, again and again, until nothing is pending. */
async function answerAll(at: DispatcherAtWork, held: RawRequest[]): Promise<void> {
  while (at.dispatcher.pending > 0) {
    for (const { socket } of held.splice(0)) socket.write(ok)
    await until('more, or all', () => held.length > 0 || at.dispatcher.pending === 0)
  }
}

/** In one turn of the event loop, while anything is pending. */
async function mostStoredAtOnce(at: DispatcherAtWork): Promise<number> {
  let most = 0
  for (let stored = at.outbox.size; at.dispatcher.pending > 0; stored = at.outbox.size) {
    await new Promise(setImmediate)
    most = Math.max(most, at.outbox.size - stored)
  }
  return most
}

test('a push does not wait behind the crowd of another domain', async () => {
  const held: RawRequest[] = []
  await using server = await rawServer((request) => held.push(request))
  await using at = await dispatcherAtWork({ urls: [server.url], ...shared, maxHttpConnections: 4 })
  const crowd = pushMany(at, 'crowd', 300)
  await until('the crowd has every connection', () => held.length === 4)
  const one = at.push(from('other', 'other-0'))
  await answerAll(at, held)
  expect(await one).toEqual({ kind: 'delivered' })
  const place = server.requests.findIndex(({ path }) => path.endsWith('other-0'))
  expect(place, 'behind those that the worker had').toBeLessThan(12)
  await crowd
})

test('slow devices of one domain leave connections to the others', async () => {
  const held: RawRequest[] = []
  await using server = await rawServer((request) => {
    if (request.path.includes('slow')) held.push(request)
    else request.socket.write(ok)
  })
  await using at = await dispatcherAtWork({ urls: [server.url], ...shared, maxHttpConnections: 8 })
  expect(await at.push(from('other', 'tok'))).toEqual({ kind: 'delivered' })
  const slow = pushMany(at, 'slow', 50)
  await until('the slow ones hold their share', () => held.length === 6)
  expect(await at.push(from('other', 'tok'))).toEqual({ kind: 'delivered' })
  expect(held).toHaveLength(6)
  await answerAll(at, held)
  await slow
})

test('slow devices of one domain leave connections to the others at the same service, while there are several', async () => {
  const held: RawRequest[] = []
  await using server = await rawServer((request) => {
    if (request.path.includes('slow')) held.push(request)
    else request.socket.write(ok)
  })
  await using at = await dispatcherAtWork({ urls: [server.url], ...shared, maxHttpConnections: 16 })
  const another = { ...notificationTo('tok', { service: 'apns' }), domain: 'other' }
  expect(await at.push(another)).toEqual({ kind: 'delivered' })
  const slow = pushMany(at, 'slow', 50)
  await until('the slow ones hold their share of the service’s', () => held.length === 9)
  for (let i = 0; i < 5; i++) expect(await at.push(from('other', 'tok'))).toEqual({ kind: 'delivered' })
  expect(held).toHaveLength(9)
  await answerAll(at, held)
  await slow
})

test('a domain alone in use has all connections', async () => {
  const held: RawRequest[] = []
  await using server = await rawServer((request) => held.push(request))
  await using at = await dispatcherAtWork({ urls: [server.url], ...shared, maxHttpConnections: 8 })
  const crowd = pushMany(at, 'crowd', 50)
  await until('every connection is in use', () => held.length === 8)
  await answerAll(at, held)
  await crowd
})

test('a domain that has its share of max_pending is held and refused, and no other is', async () => {
  await using gateway = await startGatewaySandbox()
  const quick = { replyDeadlineMs: 1_500, maxPending: 100 }
  await using at = await dispatcherAtWork({ urls: [gateway.url], ...shared, ...quick })
  const neverStored = { timeToLiveS: 0 }
  // In use of late: connections are kept for it.
  expect(await at.push(from('other', 'earlier'))).toEqual({ kind: 'delivered' })
  // One sender has all of a domain's share; several have parts of it.
  const crowd = Array.from({ length: 75 }, (_, i) =>
    at.push({ ...from('crowd', `hang-${i}`), ...neverStored }, 'one sender'),
  )
  expect([...at.held]).toEqual(['crowd'])
  expect(await at.metric('domain_held{domain="crowd"}')).toBe(1)
  expect(await at.metric('domain_pending{domain="crowd"}')).toBe(75)
  const refused = { settle: () => expect.unreachable() }
  expect(at.dispatcher.submit(from('crowd', 'tok'), refused)).toBe(false)
  expect(at.dispatcher.hasRoom('crowd')).toBe(false)
  expect(await at.metric('limits_hit_total{limit="max_pending"}')).toBe(1)

  expect(at.dispatcher.hasRoom('other')).toBe(true)
  expect(await at.push(from('other', 'tok'))).toEqual({ kind: 'delivered' })
  expect([...at.held]).toEqual(['crowd'])
  await Promise.all(crowd)
  expect([...at.held], 'there is room again').toEqual([])
  expect(at.dispatcher.hasRoom('crowd')).toBe(true)
})

test('room is taken from where a push came in, whatever domain it is for', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url], ...shared, replyDeadlineMs: 300 })
  const settled = Promise.withResolvers<unknown>()
  const push = { ...from('other', 'hang-1'), timeToLiveS: 0 }
  at.dispatcher.submit(push, { settle: settled.resolve }, 'crowd')
  expect(await at.metric('domain_pending{domain="crowd"}')).toBe(1)
  expect(await at.metric('domain_pending{domain="other"}')).toBeUndefined()
  await settled.promise
  expect(await at.metric('domain_pending{domain="crowd"}')).toBe(0)
})

test('a crowd that comes to its deadline is given up over many turns of the event loop', async () => {
  await using server = await rawServer(() => undefined)
  await using at = await dispatcherAtWork({ urls: [server.url], ...shared, replyDeadlineMs: 200 })
  const crowd = pushMany(at, 'crowd', 1_000)
  const most = await mostStoredAtOnce(at)
  for (const outcome of await crowd) expect(outcome).toEqual({ kind: 'stored' })
  expect(at.outbox.size).toBe(1_000)
  // A tick may fall into a turn.
  expect(most).toBeLessThanOrEqual(64)
})

test('a crowd whose gateway is left out is stored over several ticks', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 503 }))
  await using at = await dispatcherAtWork({ urls: [gateway.url], ...shared })
  const crowd = pushMany(at, 'crowd', 1_000)
  const most = await mostStoredAtOnce(at)
  for (const outcome of await crowd) expect(outcome).toEqual({ kind: 'stored' })
  // With those that had an attempt behind them.
  expect(most).toBeLessThan(400)
})

test('a domain too crowded to wait has its pushes stored, and the others’ are waited for', async () => {
  const held: RawRequest[] = []
  await using server = await rawServer((request) => held.push(request))
  const few = { maxHttpConnections: 1, maxPending: 100 }
  await using at = await dispatcherAtWork({ urls: [server.url], ...shared, ...few })
  const crowd = pushMany(at, 'crowd', 60)
  const others = pushMany(at, 'other', 5)
  await until('what is too much is stored', () => at.outbox.count() >= 15)
  const answering = answerAll(at, held)
  for (const outcome of await others) expect(outcome).toEqual({ kind: 'delivered' })
  const kinds = new Set((await crowd).map((outcome) => (outcome as { kind: string }).kind))
  expect([...kinds].sort()).toEqual(['delivered', 'stored'])
  await answering
})
