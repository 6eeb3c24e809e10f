import { describe, expect, test } from 'vitest'
import { startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { http, ok, rawServer } from '../../worker/raw-server.ts'
import { dispatcherAtWork } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

describe('what may work later is tried again within the reply deadline', () => {
  test.each([
    ['throttled', { status: 429 }],
    ['server_error', { status: 503, body: { reason: 'service_internal' } }],
    ['connection_lost', { status: 'reset' }],
    ['timeout', { status: 'hang' }],
  ] as const)('after %s', async (cause, failure) => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => (gateway.total < 2 ? failure : undefined))
    await using at = await dispatcherAtWork({ urls: [gateway.url], requestTimeoutMs: 150 })
    expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'delivered' })
    expect(gateway.total).toBe(3)
    expect(await at.metric(`retries_total{cause="${cause}"}`)).toBe(2)
  })

  test('after Retry-After, and no sooner', async () => {
    const times: number[] = []
    await using server = await rawServer(({ socket }) => {
      times.push(performance.now())
      socket.write(times.length === 1 ? http('503 Busy', '', 'retry-after: 1\r\n') : ok)
    })
    await using at = await dispatcherAtWork({ urls: [server.url] })
    expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'delivered' })
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(999)
  })

  test('but not when Retry-After is beyond the deadline: it is stored at once', async () => {
    await using server = await rawServer(({ socket }) =>
      socket.write(http('429 Slow', '{"reason":"too_many_requests"}', 'retry-after: 3600\r\n')),
    )
    await using at = await dispatcherAtWork({ urls: [server.url] })
    expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'stored' })
    expect(await at.push({ ...notificationTo('tok'), timeToLiveS: 0 })).toEqual({
      kind: 'undelivered',
      cause: 'timeout',
      reason: 'too_many_requests',
    })
    expect(server.requests).toHaveLength(2)
  })

  test('until the deadline, then it is undelivered when it was for now or never', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url], replyDeadlineMs: 2_000 })
    expect(await at.push({ ...notificationTo('down-1'), timeToLiveS: 0 })).toEqual({
      kind: 'undelivered',
      cause: 'timeout',
      reason: 'service_internal',
    })
    expect(gateway.total).toBeGreaterThan(1)
    expect(await at.metric('notifications_total{service="fcm",outcome="undelivered"}')).toBe(1)
  })

  test('at most as often as is configured', async () => {
    await using gateway = await startGatewaySandbox()
    const retry = { baseMs: 1, capMs: 1, maxAttempts: 3 }
    await using at = await dispatcherAtWork({ urls: [gateway.url], retry })
    expect(await at.push(notificationTo('down-1'))).toMatchObject({ kind: 'undelivered' })
    expect(gateway.total).toBe(3)
  })

  test('at most for its time to live', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    const outcome = await at.push({ ...notificationTo('down-1'), timeToLiveS: 1 })
    expect(outcome).toMatchObject({ kind: 'undelivered', cause: 'timeout' })
    expect(await at.metric('notifications_total{service="fcm",outcome="expired"}')).toBeLessThanOrEqual(1)
    expect(
      await at.push({ ...notificationTo('tok'), timeToLiveS: 1, createdAtMs: Date.now() - 2_000 }),
    ).toEqual({
      kind: 'undelivered',
      cause: 'timeout',
      reason: 'its time to live was over before its turn',
    })
  })

  test('with a time to live of 0 as well: now lasts until the deadline', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => (gateway.total < 1 ? { status: 503 } : undefined))
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    expect(await at.push({ ...notificationTo('tok'), timeToLiveS: 0 })).toEqual({ kind: 'delivered' })
  })

  test('the same unknown 500 five times ends it as invalid', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() => ({ status: 500, body: { reason: 'SomethingNew' } }))
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'invalid', reason: 'SomethingNew' })
    expect(gateway.total).toBe(5)
  })

  test('different unknown 500s do not add up', async () => {
    await using gateway = await startGatewaySandbox()
    gateway.answerWith(() =>
      gateway.total <= 8
        ? { status: 500, body: { reason: `New${Math.floor(gateway.total / 4)}` } }
        : undefined,
    )
    await using at = await dispatcherAtWork({ urls: [gateway.url] })
    expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'delivered' })
  })
})
