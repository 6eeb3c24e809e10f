import { describe, expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { until } from '../support/until.ts'
import { type Installation, install, virtualDomain } from './installation.ts'

/** Quick deadlines, so that a gateway in trouble is soon told from one that is slow. */
const quick = {
  push: { reply_deadline_ms: 500 },
  mongoosepush: { request_timeout_ms: 200 },
  queue: { retry: { base_ms: 100, cap_ms: 500 } },
}

function publish(id: string, deviceId: string, options: Readonly<Record<string, string>> = {}): string {
  return publishIq({
    id,
    from: 'chat.test',
    to: virtualDomain,
    node: 'n',
    options: { service: 'apns', device_id: deviceId, ...options },
    summary: summaryOf('juliet@chat.test', `for ${id}`),
  })
}

async function publishAll({ xmpp }: Installation, prefix: string, count: number): Promise<string[]> {
  const iqs = Array.from({ length: count }, (_, i) => publish(`${prefix}-${i}`, `${prefix}-${i}`))
  return (await xmpp.requestAll(virtualDomain, iqs, { timeoutMs: 20_000 })).map(({ xml }) => xml)
}

const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`).sort()

/** Devices that the gateway has taken a push for. */
function delivered({ gateway }: Installation): string[] {
  return gateway.requests.filter(({ status }) => status === 200).map(({ deviceId }) => deviceId)
}

async function untilDelivered(installed: Installation, devices: readonly string[]): Promise<void> {
  await until('all are delivered', () => {
    const seen = new Set(delivered(installed))
    return devices.every((device) => seen.has(device))
  })
}

const isResult = (xml: string) => xml.includes("type='result'")

describe('while the gateway is down', () => {
  test('publishes get a result, are delivered once it is back, and nothing stays behind', async () => {
    await using installed = await install({ config: quick })
    const { gateway, daemon } = installed
    gateway.answerWith(() => ({ status: 503 }))
    for (const answer of await publishAll(installed, 'tok', 40)) expect(answer).toSatisfy(isResult)
    expect(await daemon.metric('publishes_total', { result: 'stored' })).toBe(40)
    expect(await daemon.metric('stored')).toBe(40)
    expect(delivered(installed)).toEqual([])
    gateway.answerWith(undefined)
    await untilDelivered(installed, names('tok', 40))
    await until('the outbox is empty', async () => (await daemon.metric('stored')) === 0)
    expect(delivered(installed).sort(), 'none twice').toEqual(names('tok', 40))
    expect(await daemon.metric('notifications_total', { outcome: 'delivered' })).toBe(40)
  })

  test('what is for now or never gets a wait', async () => {
    await using installed = await install({ config: quick })
    const { gateway, xmpp, daemon } = installed
    gateway.answerWith(() => ({ status: 503 }))
    const answer = await xmpp.request(virtualDomain, publish('now', 'tok', { time_to_live: '0' }))
    expect(answer.xml).toMatch(/type='wait'.*remote-server-timeout/)
    expect(await daemon.metric('stored')).toBe(0)
  })

  test('a full outbox gets a wait', async () => {
    await using installed = await install({ config: { ...quick, queue: { ...quick.queue, max_stored: 3 } } })
    const { gateway } = installed
    gateway.answerWith(() => ({ status: 503 }))
    const answers = await publishAll(installed, 'tok', 5)
    expect(answers.filter(isResult)).toHaveLength(3)
    for (const answer of answers)
      if (!isResult(answer)) expect(answer).toMatch(/type='wait'.*service-unavailable/)
  })

  test('of several to one node and device the newest alone goes out', async () => {
    await using installed = await install({ config: quick })
    const { gateway, xmpp, daemon } = installed
    gateway.answerWith(() => ({ status: 503 }))
    for (const id of ['first', 'second', 'third']) {
      expect((await xmpp.request(virtualDomain, publish(id, 'tok'))).xml).toSatisfy(isResult)
    }
    // What is with the gateway when it is superseded may still be delivered.
    await until(
      'no earlier one is with the gateway',
      async () => (await daemon.metric('gateway_inflight')) === 0,
    )
    gateway.answerWith(undefined)
    await untilDelivered(installed, ['tok'])
    await until('the outbox is empty', async () => (await daemon.metric('stored')) === 0)
    const texts = gateway.requests.filter(({ status }) => status === 200).map(({ body }) => body.alert)
    expect(texts).toMatchObject([{ body: 'for third' }])
    expect(await daemon.metric('notifications_total', { outcome: 'superseded' })).toBe(2)
  })
})

describe('an acknowledged push is delivered by the next process', () => {
  test.each([
    ['after a restart', 'SIGTERM', 0],
    ['after kill -9 right behind the result', 'SIGKILL', 'SIGKILL'],
  ] as const)('%s', async (_, signal, exit) => {
    await using installed = await install({ config: quick })
    const { gateway, daemon, xmpp } = installed
    gateway.answerWith(() => ({ status: 503 }))
    for (const answer of await publishAll(installed, 'tok', 30)) expect(answer).toSatisfy(isResult)
    expect(await daemon.stop(signal)).toBe(exit)
    expect(delivered(installed)).toEqual([])
    gateway.answerWith(undefined)
    await daemon.start()
    await xmpp.waitForStreams(virtualDomain, 2)
    await untilDelivered(installed, names('tok', 30))
    expect(await daemon.metric('retries_total', { cause: 'restart' })).toBe(30)
  })

  test('after kill -9 with durability = "always", even one that had no answer yet', async () => {
    const queue = { ...quick.queue, durability: 'always' }
    await using installed = await install({ config: { queue } })
    const { gateway, daemon, xmpp } = installed
    gateway.answerWith(() => ({ status: 'hang' }))
    for (const name of names('tok', 30)) xmpp.send(virtualDomain, publish(name, name))
    await gateway.next(30)
    await daemon.stop('SIGKILL')
    gateway.answerWith(undefined)
    await daemon.start()
    await xmpp.waitForStreams(virtualDomain, 2)
    await untilDelivered(installed, names('tok', 30))
    await until('the outbox is empty', async () => (await daemon.metric('stored')) === 0)
  })

  test('after SIGTERM while the gateway hangs: it is stored within the drain timeout', async () => {
    // Nothing else ends these requests: waiting for them, the process would be given up, which is another exit code.
    await using installed = await install({
      config: {
        drain_timeout_ms: 3_000,
        push: { reply_deadline_ms: 30_000 },
        mongoosepush: { request_timeout_ms: 30_000 },
      },
    })
    const { gateway, daemon, xmpp } = installed
    gateway.answerWith(() => ({ status: 'hang' }))
    const answers = publishAll(installed, 'tok', 30)
    await gateway.next(30)
    expect(await daemon.stop()).toBe(0)
    for (const answer of await answers) expect(answer).toSatisfy(isResult)
    gateway.answerWith(undefined)
    await daemon.start()
    await xmpp.waitForStreams(virtualDomain, 2)
    await untilDelivered(installed, names('tok', 30))
  })
})

test('an acknowledged push that was not delivered is a dead letter, and can be sent once more', async () => {
  await using installed = await install({ config: quick })
  const { gateway, xmpp, daemon } = installed
  gateway.answerWith(() => ({ status: 503 }))
  expect((await xmpp.request(virtualDomain, publish('p', 'tok'))).xml).toSatisfy(isResult)
  gateway.answerWith(() => ({ status: 410, body: { reason: 'unregistered' } }))
  const ask = async () => {
    const response = await daemon.request(`/admin/dead-letters`)
    return ((await response.json()) as { letters: Record<string, unknown>[] }).letters
  }
  const [letter] = await until('the letter', async () => {
    const letters = await ask()
    return letters.length > 0 && letters
  })
  expect(letter).toMatchObject({ reason: 'dead_device', detail: 'unregistered', device_id: 'tok', node: 'n' })
  expect(JSON.stringify(letter), 'not what it said').not.toContain('for p')

  gateway.answerWith(undefined)
  const response = await daemon.request(`/admin/dead-letters/retry`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ids: [letter?.id, 'nonsense'] }),
  })
  expect(await response.json()).toEqual({ retried: 1, unknown: ['nonsense'], refused: [] })
  await untilDelivered(installed, ['tok'])
  await until('the letter is gone', async () => (await ask()).length === 0)
  expect(daemon.output).not.toContain('for p')
})
