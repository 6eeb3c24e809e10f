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

test('a push goes out with its headers, the authorization and its body as it is', async () => {
  await using work = PoolAtWork.to(apns)
  await work.only('żółć'.replaceAll(/[^a-z]/g, 'x'))
  const { headers, body } = apns.requests[0] ?? {}
  expect(headers).toMatchObject({
    ':method': 'POST',
    ':scheme': 'https',
    ':authority': `localhost:${apns.port}`,
    'apns-topic': 'com.example.app',
    'apns-push-type': 'alert',
    'content-type': 'application/json',
    authorization: expect.stringMatching(/^bearer ey/),
  })
  expect(body).toEqual({ aps: { alert: { title: 'T', body: 'xxxx' } } })
})

test.each([
  ['Unregistered-1', 410, /"reason":"Unregistered","timestamp":\d+/],
  ['BadDeviceToken-1', 400, /BadDeviceToken/],
  ['garbage-1', 502, /502 Bad Gateway/],
  ['empty-1', 500, /^$/],
])('%s is answered %d, with the text as it came', async (device, status, body) => {
  await using work = PoolAtWork.to(apns)
  const told = await work.only(device)
  expect(told?.status).toBe(status)
  expect(told?.body).toMatch(body)
})

test('Retry-After is told in milliseconds', async () => {
  await using work = PoolAtWork.to(apns)
  apns.answerWith(() => ({ status: 503, body: '', headers: { 'retry-after': '7' } }))
  expect(await work.only('a')).toMatchObject({ status: 503, retryAfterMs: 7000 })
})

test('of a huge body no more than 64 KiB are taken, and the connection is kept', async () => {
  await using work = PoolAtWork.to(apns, { requestTimeoutMs: 60_000 })
  apns.answerWith(({ deviceId }) =>
    deviceId === 'a' ? { status: 503, body: 'x'.repeat(100_000), unfinished: true } : undefined,
  )
  expect(await work.only('a')).toMatchObject({ status: 503, body: '' })
  expect(await work.only('b')).toMatchObject({ status: 200 })
  expect(apns.connectionsMade).toBe(1)
})

test('a body of more than the windows of HTTP/2 gets through', async () => {
  await using work = PoolAtWork.to(apns)
  const body = 'x'.repeat(64 * 1024)
  apns.answerWith(() => ({ status: 400, body }))
  work.push('a', 'b', 'c')
  for (const told of await work.toldOf(3)) expect(told.body).toBe(body)
})

test('an answer whose body is cut off is told by its status', async () => {
  await using work = PoolAtWork.to(apns, { requestTimeoutMs: 1000 })
  apns.answerWith(() => ({ status: 410, body: '{"reason":"Unreg', unfinished: true }))
  expect(await work.only('a')).toMatchObject({ status: 410, cause: undefined })
})

test('what cannot be a request is told as not processed, and harms no other', async () => {
  await using work = PoolAtWork.to(apns)
  await work.only('first')
  work.pool.post(0, { path: '/3/device/x', headers: { 'bad name': 'x' }, body: '{}' })
  work.push('a')
  await work.toldOf(3)
  expect(work.told.slice(1)).toEqual([
    expect.objectContaining({ device: 'first', cause: 'not_processed' }),
    expect.objectContaining({ device: 'a', status: 200 }),
  ])
  expect(apns.connectionsMade).toBe(1)
})
