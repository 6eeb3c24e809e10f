import { expect, test } from 'vitest'
import { pass, subscribed, timeStands } from './passing-time.ts'
import type { XmppServerAtWork } from './xmpp-server-at-work.ts'

/** What becomes of a publish to an App Server elsewhere, for whoever waits to hear that its message is safe. */

timeStands()

/** Whether the event has come to its end by now. */
async function hasEnded(work: XmppServerAtWork, end: Promise<unknown>): Promise<boolean> {
  await work.settled()
  return (await Promise.race([end, 'not yet'])) !== 'not yet'
}

const safe = { notified: 1, safety: 'safe' }

test.each(['result', 'cancel/item-not-found', 'auth/forbidden', 'modify/bad-request'])(
  '%s within a second is the end, and nothing was written',
  async (verdict) => {
    await using work = await subscribed()
    const { transactions } = work.environment
    const end = work.take()
    pass(work, 999)
    expect(await hasEnded(work, end)).toBe(false)
    expect(work.environment.transactions).toBe(transactions)
    work.answerLast(verdict)
    expect(await end).toEqual(safe)
    expect(work.publishes.all()).toEqual([])
  },
)

test('what is not answered within a second is stored, and that is as good; its answer ends that', async () => {
  await using work = await subscribed()
  const end = work.take()
  pass(work, 1_000)
  expect(await end).toEqual(safe)
  expect(work.publishes.all()).toMatchObject([
    [expect.any(String), { user: 'carol@chat.test', jid: 'remote.test', node: 'n' }],
  ])
  work.answerLast('result')
  await work.settled()
  expect(work.publishes.all()).toEqual([])
  expect(await work.count('publishes_sent_total', 'result="taken"')).toBe(1)
})

test('silence for 30 s ends it too', async () => {
  await using work = await subscribed()
  void work.take()
  pass(work, 1_000)
  pass(work, 28_999)
  await work.settled()
  expect(work.publishes.all()).toHaveLength(1)
  pass(work, 1)
  await work.settled()
  expect(work.publishes.all()).toEqual([])
  expect(await work.count('publishes_sent_total', 'result="timeout"')).toBe(1)
})

test('what is to be sent again is stored at once, until the second answer', async () => {
  await using work = await subscribed()
  const end = work.take()
  work.answerLast('wait/resource-constraint')
  expect(await end).toEqual(safe)
  expect(work.publishes.all()).toHaveLength(1)
  pass(work, 10_000)
  expect(work.sent).toHaveLength(2)
  work.answerLast('wait/resource-constraint')
  await work.settled()
  expect(work.publishes.all()).toEqual([])
})

test('without a stream it is stored at once, and goes out when there is one', async () => {
  await using work = await subscribed()
  work.hasStream = false
  expect(await work.take()).toEqual(safe)
  pass(work, 30_000)
  expect(work.sent).toEqual([])
  work.hasStream = true
  pass(work, 500)
  expect(work.sent).toHaveLength(1)
  work.answerLast('result')
  await work.settled()
  expect(work.publishes.all()).toEqual([])
})

test('those that have waited for a stream go out a thousand at a time', async () => {
  await using work = await subscribed({ maxRemotePublishes: 2_000 })
  work.hasStream = false
  for (let i = 0; i < 1_500; i++) void work.take({ id: `${i}` })
  work.hasStream = true
  pass(work, 500)
  expect(work.sent).toHaveLength(1_000)
  pass(work, 500)
  expect(work.sent).toHaveLength(1_500)
})

test('for a stream it waits as long as a notification is worth delivering', async () => {
  await using work = await subscribed({ lifetimeMs: 60_000 })
  work.hasStream = false
  await work.take()
  pass(work, 60_000)
  pass(work, 1)
  await work.settled()
  expect(work.publishes.all()).toEqual([])
  expect(await work.count('publishes_sent_total', 'result="failed"')).toBe(1)
  work.hasStream = true
  pass(work, 500)
  expect(work.sent).toEqual([])
})

test('a store that is at fault leaves it unsafe: told of again it goes out again', async () => {
  await using work = await subscribed()
  work.refusesPublishes = true
  const end = work.take()
  pass(work, 1_000)
  expect(await end).toEqual({ notified: 1, safety: 'undelivered' })
  expect(work.log.join()).toContain('could not be stored')

  work.refusesPublishes = false
  const again = work.take()
  expect(work.sent).toHaveLength(2)
  work.answerLast('result')
  expect(await again).toEqual(safe)
  expect(await work.take()).toEqual({ notified: 0, safety: 'safe' })
})

test('what the disk would not forget is forgotten when it is well', async () => {
  await using work = await subscribed()
  void work.take()
  pass(work, 1_000)
  await work.settled()
  work.refusesPublishes = true
  work.answerLast('result')
  await work.settled()
  expect(work.publishes.all()).toHaveLength(1)
  work.refusesPublishes = false
  pass(work, 500)
  await work.settled()
  expect(work.publishes.all()).toEqual([])
})

test('at the limit of unanswered publishes there is no room for another', async () => {
  await using work = await subscribed({ maxRemotePublishes: 1 })
  void work.take()
  expect(work.server.full).toBe(true)
  expect(await work.take({ id: 'other' })).toEqual({ notified: 1, safety: 'no-room' })
  expect(await work.count('publishes_sent_total', 'result="overflow"')).toBe(1)
})
