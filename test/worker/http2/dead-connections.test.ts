import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ApnsSandbox, startApnsSandbox } from '../../../src/sandbox/providers/apns.ts'
import { until } from '../../support/until.ts'
import { PoolAtWork } from './pool-at-work.ts'

let apns: ApnsSandbox

beforeEach(async () => {
  apns = await startApnsSandbox()
})
afterEach(async () => {
  await apns.close()
})

test('a half-open connection with nothing on it is found by a PING, and the next push goes to a new one', async () => {
  await using work = PoolAtWork.to(apns, { pingIntervalMs: 300, pongTimeoutMs: 300 })
  await work.only('a')
  apns.wire.freeze()
  await until('the connection is given up', () => work.pool.openConnections === 0)
  expect(await work.only('b')).toMatchObject({ status: 200 })
  expect(apns.requests.map(({ connection }) => connection)).toEqual([0, 1])
})

test('a half-open connection under pushes: they are in doubt, those that wait go to a new one', async () => {
  await using work = PoolAtWork.to(apns, { requestTimeoutMs: 5000, pingIntervalMs: 300, pongTimeoutMs: 300 })
  await work.only('first')
  apns.setMaxStreams(2)
  await apns.settingsTaken()
  apns.hold()
  work.push('a', 'b', 'c', 'd')
  await apns.next(3)
  apns.wire.freeze()
  await apns.until('the two that wait come on another connection', () => apns.total >= 4)
  apns.release()
  await work.toldOf(5)
  expect(work.summary).toEqual({
    first: 200,
    a: 'connection_lost',
    b: 'connection_lost',
    c: 200,
    d: 200,
  })
  expect(work.told.find(({ device }) => device === 'a')?.detail).toContain('PING')
})

test('a pool whose connections are half-open can be closed', async () => {
  const work = PoolAtWork.to(apns)
  await work.only('a')
  apns.wire.freeze()
  await work[Symbol.asyncDispose]()
  expect(work.pool.openConnections).toBe(0)
})

test('after a push that went unanswered in silence, no other is sent before a PING is answered', async () => {
  await using work = PoolAtWork.to(apns, { requestTimeoutMs: 1000, pongTimeoutMs: 300 })
  await work.only('first')
  apns.wire.freeze()
  expect(await work.only('a')).toMatchObject({ cause: 'timeout' })
  expect(await work.only('b')).toMatchObject({ status: 200 })
  expect(apns.requests.map(({ deviceId, connection }) => [deviceId, connection])).toEqual([
    ['first', 0],
    ['b', 1],
  ])
})

test('a provider that is slow, but answers PINGs, keeps its connection', async () => {
  await using work = PoolAtWork.to(apns, { requestTimeoutMs: 1000, pongTimeoutMs: 500 })
  await work.only('first')
  expect(await work.only('hang-a')).toMatchObject({ cause: 'timeout' })
  expect(await work.only('b')).toMatchObject({ status: 200 })
  expect(apns.pings).toBe(1)
  expect(apns.connectionsMade).toBe(1)
})

test('an idle connection whose PINGs are answered is kept', async () => {
  await using work = PoolAtWork.to(apns, { pingIntervalMs: 20 })
  await work.only('a')
  await apns.until('several PINGs', () => apns.pings >= 5)
  await work.only('b')
  expect(apns.connectionsMade).toBe(1)
})

test('a connection that is reset: what was on it is in doubt, and the next push goes to a new one', async () => {
  await using work = PoolAtWork.to(apns)
  await work.only('first')
  apns.hold()
  work.push('a', 'b')
  await apns.next(3)
  apns.wire.cut()
  await work.toldOf(3)
  apns.release()
  expect(work.summary).toEqual({ first: 200, a: 'connection_lost', b: 'connection_lost' })
  expect(await work.only('c')).toMatchObject({ status: 200 })
  expect(apns.total).toBe(4)
})

test('a connection that ends without a GOAWAY is as good as reset', async () => {
  await using work = PoolAtWork.to(apns)
  await work.only('first')
  expect(await work.only('cut-a')).toMatchObject({ cause: 'connection_lost' })
  expect(await work.only('b')).toMatchObject({ status: 200 })
})

test('a connection that is reset while nothing is on it costs no push', async () => {
  await using work = PoolAtWork.to(apns)
  for (const device of ['a', 'b', 'c']) {
    expect(await work.only(device)).toMatchObject({ status: 200 })
    apns.wire.cut()
    await apns.until('it is gone', () => apns.connections === 0)
  }
  expect(apns.connectionsMade).toBe(3)
})

test('a reset under a GOAWAY that left nothing processed: all is sent again', async () => {
  await using work = PoolAtWork.to(apns)
  await work.only('first')
  apns.hold()
  work.push('a', 'b')
  await apns.next(3)
  apns.goAway('answered')
  apns.release()
  await work.toldOf(3)
  expect(work.summary).toEqual({ first: 200, a: 200, b: 200 })
})

test('the trouble of one provider is not that of another', async () => {
  const other = await startApnsSandbox()
  await using work = PoolAtWork.to(apns, { requestTimeoutMs: 5_000 })
  await using another = PoolAtWork.to(other)
  await work.only('first')
  apns.wire.freeze()
  work.push(...Array.from({ length: 100 }, (_, i) => `a${i}`))
  another.push(...Array.from({ length: 100 }, (_, i) => `b${i}`))
  await another.toldOf(100)
  expect(work.told).toHaveLength(1)
  await work.pool.close()
  await other.close()
})

test('connections that are cut under load: each push is told once, and what is not in doubt has arrived', async () => {
  await using work = PoolAtWork.to(apns, { connections: 2 })
  await work.only('first')
  apns.setMaxStreams(20)
  let next = 50
  apns.answerWith(() => {
    if (apns.total < next) return undefined
    next += 100
    return { status: 'cut' }
  })
  const devices = Array.from({ length: 1000 }, (_, i) => `d${i}`)
  work.push(...devices)
  await work.toldOf(1001)
  expect(work.told.map(({ device }) => device).sort()).toEqual(['first', ...devices].sort())
  const causes = new Set(work.told.map(({ cause }) => cause))
  expect(causes).toEqual(new Set([undefined, 'connection_lost']))
  // Nothing was sent twice: no answer said that it may be.
  expect(new Set(apns.requests.map(({ deviceId }) => deviceId)).size).toBe(apns.total)
  const arrived = new Set(
    apns.requests.filter(({ status }) => status === 200).map(({ deviceId }) => deviceId),
  )
  const delivered = work.told.filter(({ status }) => status === 200)
  expect(delivered.every(({ device }) => arrived.has(device))).toBe(true)
})
