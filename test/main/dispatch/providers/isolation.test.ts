import { expect, test } from 'vitest'
import { servedDomain } from '../../../../src/core/gateway/served-domain.ts'
import { startGatewaySandbox } from '../../../../src/sandbox/gateway.ts'
import { startApnsSandbox } from '../../../../src/sandbox/providers/apns.ts'
import { startFcmSandbox } from '../../../../src/sandbox/providers/fcm.ts'
import { scratchDirectory } from '../../../main/store/open-store.ts'
import { until } from '../../../support/until.ts'
import { dispatcherAtWork } from '../dispatcher-at-work.ts'
import { apnsPool, authorizeApns, authorizeFcm, directly, fcmPool, toApns, toFcm, withApns } from './pools.ts'

test('the first pool, in order, of service, mode and tags is taken', async () => {
  await using one = await startApnsSandbox()
  await using two = await startApnsSandbox()
  await using three = await startApnsSandbox()
  const pools = [
    apnsPool(one, { mode: 'prod', tags: ['a'] }),
    apnsPool(two, { mode: 'prod', tags: ['a', 'b'] }),
    apnsPool(three, { mode: 'dev' }),
  ]
  await using at = await directly(pools)
  for (const [i, sandbox] of [one, two, three].entries()) authorizeApns(at.dispatcher, i, sandbox)
  await at.push(toApns('to-one', { tags: ['a'] }))
  await at.push(toApns('to-one-too'))
  await at.push(toApns('to-two', { tags: ['b', 'a'] }))
  await at.push(toApns('to-three', { device: { service: 'apns', mode: 'dev', id: 'to-three' } }))
  expect([one, two, three].map(({ requests }) => requests.map(({ deviceId }) => deviceId))).toEqual([
    ['to-one', 'to-one-too'],
    ['to-two'],
    ['to-three'],
  ])
})

test('what no pool is for goes nowhere, and costs nobody the registration', async () => {
  await using apns = await startApnsSandbox()
  await using at = await withApns(apns)
  const fault = { kind: 'operator_fault', reason: 'no_matching_pool' }
  expect(await at.push(toFcm('tok'))).toEqual(fault)
  expect(await at.push(toApns('tok', { tags: ['other'] }))).toEqual(fault)
  expect(await at.push(toApns('tok', { device: { service: 'web', mode: undefined, id: 't' } }))).toEqual(
    fault,
  )
  expect(apns.total).toBe(0)
  expect(at.dispatcher.state().gatewayDown).toBe(false)
  expect(at.log.some(({ pool }) => pool === 'no_matching_pool')).toBe(true)
})

test('a pool in trouble delays no other, of the same service neither, and what it has stored neither', async () => {
  await using bad = await startApnsSandbox()
  await using good = await startApnsSandbox()
  await using fcm = await startFcmSandbox()
  const pools = [apnsPool(bad, { tags: ['bad'] }), apnsPool(good, { tags: ['good'] }), fcmPool(fcm)]
  await using at = await directly(pools)
  authorizeApns(at.dispatcher, 0, bad)
  authorizeApns(at.dispatcher, 1, good)
  await authorizeFcm(at.dispatcher, 2, fcm)
  await bad.wire.refuse()
  const toBad = () => at.push(toApns(`b${Math.random()}`, { tags: ['bad'] }))
  const stuck = Array.from({ length: 200 }, toBad)
  await until('it is left out', () => at.dispatcher.state().gateways[0]?.circuit === 'open')
  stuck.push(...Array.from({ length: 200 }, toBad))
  for (let i = 0; i < 50; i++) {
    expect(await at.push(toApns(`g${i}`, { tags: ['good'] }))).toEqual({ kind: 'delivered' })
    expect(await at.push(toFcm(`f${i}`))).toEqual({ kind: 'delivered' })
  }
  for (const outcome of await Promise.all(stuck)) expect(outcome).toEqual({ kind: 'stored' })
  expect(at.dispatcher.state().gatewayDown).toBe(false)
  // Behind four hundred that wait in the outbox.
  await at.dispatcher.revive(toApns('stored-good', { tags: ['good'] }))
  await good.until('it has come', () => good.requests.some(({ deviceId }) => deviceId === 'stored-good'))
  expect(at.outbox.size).toBeGreaterThanOrEqual(400)
})

test('without what vouches for us nothing goes out: it is stored, and sent when there is something', async () => {
  await using apns = await startApnsSandbox()
  await using at = await directly([apnsPool(apns)])
  authorizeApns(at.dispatcher, 0, apns)
  expect(await at.push(toApns('early'))).toEqual({ kind: 'delivered' })

  at.dispatcher.authorize(0, undefined)
  expect(await at.push(toApns('late'))).toEqual({ kind: 'stored' })
  expect(at.dispatcher.state().gateways[0]).toMatchObject({ authorized: false, circuit: 'closed' })
  expect(at.dispatcher.state().gatewayDown).toBe(true)
  expect(apns.total).toBe(1)
  authorizeApns(at.dispatcher, 0, apns)
  await apns.next(2)
  await until('it is gone from the outbox', () => at.outbox.size === 0)
})

test('beside MongoosePush only what came in over the served API goes to the pools', async () => {
  await using gateway = await startGatewaySandbox()
  await using apns = await startApnsSandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url], pools: [apnsPool(apns)] })
  authorizeApns(at.dispatcher, 0, apns)
  expect(await at.push(toApns('ours'))).toEqual({ kind: 'delivered' })
  expect(await at.push(toApns('theirs', { domain: servedDomain, node: '' }))).toEqual({ kind: 'delivered' })
  expect(gateway.requests.map(({ deviceId }) => deviceId)).toEqual(['ours'])
  expect(apns.requests.map(({ deviceId }) => deviceId)).toEqual(['theirs'])
})

test('what was stored for MongoosePush goes to the pools when they take its place, and the other way round', async () => {
  using directory = scratchDirectory()
  const shared = { directory: directory.path, replyDeadlineMs: 200, requestTimeoutMs: 100 }
  await using gateway = await startGatewaySandbox()
  await using apns = await startApnsSandbox()
  gateway.answerWith(() => ({ status: 503 }))
  {
    await using at = await dispatcherAtWork({ urls: [gateway.url], ...shared })
    for (let i = 0; i < 10; i++) expect(await at.push(toApns(`a${i}`))).toEqual({ kind: 'stored' })
  }
  {
    await using at = await directly([apnsPool(apns)], shared)
    apns.answerWith(({ deviceId }) => (deviceId === 'a9' ? { status: 503 } : undefined))
    authorizeApns(at.dispatcher, 0, apns)
    await until('all but one have arrived', () => at.outbox.size === 1)
  }
  gateway.answerWith(undefined)
  await using at = await dispatcherAtWork({ urls: [gateway.url], ...shared })
  await until('the last one has, too', () => at.outbox.size === 0)
  expect(gateway.requests.at(-1)).toMatchObject({ deviceId: 'a9', status: 200 })
}, 30_000)

test('so many devices refused that the pool must be wrong: none is taken for dead, and the alarm is raised', async () => {
  await using apns = await startApnsSandbox()
  await using at = await withApns(apns, { suspectShare: 0.05 })
  const fine = Array.from({ length: 95 }, (_, i) => at.push(toApns(`d${i}`)))
  await Promise.all(fine)
  expect(await at.metric('suspect_alarm{service="apns"}')).toBe(0)
  const bad = Array.from({ length: 10 }, (_, i) => at.push(toApns(`BadDeviceToken-${i}`)))
  const kinds = (await Promise.all(bad)).map(({ kind }) => kind)
  expect(kinds).toContain('operator_fault')
  for (let i = 0; i < 6; i++) {
    expect(await at.push(toApns('BadDeviceToken-0'))).toMatchObject({ kind: 'operator_fault' })
  }
  expect(at.deaths).toEqual([])
  expect(await at.metric('suspect_alarm{service="apns"}')).toBe(1)
  expect(at.log.filter(({ msg }) => String(msg).startsWith('so many devices'))).toMatchObject([
    { pool: `apns ${apns.port}`, reason: 'BadDeviceToken' },
  ])
})
