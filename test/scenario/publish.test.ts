import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { type Installation, install, virtualDomain } from './installation.ts'

let installed: Installation
beforeAll(async () => {
  installed = await install()
}, 30_000)
afterAll(async () => {
  await installed[Symbol.asyncDispose]()
})

function publish(id: string, deviceId: string, sender = 'juliet@chat.test', body = 'O Romeo'): string {
  const options = { service: 'fcm', device_id: deviceId }
  return publishIq({
    id,
    from: 'chat.test',
    to: virtualDomain,
    node: `node-${id}`,
    options,
    summary: summaryOf(sender, body),
  })
}

/** The gateway's requests from here on. */
async function requestsOf(act: () => Promise<unknown>, count: number) {
  const { gateway } = installed
  const before = gateway.requests.length
  await act()
  return (await gateway.next(before + count)).slice(before)
}

describe('a publish on the wire', () => {
  test('2 000 publishes in one write get 2 000 right answers', async () => {
    const { xmpp, gateway } = installed
    const count = 2000
    const iqs = Array.from({ length: count }, (_, i) =>
      publish(`many-${i}`, `${i % 10 === 3 ? 'down' : 'ok'}-${i}`),
    )
    // One in ten fails for a while, so that answers come out of order.
    const failed = new Set<string>()
    gateway.answerWith(({ deviceId }) => {
      if (!deviceId.startsWith('down-') || failed.has(deviceId)) return { status: 200, body: null }
      failed.add(deviceId)
      return { status: 503, body: { reason: 'service_internal' } }
    })
    const answers = await xmpp.requestAll(virtualDomain, iqs, { timeoutMs: 25_000 })
    gateway.answerWith(undefined)

    expect(answers).toHaveLength(count)
    for (const [i, { xml }] of answers.entries()) {
      expect(xml).toBe(`<iq type='result' id='many-${i}' from='${virtualDomain}' to='chat.test'/>`)
    }
    expect(failed.size).toBe(count / 10)
  })

  test('a stanza split at every byte arrives whole', async () => {
    const { xmpp, gateway } = installed
    const bytes = Buffer.from(publish('split', 'split-device', 'roméo@chat.test', 'Zażółć 🚀 <&>'))
    gateway.answerWith(() => undefined)
    const seen = await requestsOf(async () => {
      for (let cut = 1; cut < bytes.length; cut++) {
        xmpp.send(virtualDomain, bytes.subarray(0, cut), 0)
        // The next part in a segment of its own.
        await new Promise(setImmediate)
        xmpp.send(virtualDomain, bytes.subarray(cut), 0)
        await new Promise(setImmediate)
      }
    }, bytes.length - 1)
    for (const request of seen) {
      expect(request.body).toMatchObject({ alert: { title: 'roméo@chat.test', body: 'Zażółć 🚀 <&>' } })
    }
  })

  test('an emoji in every place arrives as it is', async () => {
    const { xmpp } = installed
    const iq = publishIq({
      id: 'id-🚀',
      from: 'chat.test',
      to: virtualDomain,
      node: 'node-🚀',
      options: {
        service: 'fcm',
        device_id: 'device-🚀',
        sound: '🚀.wav',
        click_action: 'open 🚀',
        topic: 'app.🚀',
      },
      summary: summaryOf('🚀@chat.test', '🚀 body 🚀'),
    })
    const [request] = await requestsOf(async () => {
      const answer = await xmpp.request(virtualDomain, iq)
      expect(answer.xml).toContain("id='id-🚀'")
      expect(answer.xml).toContain("type='result'")
    }, 1)
    expect(request?.deviceId).toBe('device-🚀')
    expect(request?.body).toEqual({
      service: 'fcm',
      topic: 'app.🚀',
      alert: {
        title: '🚀@chat.test',
        tag: '🚀@chat.test',
        body: '🚀 body 🚀',
        badge: 1,
        click_action: 'open 🚀',
        sound: '🚀.wav',
      },
    })
  })

  test.each(['../../x?y#z', '..', '.', 'a/b', 'a%2Fb', 'a+b:c', 'ü\u200d', '%', '?', '#', '\\', ';=,'])(
    'the device id %j arrives as one path segment',
    async (deviceId) => {
      const { xmpp } = installed
      const [request] = await requestsOf(() => xmpp.request(virtualDomain, publish('odd', deviceId)), 1)
      expect(request?.deviceId).toBe(deviceId)
      expect(request?.path.split('/')).toHaveLength(4)
    },
  )

  test('what became of the last publishes to a node is shown to operators, refused ones too', async () => {
    const { xmpp, daemon } = installed
    for (const deviceId of ['shown', 'gone-shown', 'gone-shown', '']) {
      await xmpp.request(virtualDomain, publish('shown', deviceId))
    }
    const response = await daemon.request(`/admin/node?domain=${virtualDomain}&node=node-shown`)
    const { recent } = (await response.json()) as { recent: { result: string }[] }
    expect(recent.map(({ result }) => result)).toEqual([
      'rejected_no_device',
      'rejected_dead_device',
      'dead_device',
      'delivered',
    ])
  })

  test('an answer goes out on another stream of the domain when its own is gone', async () => {
    await using own = await install({ latencyMs: 300 })
    const { xmpp, gateway } = own
    xmpp.send(virtualDomain, publish('orphan', 'device'), 0)
    await gateway.next(1)
    xmpp.failStreams('reset', virtualDomain)
    const answer = await xmpp.waitFor(({ xml }) => xml.includes("id='orphan'"))
    expect(answer.stream).not.toBe(0)
  })
})

describe('publishes over HTTP', () => {
  async function post(body: unknown): Promise<{ status: number; body: unknown }> {
    const response = await installed.daemon.request(`/v1/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: await response.json() }
  }

  const summary = { 'last-message-sender': 'a@chat.test', 'last-message-body': 'hello' }

  test.each([
    ['delivered', { service: 'fcm', device_id: 'http-1' }, 200],
    ['dead device', { service: 'fcm', device_id: 'gone-http' }, 410],
    ['refused device', { service: 'fcm', device_id: 'bad-http' }, 503],
    ['no device', { service: 'fcm' }, 409],
    ['the operator at fault', { service: 'fcm', device_id: 'nopool-http' }, 503],
    ['an option out of range', { service: 'fcm', device_id: 'x', priority: 'urgent' }, 400],
  ])('%s', async (_, options, status) => {
    expect(await post({ host: virtualDomain, node: 'n', options, summary })).toMatchObject({ status })
  })

  test('a host that is not served is 404', async () => {
    expect(await post({ host: 'elsewhere.test', node: 'n', options: {}, summary })).toMatchObject({
      status: 404,
    })
  })
})
