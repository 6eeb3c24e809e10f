import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ApnsSandbox, startApnsSandbox } from '../../../../src/sandbox/providers/apns.ts'
import { until } from '../../../support/until.ts'
import type { DispatcherAtWork } from '../dispatcher-at-work.ts'
import { toApns, withApns } from './pools.ts'

let apns: ApnsSandbox

beforeEach(async () => {
  apns = await startApnsSandbox({ maxStreams: 20 })
})
afterEach(() => apns.close())

/** Devices that the provider has pushed to, each as often as it has. */
function processed(): string[] {
  return apns.requests.filter((request) => request.processed).map(({ deviceId }) => deviceId)
}

const devices = Array.from({ length: 300 }, (_, i) => `d${i}`)

/** All of them, out of the outbox too. */
async function pushAll(at: DispatcherAtWork): Promise<void> {
  await Promise.all(devices.map((device) => at.push(toApns(device))))
  await until('the outbox is empty', () => at.outbox.size === 0)
}

/** Every so many requests the provider does this. */
function every(count: number, trouble: (times: number) => void): void {
  let next = count
  apns.answerWith(() => {
    if (apns.total >= next) {
      next += count
      setImmediate(trouble, Math.floor(apns.total / count))
    }
    return undefined
  })
}

async function expectAllOnce(at: DispatcherAtWork): Promise<void> {
  expect(processed().sort()).toEqual([...devices].sort())
  expect(apns.breaches).toEqual([])
  expect(at.dispatcher.state()).toMatchObject({ pending: 0, stored: 0, gateways: [{ inflight: 0 }] })
  expect(await at.metric('notifications_total{service="apns",outcome="delivered"}')).toBe(devices.length)
}

test('GOAWAY over and over, with and without processing: each push arrives, once', async () => {
  await using at = await withApns(apns, { workers: 2 })
  every(40, (times) => apns.goAway(times % 2 === 0 ? 'all' : 'answered'))
  await pushAll(at)
  await expectAllOnce(at)
  expect(apns.connectionsMade).toBeGreaterThan(2)
})

test('a limit of streams that changes all the while is never exceeded, and each push arrives, once', async () => {
  await using at = await withApns(apns, { workers: 2 })
  let taken = true
  every(20, (times) => {
    if (!taken) return
    taken = false
    apns.setMaxStreams([1, 50, 3, 1000][times % 4] ?? 1)
    void apns.settingsTaken().then(() => {
      taken = true
    })
  })
  await pushAll(at)
  await expectAllOnce(at)
})

test('streams that are refused go again until they are taken, once', async () => {
  await using at = await withApns(apns)
  const seen = new Map<string, number>()
  apns.answerWith(({ deviceId }) => {
    const times = (seen.get(deviceId) ?? 0) + 1
    seen.set(deviceId, times)
    return times <= 6 && deviceId.endsWith('7') ? { status: 'refused' } : undefined
  })
  await pushAll(at)
  await expectAllOnce(at)
  expect(await at.metric('retries_total{cause="not_processed"}')).toBe(30)
  expect(at.dispatcher.state().gateways[0]?.circuit).toBe('closed')
})

test('connections that are cut: each push arrives, what was under way perhaps twice', async () => {
  await using at = await withApns(apns, { workers: 2 })
  every(100, () => apns.wire.cut())
  await pushAll(at)
  expect(new Set(processed())).toEqual(new Set(devices))
  expect(at.dispatcher.state()).toMatchObject({ pending: 0, stored: 0 })
})

test('connections that are half-open: each push arrives', async () => {
  const target = { pingIntervalMs: 300, pongTimeoutMs: 300, requestTimeoutMs: 1_000 }
  await using at = await withApns(apns, { replyDeadlineMs: 20_000 }, { target })
  let frozen = false
  apns.answerWith(() => {
    if (apns.total === 150 && !frozen) {
      frozen = true
      setImmediate(() => apns.wire.freeze())
    }
    return undefined
  })
  await pushAll(at)
  expect(new Set(processed())).toEqual(new Set(devices))
})

test('a provider that is gone: what is acknowledged waits, and arrives when it is back', async () => {
  await using at = await withApns(apns, { replyDeadlineMs: 1_000 })
  await at.push(toApns('first'))
  await apns.wire.refuse()
  apns.wire.cut()
  for (const outcome of await Promise.all(devices.map((device) => at.push(toApns(device))))) {
    expect(outcome).toEqual({ kind: 'stored' })
  }
  await until('the pool is left out', () => at.dispatcher.state().gateways[0]?.circuit === 'open')
  expect(at.dispatcher.state().gatewayDown).toBe(true)
  await apns.wire.accept()
  await until('all have arrived', () => at.outbox.size === 0)
  expect(processed().sort()).toEqual(['first', ...devices].sort())
  expect(at.letters.count()).toBe(0)
}, 30_000)

test('a worker that dies: what it held is tried again, as the same push', async () => {
  await using at = await withApns(apns, { workers: 2 })
  apns.hold()
  const outcomes = devices.slice(0, 20).map((device) => at.push(toApns(device)))
  await apns.until('each worker has some there', () => apns.connections === 2 && apns.held > 1)
  await at.dispatcher.threads[0]?.terminate()
  await apns.until('its connection is gone', () => apns.connections === 1)
  apns.release()
  for (const outcome of await Promise.all(outcomes)) expect(outcome).toEqual({ kind: 'delivered' })
  const ids = new Map<string, Set<unknown>>()
  for (const { deviceId, headers } of apns.requests) {
    ids.set(deviceId, (ids.get(deviceId) ?? new Set()).add(headers['apns-id']))
  }
  expect([...ids.values()].every(({ size }) => size === 1)).toBe(true)
  expect(new Set([...ids.values()].flatMap((set) => [...set])).size).toBe(20)
})
