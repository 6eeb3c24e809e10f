import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { DomainLoads } from '../../../src/main/dispatch/domain-loads.ts'
import { senderSlots } from '../../../src/main/dispatch/senders.ts'
import { startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { dispatcherAtWork, outcomeOf } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

afterEach(() => vi.restoreAllMocks())

const domains = ['a.test', 'b.test']
const answers = [200, 200, 400, 410, 413, 429, 500, 503, 'hang', 'reset'] as const
const push = fc.record({
  domain: fc.constantFrom(...domains),
  sender: fc.constantFrom('romeo@chat.test', 'juliet@chat.test', 'mallory@chat.test'),
  device: fc.constantFrom('tok-1', 'tok-2', 'tok-3', 'tok-4'),
  node: fc.constantFrom('n', 'x'.repeat(900)),
  timeToLiveS: fc.constantFrom(undefined, 0, 1, 600),
  collapsible: fc.boolean(),
  status: fc.constantFrom(...answers),
  once: fc.boolean(),
})

const slots = Array.from({ length: senderSlots }, (_, slot) => slot)

/** All that is counted of what is accepted and not settled. */
function pending(loads: DomainLoads): number[] {
  const counts = domains.flatMap((name) => {
    const load = loads.of(name)
    const { senders } = load
    const ofSlots = slots.flatMap((slot) => [senders.pendingOf(slot), senders.bytesOf(slot)])
    return [load.pending, load.pendingBytes, load.storing, senders.busy, ...ofSlots]
  })
  return [loads.pendingBytes, ...counts]
}

/** All that is counted of what workers have. */
function inflight(loads: DomainLoads): number[] {
  return domains.flatMap((name) => {
    const load = loads.of(name)
    return [...load.inflight, ...slots.map((slot) => load.senders.inflightOf(slot, 0))]
  })
}

test('nothing is counted as under way when all has ended, whatever the gateway answers and whoever dies', async () => {
  await using gateway = await startGatewaySandbox()
  const spy = vi.spyOn(DomainLoads.prototype, 'accepted')
  const run = fc.record({
    pushes: fc.array(push, { minLength: 10, maxLength: 150 }),
    journalAll: fc.boolean(),
    maxPending: fc.constantFrom(1, 20, 1_000),
    maxStored: fc.constantFrom(0, 10, 1_000),
    maxStoredBytes: fc.constantFrom(0, 5_000, 1e9),
    kill: fc.boolean(),
    stop: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(run, async ({ pushes, kill, stop, maxStored, maxStoredBytes, ...options }) => {
      const statuses = pushes.map(({ status }) => status)
      let asked = 0
      gateway.answerWith(() => ({ status: statuses[asked++ % statuses.length] ?? 200 }))
      await using at = await dispatcherAtWork({
        urls: [gateway.url],
        domains,
        requestTimeoutMs: 100,
        replyDeadlineMs: 300,
        outbox: { maxStored, maxStoredBytes, domainShare: 0.75 },
        ...options,
      })
      spy.mockClear()
      const ended: Promise<unknown>[] = []
      for (const [i, { device, sender, once, status: _, ...change }] of pushes.entries()) {
        const notification = { ...notificationTo(device), ...change }
        if (once) {
          const { promise, resolve } = Promise.withResolvers<unknown>()
          if (at.dispatcher.submitOnce(notification, resolve)) ended.push(promise)
        } else ended.push(outcomeOf(at.dispatcher, notification, sender).catch(() => undefined))
        if (i % 10 === 9) await sleep(5)
      }
      if (kill) await at.dispatcher.threads[0]?.terminate()
      if (stop) await at.dispatcher.stop(300)
      await Promise.all(ended)
      expect(at.dispatcher.pending).toBe(0)
      const [loads] = spy.mock.contexts as DomainLoads[]
      if (loads === undefined) return
      expect(new Set(pending(loads))).toEqual(new Set([0]))
      // What is in the outbox then is the next run's.
      if (stop) return
      gateway.answerWith(undefined)
      await until('what is stored has ended', () => at.outbox.size === 0, 20_000)
      await until('no answer is missing', () => inflight(loads).every((count) => count === 0))
      expect(new Set(pending(loads))).toEqual(new Set([0]))
      expect(at.outbox.bytes()).toBe(0)
      await until('all streams are read', () => at.held.size === 0)
    }),
    { numRuns: 10 },
  )
}, 180_000)
