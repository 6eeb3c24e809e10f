import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AttemptOutcome, Outcome } from '../../../../src/core/outcome.ts'
import { type FcmSandbox, startFcmSandbox } from '../../../../src/sandbox/providers/fcm.ts'
import { fcmWords } from '../../../../src/sandbox/providers/fcm-answers.ts'
import { until } from '../../../support/until.ts'
import type { DispatcherAtWork } from '../dispatcher-at-work.ts'
import { toFcm, withFcm } from './pools.ts'

let fcm: FcmSandbox
let at: DispatcherAtWork

beforeEach(async () => {
  fcm = await startFcmSandbox()
  at = await withFcm(fcm)
})
afterEach(async () => {
  await at[Symbol.asyncDispose]()
  await fcm.close()
})

const paused = () => at.metric(`gateway_paused{pool="fcm ${fcm.port}"}`)
const pausedDevices = () => at.metric(`gateway_paused_devices{pool="fcm ${fcm.port}"}`)
/** The texts that were pushed to a device, in their order. */
const bodiesTo = (device: string) =>
  fcm.requests
    .filter(({ deviceId, status }) => deviceId === device && status === 200)
    .map(({ body }) => JSON.stringify(body).match(/"body":"(\w+)"/)?.[1])

function withBody(device: string, body: string) {
  const push = toFcm(device)
  return { ...push, content: { ...push.content, body } } as typeof push
}

describe.each(['DEVICE_QUOTA', 'QUOTA_EXCEEDED'])('a device’s quota pauses that device alone: %s', (word) => {
  test('six devices of one user: the pushes of others go on, at 40 a second', async () => {
    const others: Promise<Outcome>[] = []
    const flood: Promise<Outcome>[] = []
    for (let i = 0; i < 120; i++) {
      flood.push(at.push(toFcm(`${word}-${i % 6}`, { node: `theirs-${i % 6}` })))
      others.push(at.push(toFcm(`other-${i}`, { node: `node-${i}` })))
      await sleep(25)
    }
    for (const outcome of await Promise.all(others)) expect(outcome).toEqual({ kind: 'delivered' })
    for (const outcome of await Promise.all(flood)) expect(outcome).toEqual({ kind: 'stored' })
    expect(await paused()).toBe(0)
    expect(await pausedDevices()).toBe(6)
    const asked = fcm.requests.filter(({ deviceId }) => deviceId.startsWith(word))
    expect(asked.length, 'but for those under way when the first answer came').toBeLessThan(60)
  })
})

test('of what waits for a paused device the first and the last are kept', async () => {
  const throttled = { ...fcmWords.DEVICE_QUOTA, headers: { 'retry-after': '2' } } as const
  let refusing = true
  fcm.answerWith(({ deviceId }) =>
    deviceId === 'busy' && refusing ? { status: 429, ...throttled } : undefined,
  )
  for (const body of ['one', 'two', 'three', 'four', 'five']) {
    expect(await at.push(withBody('busy', body))).toEqual({ kind: 'stored' })
  }
  expect(at.outbox.size).toBe(2)
  refusing = false
  await until('they are delivered', () => at.outbox.size === 0)
  expect(bodiesTo('busy').sort()).toEqual(['five', 'one'])
  expect(await at.metric('notifications_total{service="fcm",outcome="superseded"}')).toBe(3)
  expect(await pausedDevices(), 'what is delivered ends it').toBe(0)
})

test('a push for one attempt is the provider’s to answer, each time, and pauses no device', async () => {
  const asked = () => {
    const { promise, resolve } = Promise.withResolvers<AttemptOutcome | Outcome>()
    expect(at.dispatcher.submitOnce(toFcm('DEVICE_QUOTA-1'), resolve)).toBe(true)
    return promise
  }
  const told = { kind: 'retry', cause: 'throttled', retryAfterMs: 60_000, quota: 'device' }
  expect(await asked()).toMatchObject(told)
  expect(await asked()).toMatchObject(told)
  expect(fcm.requests).toHaveLength(2)
  expect(await pausedDevices()).toBe(0)
  expect(await at.push(toFcm('DEVICE_QUOTA-1'))).toEqual({ kind: 'stored' })
  expect(await pausedDevices()).toBe(1)
  expect(await asked(), 'with its device paused by another push').toMatchObject(told)
  expect(fcm.requests).toHaveLength(4)
})

describe('the pool pauses', () => {
  test('when the project is named, is probed each 5 s, and goes on when a probe is taken', async () => {
    expect(await at.push(toFcm('PROJECT_QUOTA1-x'))).toEqual({ kind: 'stored' })
    expect(await paused()).toBe(1)
    expect(await at.push(toFcm('a'))).toEqual({ kind: 'stored' })
    expect(fcm.requests).toHaveLength(1)
    await until('a probe is taken', async () => (await paused()) === 0)
    const [refused = 0, probed = 0] = fcm.requests.map(({ receivedAtMs }) => receivedAtMs)
    expect(probed - refused).toBeGreaterThan(4_900)
    expect(probed - refused).toBeLessThan(9_000)
    expect(fcm.requests.map(({ deviceId }) => deviceId)).toEqual(['PROJECT_QUOTA1-x', 'a'])
    expect(await at.push(toFcm('b'))).toEqual({ kind: 'delivered' })
    const lines = at.log.filter(({ msg }) => String(msg).startsWith('the pool'))
    expect(lines).toMatchObject([{ forS: 60, reason: 'RESOURCE_EXHAUSTED' }, {}])
  }, 30_000)

  test('when at least half of 50 answers are 429 that name nobody', async () => {
    await Promise.all(Array.from({ length: 24 }, (_, i) => at.push(toFcm(`fine-${i}`, { node: `n${i}` }))))
    await Promise.all(
      Array.from({ length: 25 }, (_, i) => at.push(toFcm(`QUOTA_EXCEEDED-${i}`, { node: `q${i}` }))),
    )
    expect(await paused()).toBe(0)
    await at.push(toFcm('QUOTA_EXCEEDED-50', { node: 'q50' }))
    expect(await paused()).toBe(1)
  })

  test('not for any number of devices that are named', async () => {
    await Promise.all(
      Array.from({ length: 60 }, (_, i) => at.push(toFcm(`DEVICE_QUOTA-${i}`, { node: `q${i}` }))),
    )
    expect(await paused()).toBe(0)
    expect(await at.push(toFcm('tok'))).toEqual({ kind: 'delivered' })
  })
})
