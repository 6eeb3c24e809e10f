import { describe, expect, test } from 'vitest'
import { oneServer } from '../../../support/one-server.ts'
import { scratchDirectory } from '../../store/open-store.ts'
import { pass, subscribed, timeStands } from './passing-time.ts'
import { carol, component, startXmppServer } from './xmpp-server-at-work.ts'

/** What becomes of publishes to App Servers elsewhere that an earlier run has left. */

timeStands()

const safe = { notified: 1, safety: 'safe' }

test('a stop stores what is unanswered; the next run sends it, with the options by then', async () => {
  using directory = scratchDirectory()
  const dataDir = directory.path
  {
    await using work = await subscribed({ dataDir })
    const end = work.take()
    await work.enable(carol, 'remote.test', 'n', { secret: 'new' })
    await work.server.stop()
    expect(await end).toEqual(safe)
  }
  await using work = await startXmppServer({ dataDir })
  expect(work.sent).toEqual([])
  pass(work, 500)
  expect(work.sent).toHaveLength(1)
  expect(String(work.sent[0]?.xml)).toContain('<value>new</value>')
  expect(String(work.sent[0]?.xml)).toContain('off 🚀')
  work.answerLast('result')
  await work.settled()
  expect(work.publishes.all()).toEqual([])
})

test('a stop stores what the disk refused before, and what is told of while it stops', async () => {
  using directory = scratchDirectory()
  const dataDir = directory.path
  {
    await using work = await subscribed({ dataDir })
    work.refusesPublishes = true
    void work.take()
    pass(work, 1_000)
    await work.settled()
    work.refusesPublishes = false
    await work.server.stop()
    await work.settled()
    expect(work.publishes.all()).toHaveLength(1)
    expect(await work.take({ id: 'late' })).toEqual(safe)
    expect(work.sent).toHaveLength(1)
  }
  await using work = await startXmppServer({ dataDir })
  pass(work, 500)
  expect(work.sent).toHaveLength(2)
})

test('what the next run has no answer to either is left to the one behind it', async () => {
  using directory = scratchDirectory()
  const dataDir = directory.path
  {
    await using work = await subscribed({ dataDir })
    void work.take()
  }
  for (let run = 0; run < 2; run++) {
    await using work = await startXmppServer({ dataDir })
    pass(work, 500)
    expect(work.sent).toHaveLength(1)
  }
})

test('what was disabled since is not sent by the next run', async () => {
  using directory = scratchDirectory()
  const dataDir = directory.path
  {
    await using work = await subscribed({ dataDir })
    void work.take()
    await work.subscriptions.removeUser('carol@chat.test')
  }
  await using work = await startXmppServer({ dataDir })
  pass(work, 500)
  await work.settled()
  expect(work.sent).toEqual([])
  expect(work.publishes.all()).toEqual([])
  expect(await work.count('publishes_sent_total', 'result="withdrawn"')).toBe(1)
})

describe('what a domain that is no longer ours has left', () => {
  /** Three publishes of one subscription that was enabled on `component`. */
  async function leaveThree(dataDir: string): Promise<void> {
    await using work = await subscribed({ dataDir })
    for (const id of ['1', '2', '3']) void work.take({ id })
  }

  test('goes out from another, and a line says so', async () => {
    using directory = scratchDirectory()
    await leaveThree(directory.path)
    await using work = await startXmppServer({
      dataDir: directory.path,
      servers: oneServer('second.chat.test'),
    })
    pass(work, 500)
    expect(work.sent.map(({ domain, stanza }) => [domain, stanza.attr('from')])).toEqual(
      Array(3).fill(['second.chat.test', 'second.chat.test']),
    )
    expect(work.log.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 40,
        domain: component,
        sender: 'second.chat.test',
        count: 3,
        msg: 'stored publishes of a domain that is gone go out from another',
      },
    ])
    work.answerLast('result')
    await work.settled()
    expect(work.publishes.all()).toHaveLength(2)
  })

  test('has ended where there is no other, and a line says so', async () => {
    using directory = scratchDirectory()
    await leaveThree(directory.path)
    await using work = await startXmppServer({ dataDir: directory.path, servers: oneServer() })
    pass(work, 500)
    await work.settled()
    expect(work.sent).toEqual([])
    expect(work.publishes.all()).toEqual([])
    expect(await work.count('publishes_sent_total', 'result="failed"')).toBe(3)
    expect(work.log.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 50,
        domain: component,
        count: 3,
        msg: 'stored publishes have ended: their domain is gone, and there is no other',
      },
    ])
  })

  test('goes out from its own domain while that is ours, without a word', async () => {
    using directory = scratchDirectory()
    await leaveThree(directory.path)
    await using work = await startXmppServer({
      dataDir: directory.path,
      servers: oneServer('second.chat.test', component),
    })
    pass(work, 500)
    expect(new Set(work.sent.map(({ domain }) => domain))).toEqual(new Set([component]))
    expect(work.log).toEqual([])
  })
})
