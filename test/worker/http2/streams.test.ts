import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ApnsSandbox, startApnsSandbox } from '../../../src/sandbox/providers/apns.ts'
import { PoolAtWork } from './pool-at-work.ts'

let apns: ApnsSandbox

beforeEach(async () => {
  apns = await startApnsSandbox()
})
afterEach(async () => {
  await apns.close()
})

const many = Array.from({ length: 200 }, (_, i) => `d${i}`)

test('pushes share one connection, many at a time', async () => {
  await using work = PoolAtWork.to(apns)
  await work.only('first')
  apns.hold()
  work.push(...many)
  await apns.until('all are there at once', () => apns.held === many.length)
  apns.release()
  await work.toldOf(201)
  expect(work.told.every(({ status }) => status === 200)).toBe(true)
  expect(apns.connectionsMade).toBe(1)
})

test('before the first valid push one stream at a time is allowed: no more are opened', async () => {
  await using work = PoolAtWork.to(apns)
  apns.hold()
  work.push('BadDeviceToken-1', ...many)
  await apns.next(1)
  // Its answer is what allows more.
  expect(apns.openStreams).toBe(1)
  apns.release()
  await work.toldOf(201)
  expect(apns.breaches).toEqual([])
  expect(apns.total).toBe(201)
})

test('a limit that drops is obeyed with the next stream, and a limit that rises is used', async () => {
  await using work = PoolAtWork.to(apns)
  await work.only('first')
  apns.setMaxStreams(2)
  await work.only('second')
  apns.hold()
  work.push(...many)
  await apns.until('two are there', () => apns.held === 2)
  for (let released = 0; released < 100; released += 2) {
    apns.release(2)
    await apns.until('the next two', () => apns.held === 2 && apns.total === released + 6)
    expect(apns.openStreams).toBeLessThanOrEqual(2)
  }
  apns.setMaxStreams(1000)
  await apns.until('the rest', () => apns.held === 200 - 100)
  apns.release()
  await work.toldOf(202)
  expect(apns.breaches).toEqual([])
  expect(work.told.every(({ status }) => status === 200)).toBe(true)
})

test('where no stream is allowed any more, pushes wait for one, and end as not processed when none comes in time', async () => {
  await using work = PoolAtWork.to(apns, { requestTimeoutMs: 1000 })
  await work.only('first')
  apns.setMaxStreams(0)
  await apns.settingsTaken()
  work.push('a', 'b')
  await work.toldOf(3)
  expect(work.summary).toEqual({ first: 200, a: 'not_processed', b: 'not_processed' })
  expect(apns.total).toBe(1)

  work.push('c')
  apns.setMaxStreams(10)
  await work.toldOf(4)
  expect(work.summary).toMatchObject({ c: 200 })
  expect(apns.connectionsMade).toBe(1)
})

test('a second connection is opened when the first is full, and no third', async () => {
  await using work = PoolAtWork.to(apns, { connections: 2 })
  await work.only('first')
  apns.setMaxStreams(3)
  await apns.settingsTaken()
  apns.hold()
  work.push(...many)
  await apns.until('four are there: one on the new connection', () => apns.held === 4)
  apns.release()
  await work.toldOf(201)
  expect(apns.connectionsMade).toBe(2)
  expect(apns.breaches).toEqual([])
})

test('a stream that is reset is in doubt, and not sent again; others on the connection go on', async () => {
  await using work = PoolAtWork.to(apns)
  await work.only('first')
  work.push('a', 'reset-b', 'c')
  await work.toldOf(4)
  expect(work.summary).toEqual({ first: 200, a: 200, 'reset-b': 'connection_lost', c: 200 })
  expect(work.told.find(({ device }) => device === 'reset-b')?.detail).toContain('INTERNAL_ERROR')
  expect(apns.total).toBe(4)
  expect(apns.connectionsMade).toBe(1)
})

test('a stream that is refused is sent again, elsewhere if there is another connection to be had', async () => {
  await using work = PoolAtWork.to(apns, { connections: 2 })
  await work.only('first')
  expect(await work.only('refused1-a')).toMatchObject({ status: 200 })
  const attempts = apns.requests.filter(({ deviceId }) => deviceId === 'refused1-a')
  expect(attempts.map((request) => request.processed)).toEqual([false, true])
  expect(attempts.map(({ connection }) => connection)).toEqual([0, 1])
  expect(work.pool.openConnections).toBe(2)
})

test('a stream that is refused is sent again on the same connection if that is the only one', async () => {
  await using work = PoolAtWork.to(apns)
  await work.only('first')
  expect(await work.only('refused2-a')).toMatchObject({ status: 200 })
  expect(apns.connectionsMade).toBe(1)
})

test('a stream that is refused again and again ends as not processed', async () => {
  await using work = PoolAtWork.to(apns)
  expect(await work.only('refused-a')).toMatchObject({ status: 0, cause: 'not_processed' })
  expect(apns.requests.some((request) => request.processed)).toBe(false)
})

test('an answer that never ends does not keep its stream', async () => {
  await using work = PoolAtWork.to(apns, { requestTimeoutMs: 1000 })
  apns.answerWith(() => ({ status: 200, body: '{', unfinished: true }))
  expect(await work.only('a')).toMatchObject({ status: 200 })
  await apns.until('its stream is closed', () => apns.openStreams === 0)
  expect(work.told).toHaveLength(1)
})

test('a connection with such an answer on it goes, too, when it is to be replaced', async () => {
  await using work = PoolAtWork.to(apns, { requestTimeoutMs: 1000 })
  apns.answerWith(() => ({ status: 200, body: '{', unfinished: true }))
  await work.only('a')
  apns.goAway('all')
  await apns.until('it is closed', () => apns.connections === 0)
})

test('a push that goes unanswered is taken back from the server, and its place used by others', async () => {
  await using work = PoolAtWork.to(apns, { requestTimeoutMs: 1000 })
  await work.only('first')
  apns.setMaxStreams(1)
  await apns.settingsTaken()
  expect(await work.only('hang-a')).toMatchObject({ cause: 'timeout' })
  await apns.until('its stream is closed', () => apns.openStreams === 0)
  expect(await work.only('b')).toMatchObject({ status: 200 })
  expect(apns.connectionsMade).toBe(1)
})
