import { expect, test } from 'vitest'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/until.ts'
import { dispatcherAtWork } from './dispatcher-at-work.ts'
import { notificationTo } from './notifications.ts'

test('a crowd that the outbox has no room for holds nobody up while its gateway is left out', async () => {
  await using at = await dispatcherAtWork({
    urls: [`http://127.0.0.1:${await freePort()}`],
    outbox: { maxStored: 0 },
    maxPending: 50_000,
    replyDeadlineMs: 5_000,
  })
  const few = Array.from({ length: 50 }, (_, i) => at.push(notificationTo(`first-${i}`), 'a@chat.test'))
  await until('it is left out', () => at.dispatcher.state().gatewayDown)
  const many = Array.from({ length: 20_000 }, (_, i) => at.push(notificationTo(`tok-${i}`), 'a@chat.test'))
  let turns = 0
  const untilMs = performance.now() + 2_000
  while (performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    turns++
  }
  // With each of them offered to the outbox at each tick there are about ten.
  expect(turns).toBeGreaterThan(40)
  for (const outcome of await Promise.all([...few, ...many])) {
    expect(outcome).toMatchObject({ kind: 'undelivered', cause: 'overload' })
  }
}, 120_000)
