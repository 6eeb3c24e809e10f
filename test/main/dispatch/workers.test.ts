import { Session } from 'node:inspector'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { dispatcherAtWork } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

test('a worker thread that dies is replaced, and what it held is tried again', async () => {
  await using gateway = await startGatewaySandbox()
  gateway.answerWith(() => ({ status: 'hang' }))
  await using at = await dispatcherAtWork({ urls: [gateway.url], workers: 2 })
  const outcomes = Array.from({ length: 40 }, (_, i) => at.push(notificationTo(`tok${i}`)))
  await gateway.next(16)
  gateway.answerWith(undefined)
  const [victim] = at.dispatcher.threads
  await victim?.terminate()
  for (const outcome of await Promise.all(outcomes)) expect(outcome).toEqual({ kind: 'delivered' })
  expect(await at.metric('retries_total{cause="worker_lost"}')).toBeGreaterThan(0)
  await until('both are up again', () => at.dispatcher.state().workers.every(({ up }) => up))
  expect(at.dispatcher.threads).toHaveLength(2)
  expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'delivered' })
})

test('with the only worker dead, what comes meanwhile waits for the next', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url] })
  await at.dispatcher.threads[0]?.terminate()
  expect(await at.push(notificationTo('tok'))).toEqual({ kind: 'delivered' })
  expect(await at.metric('worker_restarts_total{worker="0"}')).toBe(1)
})

test('a worker thread that hangs is ended and replaced, and what it held is tried again', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({ urls: [gateway.url], workerHangMs: 700 })
  const [hung] = at.dispatcher.threads
  await hang(1)
  const outcome = at.push(notificationTo('tok'))
  await until('it is replaced', () => at.dispatcher.threads[0] !== hung)
  expect(await outcome).toEqual({ kind: 'delivered' })
  expect(at.log.some(({ msg }) => msg === 'a worker thread hangs')).toBe(true)
}, 20_000)

test('a worker thread that gives no sign of life gets no more work while it does not', async () => {
  await using gateway = await startGatewaySandbox({ latencyMs: 20 })
  const patience = { workers: 2, workerHangMs: 60_000, replyDeadlineMs: 60_000 }
  await using at = await dispatcherAtWork({ urls: [gateway.url], ...patience, maxHttpConnections: 800 })
  const inflight = () => at.dispatcher.state().workers.map((worker) => worker.inflight)
  const isDone = () => at.dispatcher.state().waiting === 0 && Math.min(...inflight()) === 0
  let pushed = 0
  /** How many the worker that hangs has after another so many, and the other one none. */
  async function leftOf(count: number): Promise<number> {
    for (let i = 0; i < count; i++) void at.push(notificationTo(`tok${pushed++}`)).catch(() => undefined)
    await until('one worker is done', isDone)
    return Math.max(...inflight())
  }
  await hang(1)
  let [left, before, count] = [0, -1, 0]
  await until('nothing more goes to it', async () => {
    before = left
    // It would get its part of ever more.
    count += 10
    left = await leftOf(count)
    return left === before
  })
  expect(left).toBeGreaterThan(0)
  expect(left, 'though it had room').toBeLessThan(400)
  expect(await leftOf(count + 50)).toBe(left)
})

test('workers that cannot start are an error of start', async () => {
  await expect(dispatcherAtWork({ urls: ['no URL'] })).rejects.toThrow()
})

test('every accepted notification is settled exactly once, whatever the gateway answers and whoever dies', async () => {
  await using gateway = await startGatewaySandbox()
  await using at = await dispatcherAtWork({
    urls: [gateway.url],
    workers: 2,
    requestTimeoutMs: 200,
    replyDeadlineMs: 1_500,
    maxPending: 150,
  })
  const statuses = [
    200,
    200,
    200,
    204,
    302,
    400,
    401,
    410,
    413,
    422,
    429,
    500,
    503,
    520,
    'hang',
    'reset',
  ] as const
  const answer = fc.record({
    status: fc.constantFrom(...statuses),
    delayMs: fc.constantFrom(0, 0, 5, 50),
    body: fc.constantFrom(null, { reason: 'invalid_request' }, { details: 'x' }, 'garbage', undefined),
  })
  let accepted = 0
  let settled = 0
  let refused = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(answer, { minLength: 1, maxLength: 200 }),
      fc.boolean(),
      async (answers, kill) => {
        gateway.answerWith(({ deviceId }) => answers[Number(deviceId.split('-')[1]) % answers.length])
        const outcomes: Promise<unknown>[] = []
        for (const i of answers.keys()) {
          const outcome = at.push(notificationTo(`d-${i}`, { service: i % 3 === 0 ? 'apns' : 'fcm' }))
          outcomes.push(
            outcome.then(
              () => settled++,
              () => refused++,
            ),
          )
          accepted++
        }
        if (kill) await at.dispatcher.threads[0]?.terminate()
        await Promise.all(outcomes)
      },
    ),
    { numRuns: 6 },
  )
  expect(at.dispatcher.pending).toBe(0)
  expect(settled + refused).toBe(accepted)
  expect(at.dispatcher.state().accepted).toBe(settled)
  // Sinks throw when they are settled twice.
  expect(at.log.filter(({ msg }) => msg === 'the receiver of an outcome failed')).toEqual([])
}, 60_000)

/** Has so many worker threads of this process run for ever, by way of the debugger: nothing else reaches into them. */
async function hang(count: number): Promise<void> {
  const inspector = new Session()
  inspector.connect()
  const { promise, resolve } = Promise.withResolvers<void>()
  let hung = 0
  inspector.on('NodeWorker.attachedToWorker', ({ params }) => {
    if (hung++ >= count) return
    const message = JSON.stringify({
      id: 1,
      method: 'Runtime.evaluate',
      params: { expression: 'for (;;) {}' },
    })
    inspector.post('NodeWorker.sendMessageToWorker', { sessionId: params.sessionId, message }, () =>
      resolve(),
    )
  })
  inspector.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  await promise
  // Detached, or the thread that takes its place would be made to hang as well.
  inspector.disconnect()
}
