import { X509Certificate } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { type ApnsSandbox, newApnsKey, startApnsSandbox } from '../../../src/sandbox/providers/apns.ts'
import type { ApnsKey } from '../../../src/sandbox/providers/apns-provider-token.ts'
import { Authority } from '../../../src/sandbox/providers/authority.ts'
import { apnsProviderToken } from '../../sandbox/providers/tokens.ts'
import { PoolAtWork } from './pool-at-work.ts'

let apns: ApnsSandbox

afterEach(async () => {
  await apns.close()
})

function bearer(key: ApnsKey | undefined): { header: string; owner: string } {
  return { header: `bearer ${apnsProviderToken(key)}`, owner: key?.teamId ?? '' }
}

test('pushes wait for the first authorization, without a connection', async () => {
  apns = await startApnsSandbox()
  await using work = new PoolAtWork({ origin: apns.url, tls: { ca: apns.ca, identity: undefined } })
  work.push('a', 'b')
  expect(apns.wire.made).toBe(0)
  work.pool.authorize(bearer(apns.keys[0]))
  await work.toldOf(2)
  expect(work.summary).toEqual({ a: 200, b: 200 })
})

test('without any authorization they end as not processed', async () => {
  apns = await startApnsSandbox()
  await using work = new PoolAtWork({ origin: apns.url, requestTimeoutMs: 100 })
  const told = await work.only('a')
  expect(told).toMatchObject({ cause: 'not_processed' })
  expect(told?.detail).toContain('authorization')
  expect(apns.wire.made).toBe(0)
})

test('a new token goes over the connection that is there', async () => {
  const key = newApnsKey('KEY', 'TEAM')
  apns = await startApnsSandbox({ keys: [key] })
  await using work = PoolAtWork.to(apns)
  const halfAnHourAgoMs = Date.now() - 1_800_000
  work.pool.authorize({ header: `bearer ${apnsProviderToken(key, halfAnHourAgoMs)}`, owner: 'TEAM' })
  await work.only('a')
  work.pool.authorize(bearer(key))
  expect(await work.only('b')).toMatchObject({ status: 200 })
  expect(new Set(apns.requests.map(({ headers }) => headers.authorization)).size).toBe(2)
  expect(apns.connectionsMade).toBe(1)
})

test('a token of another team goes over a connection of its own', async () => {
  const [one, two] = [newApnsKey('ONE', 'TEAM1'), newApnsKey('TWO', 'TEAM2')]
  apns = await startApnsSandbox({ keys: [one, two] })
  await using work = PoolAtWork.to(apns)
  work.pool.authorize(bearer(one))
  await work.only('first')
  apns.hold()
  work.push('a')
  await apns.next(2)
  work.pool.authorize(bearer(two))
  work.push('b')
  await apns.next(3)
  apns.release()
  await work.toldOf(3)
  expect(work.summary).toEqual({ first: 200, a: 200, b: 200 })
  expect(apns.requests.map(({ connection }) => connection)).toEqual([0, 0, 1])
})

test('where a token is taken away, pushes wait for the next one, and never go over a connection of another team', async () => {
  const [one, two] = [newApnsKey('ONE', 'TEAM1'), newApnsKey('TWO', 'TEAM2')]
  apns = await startApnsSandbox({ keys: [one, two] })
  await using work = PoolAtWork.to(apns, { connections: 2 })
  work.pool.authorize(bearer(one))
  work.push('first', 'second')
  await work.toldOf(2)
  expect(work.pool.openConnections).toBe(2)
  work.pool.authorize(undefined)
  work.push('a', 'b', 'c')
  work.pool.authorize(bearer(two))
  await work.toldOf(5)
  expect(work.told.every(({ status }) => status === 200)).toBe(true)
  expect(apns.requests.slice(2).every(({ connection }) => connection >= 2)).toBe(true)
})

test('an answer that says so has its connection replaced', async () => {
  apns = await startApnsSandbox()
  await using work = PoolAtWork.to(apns)
  await work.only('first')
  apns.hold()
  work.push('a', 'TooManyProviderTokenUpdates-b')
  await apns.next(3)
  apns.answerWith(undefined)
  apns.release()
  await work.toldOf(3)
  expect(work.summary).toEqual({ first: 200, a: 200, 'TooManyProviderTokenUpdates-b': 429 })
  expect(await work.only('c')).toMatchObject({ status: 200 })
  expect(apns.requests.at(-1)?.connection).toBe(1)
})

test('with a certificate no token is needed, and a renewed one is shown by new connections', async () => {
  const authority = new Authority()
  apns = await startApnsSandbox({ clientCa: authority.ca })
  const issued = authority.issue({ commonName: 'Apple Push Services: com.example.app' })
  const tls = { ca: apns.ca, identity: { kind: 'pem', ...issued } } as const
  await using work = new PoolAtWork({ origin: apns.url, authorized: false, tls })
  expect(await work.only('a')).toMatchObject({ status: 200 })
  expect(apns.requests[0]?.headers).not.toHaveProperty('authorization')

  const renewed = authority.issue({ commonName: 'Apple Push Services: com.example.app' })
  expect(new X509Certificate(renewed.cert).serialNumber).not.toBe(
    new X509Certificate(issued.cert).serialNumber,
  )
  work.pool.renewTls({ ca: apns.ca, identity: { kind: 'pem', ...renewed } })
  expect(await work.only('b')).toMatchObject({ status: 200 })
  expect(apns.requests.map(({ connection }) => connection)).toEqual([0, 1])
})

test('a certificate that cannot be read is refused, and the old one stays in use', async () => {
  const authority = new Authority()
  apns = await startApnsSandbox({ clientCa: authority.ca })
  const issued = authority.issue({ commonName: 'Apple Push Services: com.example.app' })
  const identity = { kind: 'pem', ...issued } as const
  await using work = new PoolAtWork({ origin: apns.url, authorized: false, tls: { ca: apns.ca, identity } })
  await work.only('a')
  expect(() =>
    work.pool.renewTls({
      ca: apns.ca,
      identity: { ...identity, key: new Authority().issue({ commonName: 'x' }).key },
    }),
  ).toThrow(/key values mismatch/)
  expect(await work.only('b')).toMatchObject({ status: 200 })
  expect(apns.connectionsMade).toBe(1)
})
