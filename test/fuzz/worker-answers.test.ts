import { MessageChannel } from 'node:worker_threads'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FromWorker } from '../../src/core/worker-protocol.ts'
import { DomainLoad } from '../../src/main/dispatch/domain-loads.ts'
import { PendingPush } from '../../src/main/dispatch/pending-push.ts'
import { ServiceQueue } from '../../src/main/dispatch/service-queue.ts'
import { WorkerSession } from '../../src/main/dispatch/worker-session.ts'
import { notificationTo } from '../main/dispatch/notifications.ts'
import { runs } from './stream-documents.ts'

const id = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom(-1, 1.5, Number.NaN, 2 ** 31))
const message: fc.Arbitrary<FromWorker> = fc.oneof(
  fc.array(id, { maxLength: 6 }).map((ids) => ({
    kind: 'answers' as const,
    plain: ids.flatMap((given) => [given, 200, 5]),
    other: [],
  })),
  fc.array(id, { maxLength: 6 }).map((ids) => ({
    kind: 'answers' as const,
    plain: [],
    other: ids.map((given) => ({
      id: given,
      durationUs: 5,
      status: 503,
      reason: undefined,
      retryAfterMs: undefined,
      cause: undefined,
    })),
  })),
  fc.array(id, { maxLength: 6 }).map((ids) => ({
    kind: 'provider_answers' as const,
    judged: ids.map((given) => ({
      id: given,
      durationUs: 5,
      status: 410,
      outcome: { kind: 'dead_device' as const, reason: 'Unregistered' },
      refusedHeader: undefined,
    })),
  })),
  fc.constant({ kind: 'beat' as const, openConnections: [3], streams: [], utilization: 0.5 }),
)

test('whatever ids a worker answers, each push comes back exactly once: answered, or left when it ends', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 }), fc.array(message, { maxLength: 6 }), (count, messages) => {
      const { port1, port2 } = new MessageChannel()
      const back: PendingPush[] = []
      const take = (session: WorkerSession, given: number) => {
        const push = session.take(given)
        if (push !== undefined) back.push(push)
      }
      const reader = {
        read: (session: WorkerSession, plain: readonly number[], other: readonly { id: number }[]) => {
          for (let i = 0; i < plain.length; i += 3) take(session, plain[i] ?? -1)
          for (const { id: given } of other) take(session, given)
        },
        readJudged: (session: WorkerSession, judged: readonly { id: number }[]) => {
          for (const { id: given } of judged) take(session, given)
        },
        ready: () => undefined,
      }
      const session = new WorkerSession(0, [64], [], port1, reader, () => 0)
      const lane = new ServiceQueue(0, 'fcm').laneOf(new DomainLoad('push.example.com', 0, 1))
      const pushes = Array.from({ length: count }, (_, i) => {
        const push = new PendingPush(notificationTo(`d${i}`), { settle: () => undefined }, lane, 0, 1_000)
        push.origin = 0
        session.add(push, 0, '/', '{}')
        return push
      })
      for (const said of messages) port2.postMessage(said)
      const left = session.end()

      expect(new Set([...back, ...left])).toEqual(new Set(pushes))
      expect(back.length + left.length).toBe(count)
      expect(session.room(0)).toBe(64)
    }),
    { numRuns: Math.ceil(runs / 3) },
  )
})
