import { expect, test } from 'vitest'
import type { Dispatcher } from '../../../../src/main/dispatch/dispatcher.ts'
import { startApnsSandbox } from '../../../../src/sandbox/providers/apns.ts'
import { Authority, localhostCertificate } from '../../../../src/sandbox/providers/authority.ts'
import { startFcmSandbox } from '../../../../src/sandbox/providers/fcm.ts'
import { scratchDirectory } from '../../../main/store/open-store.ts'
import { apnsProviderToken } from '../../../sandbox/providers/tokens.ts'
import { until } from '../../../support/until.ts'
import { apnsPool, authorizeApns, authorizeFcm, directly, fcmPool, toApns, toFcm } from './pools.ts'

const minuteMs = 60_000

test('a token that APNs calls expired is told once, and with a new one the push goes at once', async () => {
  let nowMs = Date.now()
  await using apns = await startApnsSandbox({ nowMs: () => nowMs })
  const refused: string[] = []
  const old = `bearer ${apnsProviderToken(apns.keys[0], nowMs)}`
  const owner = 'SANDBOXTEA'
  let dispatcher: Dispatcher | undefined
  await using at = await directly([apnsPool(apns)], {
    retry: { baseMs: 60_000, capMs: 60_000, maxAttempts: 0 },
    tokenRefused(pool, header) {
      if (refused.push(header) > 1) return
      dispatcher?.authorize(pool, { header: `bearer ${apnsProviderToken(apns.keys[0], nowMs)}`, owner })
    },
  })
  dispatcher = at.dispatcher
  at.dispatcher.authorize(0, { header: old, owner })
  await at.push(toApns('first'))
  nowMs += 61 * minuteMs
  const outcomes = Array.from({ length: 10 }, (_, i) => at.push(toApns(`d${i}`)))
  for (const outcome of await Promise.all(outcomes)) expect(outcome).toEqual({ kind: 'delivered' })
  expect(new Set(refused)).toEqual(new Set([old]))
  expect(await at.metric('retries_total{cause="token_expired"}')).toBe(10)
  expect(at.dispatcher.state().gateways[0]?.circuit).toBe('closed')
})

test('a token that stays refused is tried with again later, not at once', async () => {
  await using apns = await startApnsSandbox()
  await using at = await directly([apnsPool(apns)], { replyDeadlineMs: 500 })
  authorizeApns(at.dispatcher, 0, apns)
  expect(await at.push(toApns('ExpiredProviderToken-1'))).toEqual({ kind: 'stored' })
  expect(apns.total).toBeLessThan(20)
})

test('an access token that was revoked is told, and the push goes with the next one', async () => {
  await using fcm = await startFcmSandbox()
  let dispatcher: Dispatcher | undefined
  await using at = await directly([fcmPool(fcm)], {
    tokenRefused: (pool) => void authorizeFcm(dispatcher as Dispatcher, pool, fcm),
    retry: { baseMs: 1_000, capMs: 1_000, maxAttempts: 0 },
  })
  dispatcher = at.dispatcher
  await authorizeFcm(at.dispatcher, 0, fcm)
  await at.push(toFcm('first'))
  fcm.oauth.revoke()
  // The new one may come after the second attempt, which ends as it came: stored, nothing is lost.
  expect((await at.push(toFcm('second'))).kind).toMatch(/delivered|operator_fault/)
  expect(await at.push(toFcm('third'))).toEqual({ kind: 'delivered' })
})

test('a renewed token and a renewed certificate reach all workers, and those that start later', async () => {
  const authority = new Authority()
  const identityOf = (commonName: string) => ({ kind: 'pem', ...authority.issue({ commonName }) }) as const
  const tls = localhostCertificate()
  await using apns = await startApnsSandbox({ tls, clientCa: authority.ca })
  const identity = identityOf('Apple Push Services: com.example.first')
  const target = { authorized: false, tls: { ca: tls.ca, identity } }
  await using at = await directly([apnsPool(apns, { defaultTopic: '', target })], { workers: 2 })
  const pushMany = async (topic: string) => {
    const all = Array.from({ length: 20 }, (_, i) =>
      at.push(toApns(`${topic} ${i}`.replaceAll(' ', ''), { topic })),
    )
    return new Set((await Promise.all(all)).map(({ kind }) => kind))
  }
  expect(await pushMany('com.example.first')).toEqual(new Set(['delivered']))
  const renewed = identityOf('Apple Push Services: com.example.second')
  at.dispatcher.renewTls(0, { ca: tls.ca, identity: renewed })
  expect(await pushMany('com.example.second')).toEqual(new Set(['delivered']))
  await at.dispatcher.threads[0]?.terminate()
  await until('it has come back', () => at.dispatcher.state().workers.every(({ up }) => up))
  expect(await pushMany('com.example.second')).toEqual(new Set(['delivered']))
})

test('a worker that starts later has the token', async () => {
  await using apns = await startApnsSandbox()
  await using at = await directly([apnsPool(apns)])
  authorizeApns(at.dispatcher, 0, apns)
  await at.dispatcher.threads[0]?.terminate()
  expect(await at.push(toApns('tok'))).toEqual({ kind: 'delivered' })
})

test('out of the outbox after a restart it is the same push to APNs', async () => {
  using directory = scratchDirectory()
  await using apns = await startApnsSandbox()
  const options = { directory: directory.path, replyDeadlineMs: 300 }
  apns.answerWith(() => ({ status: 503 }))
  {
    await using at = await directly([apnsPool(apns)], options)
    authorizeApns(at.dispatcher, 0, apns)
    expect(await at.push(toApns('tok'))).toEqual({ kind: 'stored' })
  }
  apns.answerWith(undefined)
  await using at = await directly([apnsPool(apns)], options)
  authorizeApns(at.dispatcher, 0, apns)
  await until('it is delivered', () => at.outbox.size === 0)
  const ids = apns.requests.map(({ headers }) => headers['apns-id'])
  expect(ids.length).toBeGreaterThan(1)
  expect(new Set(ids).size).toBe(1)
})
