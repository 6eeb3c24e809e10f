import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../../src/core/outcome.ts'
import { senderSlot, senderSlots } from '../../../src/main/dispatch/senders.ts'
import { until } from '../../support/until.ts'
import { ok, type RawRequest, rawServer } from '../../worker/raw-server.ts'
import { type DispatcherAtWork, dispatcherAtWork } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

/** Two that do not share a slot, whatever the seed of the run. */
function strangersTo(other: string): [stranger: string, slots: (seed: number) => boolean] {
  return ['stranger@chat.test', (seed) => senderSlot('stranger@chat.test', seed) !== senderSlot(other, seed)]
}

/** So that these two have slots of their own: a seed that was looked for. */
const romeo = 'romeo@chat.test'
const [stranger, differ] = strangersTo(romeo)
const seed = Array.from({ length: 100 }, (_, i) => i).find(differ) ?? 0
const apart = { random: () => seed / 2 ** 32 }

function crowdOf(at: DispatcherAtWork, count: number): Promise<Outcome[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => at.push(notificationTo(`crowd-${i}`), stranger)))
}

async function answerAll(at: DispatcherAtWork, held: RawRequest[]): Promise<void> {
  while (at.dispatcher.pending > 0) {
    for (const { socket } of held.splice(0)) socket.write(ok)
    await until('more, or all', () => held.length > 0 || at.dispatcher.pending === 0)
  }
}

describe('behind any number of one sender’s pushes another sender of the domain has its turn', () => {
  test('its push goes out next, though the gateway is at its limit', async () => {
    const held: RawRequest[] = []
    await using server = await rawServer((request) => held.push(request))
    await using at = await dispatcherAtWork({ urls: [server.url], maxHttpConnections: 4, ...apart })
    const crowd = crowdOf(at, 300)
    await until('the crowd has every connection', () => held.length === 4)
    const one = at.push(notificationTo('other-0'), romeo)
    await answerAll(at, held)
    expect(await one).toEqual({ kind: 'delivered' })
    const place = server.requests.findIndex(({ path }) => path.endsWith('other-0'))
    expect(place, 'behind those that the worker had').toBeLessThan(12)
    await crowd
  })

  test('it is waited for while the crowd is stored', async () => {
    const held: RawRequest[] = []
    await using server = await rawServer((request) => held.push(request))
    const few = { maxHttpConnections: 1, maxPending: 300 }
    await using at = await dispatcherAtWork({ urls: [server.url], ...few, ...apart })
    const crowd = crowdOf(at, 250)
    await until('what is too much is stored', () => at.outbox.count() >= 90)
    const others = [1, 2, 3].map((i) => at.push(notificationTo(`other-${i}`), romeo))
    const answering = answerAll(at, held)
    for (const outcome of others) expect(await outcome).toEqual({ kind: 'delivered' })
    const places = [1, 2, 3].map((i) => server.requests.findIndex(({ path }) => path.endsWith(`other-${i}`)))
    expect(Math.max(...places), 'in turns with the crowd').toBeLessThan(20)
    await crowd
    await answering
  })

  test('a crowd beside others is refused where its share ends, and the streams are read on', async () => {
    await using server = await rawServer(() => undefined)
    const few = { maxHttpConnections: 1, maxPending: 300, replyDeadlineMs: 500 }
    await using at = await dispatcherAtWork({ urls: [server.url], ...few, ...apart })
    const neverStored = (device: string) => ({ ...notificationTo(device), timeToLiveS: 0 })
    const other = at.push(neverStored('other-0'), romeo)
    const crowd = Array.from({ length: 200 }, (_, i) => at.push(neverStored(`crowd-${i}`), stranger))
    await expect(at.push(neverStored('crowd-more'), stranger)).rejects.toThrow('not accepted')
    expect([...at.held]).toEqual([])
    expect(await at.metric('limits_hit_total{limit="sender_pending"}')).toBe(1)
    const second = at.push(neverStored('other-1'), romeo)
    for (const outcome of [other, second, ...crowd])
      expect(await outcome).toMatchObject({ kind: 'undelivered' })
  })

  test('slow devices of one leave connections to the others', async () => {
    const held: RawRequest[] = []
    await using server = await rawServer((request) => {
      if (request.path.includes('crowd')) held.push(request)
      else request.socket.write(ok)
    })
    await using at = await dispatcherAtWork({ urls: [server.url], maxHttpConnections: 8, ...apart })
    expect(await at.push(notificationTo('tok'), romeo)).toEqual({ kind: 'delivered' })
    const slow = crowdOf(at, 50)
    await until('the slow ones hold their share', () => held.length === 7)
    expect(await at.push(notificationTo('tok'), romeo)).toEqual({ kind: 'delivered' })
    expect(held).toHaveLength(7)
    await answerAll(at, held)
    await slow
  })

  test('alone in use one has all connections', async () => {
    const held: RawRequest[] = []
    await using server = await rawServer((request) => held.push(request))
    await using at = await dispatcherAtWork({ urls: [server.url], maxHttpConnections: 8, ...apart })
    const crowd = crowdOf(at, 50)
    await until('every connection is in use', () => held.length === 8)
    await answerAll(at, held)
    await crowd
  })
})

describe('memory that pushes hold is bounded by queue.max_pending_bytes', () => {
  test('past it pushes are refused as past max_pending, and the streams are not read', async () => {
    await using server = await rawServer(() => undefined)
    const few = { maxPendingBytes: 200_000, replyDeadlineMs: 300 }
    await using at = await dispatcherAtWork({ urls: [server.url], ...few })
    const large = { ...notificationTo('hang'), node: 'x'.repeat(40_000), timeToLiveS: 0 }
    const taken = [at.push(large), at.push(large), at.push(large)]
    await expect(at.push(large)).rejects.toThrow('not accepted')
    expect([...at.held]).toEqual(['push.example.com'])
    expect(await at.metric('limits_hit_total{limit="max_pending_bytes"}')).toBe(1)
    const bytes = await at.metric('pending_bytes')
    expect(bytes).toBeGreaterThan(240_000)
    expect(at.dispatcher.state().pendingBytes).toBe(bytes)
    await Promise.all(taken)
    expect(await at.metric('pending_bytes')).toBe(0)
    expect([...at.held]).toEqual([])
  })
})

test('senders spread over all slots, and no seed puts the same ones together as another', () => {
  const slotsOf = (seed: number) =>
    Array.from({ length: 5_000 }, (_, i) => senderSlot(`user${i}@chat.test`, seed))
  const [first, second] = [slotsOf(1), slotsOf(2_000_000_000)]
  expect(new Set(first).size).toBe(senderSlots)
  for (const slot of first) expect(slot).toBeLessThan(senderSlots)
  const together = first.flatMap((slot, i) => (i > 0 && slot === first[0] ? [i] : []))
  expect(together.length).toBeGreaterThan(10)
  expect(together.filter((i) => second[i] === second[0]).length).toBeLessThan(together.length / 2)
})

test.each([
  ['users of a host with a long name', (i: number) => `user-${i}@${'x'.repeat(56)}.onion`],
  ['devices with long ids that begin alike', (i: number) => `${'x'.repeat(100)}${i}`],
])('%s have slots of their own', (_, nameOf) => {
  const slots = new Set(Array.from({ length: 2_000 }, (_, i) => senderSlot(nameOf(i), 1)))
  expect(slots.size).toBe(senderSlots)
})
