import { describe, expect, test } from 'vitest'
import { scratchDirectory } from '../../store/open-store.ts'
import { pass, timeStands } from './passing-time.ts'
import { carol, phoneOptions, startXmppServer, type XmppServerAtWork } from './xmpp-server-at-work.ts'

timeStands()

const dayMs = 86_400_000
const user = 'carol@chat.test'

/** A message whose publish is sent twice, and answered so each time. */
async function message(work: XmppServerAtWork, answer: string): Promise<void> {
  work.clock.nowMs += 60_000
  await work.event({ id: `m${work.clock.nowMs}` })
  const sent = work.sent.length
  work.answerLast(answer)
  if (answer !== 'result') {
    pass(work, 10_000)
    if (work.sent.length > sent) work.answerLast(answer)
  }
  await work.settled()
}

async function messages(work: XmppServerAtWork, count: number, answer: string): Promise<void> {
  for (let i = 0; i < count; i++) await message(work, answer)
}

async function subscribed(dataDir?: string): Promise<XmppServerAtWork> {
  const work = await startXmppServer(dataDir === undefined ? {} : { dataDir })
  await work.enable(carol, 'remote.test', 'n', phoneOptions)
  return work
}

const unreached = [
  'cancel/service-unavailable',
  'wait/service-unavailable',
  'wait/recipient-unavailable',
  'cancel/recipient-unavailable',
  'cancel/remote-server-not-found',
  'wait/remote-server-timeout',
]

describe('an App Server elsewhere that is not reached keeps its subscriptions', () => {
  test.each(unreached)('at first, when it is answered %s', async (answer) => {
    await using work = await subscribed()
    await message(work, answer)
    expect(work.sent).toHaveLength(2)
    expect(work.stored(user)).toHaveLength(1)
    expect(await work.count('publishes_sent_total', 'result="failed"')).toBe(1)
  })

  test.each(unreached)('until 20 in a row over three days were answered %s', async (answer) => {
    await using work = await subscribed()
    await messages(work, 19, answer)
    work.clock.nowMs += 3 * dayMs
    expect(work.stored(user)).toHaveLength(1)
    await message(work, answer)
    expect(work.stored(user)).toHaveLength(0)
    expect(await work.count('registrations_disabled_total', 'reason="unreachable"')).toBe(1)
  })

  test('for three days, however many there are', async () => {
    await using work = await subscribed()
    await messages(work, 40, 'cancel/service-unavailable')
    work.clock.nowMs += 2 * dayMs
    await message(work, 'cancel/service-unavailable')
    expect(work.stored(user)).toHaveLength(1)
    work.clock.nowMs += dayMs
    await message(work, 'cancel/service-unavailable')
    expect(work.stored(user)).toHaveLength(0)
  })

  test('and one publish that it takes begins the count again', async () => {
    await using work = await subscribed()
    await messages(work, 19, 'cancel/remote-server-not-found')
    work.clock.nowMs += 3 * dayMs
    await message(work, 'result')
    expect(work.subscriptions.of(user)[0]?.outage).toBeUndefined()
    await messages(work, 19, 'cancel/remote-server-not-found')
    expect(work.stored(user)).toHaveLength(1)
  })

  test('and so does enabling it again', async () => {
    await using work = await subscribed()
    await messages(work, 19, 'cancel/remote-server-not-found')
    await work.enable(carol, 'remote.test', 'n', phoneOptions)
    work.clock.nowMs += 3 * dayMs
    await message(work, 'cancel/remote-server-not-found')
    expect(work.stored(user)).toHaveLength(1)
  })

  test('and the count outlives a restart', async () => {
    using directory = scratchDirectory()
    {
      await using work = await subscribed(directory.path)
      await messages(work, 19, 'cancel/service-unavailable')
    }
    await using work = await startXmppServer({ dataDir: directory.path })
    work.clock.nowMs += 4 * dayMs
    expect(work.subscriptions.of(user)[0]?.outage?.failures).toBe(19)
    await message(work, 'cancel/service-unavailable')
    expect(work.stored(user)).toHaveLength(0)
  })

  test('while its own word ends it at once', async () => {
    await using work = await subscribed()
    await message(work, 'cancel/item-not-found')
    expect(work.stored(user)).toHaveLength(0)
    expect(await work.count('registrations_disabled_total', 'reason="refused"')).toBe(1)
  })
})
