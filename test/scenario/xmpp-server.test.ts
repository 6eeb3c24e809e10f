import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { fullDomain, type Installation, install, virtualDomain } from './installation.ts'

let installed: Installation

beforeAll(async () => {
  installed = await install({ config: { push: { plugin: 'enhanced' } } })
})
afterAll(async () => {
  await installed[Symbol.asyncDispose]()
})

function form(options: Record<string, string>): string {
  const fields = Object.entries(options).map(
    ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
  )
  return `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>${fields.join('')}</x>`
}

function enable(user: string, jid: string, node: string, device: string): string {
  return `<iq type='set' id='e-${node}' from='${user}' to='${fullDomain}'><enable xmlns='urn:xmpp:push:0' jid='${jid}' node='${node}'>${form({ service: 'fcm', device_id: device })}</enable></iq>`
}

async function enabled(user: string, jid: string, node: string, device: string): Promise<void> {
  const answer = await installed.xmpp.request(fullDomain, enable(user, jid, node, device))
  expect(answer.attr('type')).toBe('result')
}

async function postEvent(event: Record<string, unknown>): Promise<unknown> {
  const response = await fetch(`${installed.daemon.url}/v1/events/message`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ from: 'bob@chat.test/x', type: 'chat', body: 'Hi', ...event }),
  })
  expect(response.status).toBe(202)
  return response.json()
}

describe('a user of a served host', () => {
  test('who enabled a virtual host is pushed to directly, and the subscription outlives a restart', async () => {
    const { gateway, xmpp, daemon } = installed
    await enabled('carol@chat.test/r1', virtualDomain, 'v', 'carol-phone')
    await daemon.stop()
    await daemon.start()
    for (const domain of [fullDomain, virtualDomain]) await xmpp.waitForStreams(domain, 2)
    gateway.requests.length = 0
    expect(await postEvent({ to: 'carol@chat.test', id: 'm1' })).toEqual({ notified: 1 })
    const [request] = await gateway.next(1)
    expect(request).toMatchObject({
      deviceId: 'carol-phone',
      body: { service: 'fcm', alert: { title: 'bob@chat.test', body: 'Hi', badge: 1 } },
    })
    expect(await postEvent({ to: 'carol@chat.test', id: 'm1' })).toEqual({ notified: 0 })
  })

  test('is told of by the server’s forwarded message as by HTTP', async () => {
    const { gateway, xmpp } = installed
    await enabled('dora@chat.test/r1', virtualDomain, 'v', 'dora-phone')
    gateway.requests.length = 0
    xmpp.send(
      virtualDomain,
      `<message from='chat.test' to='${virtualDomain}'><forwarded xmlns='urn:xmpp:forward:0'><message type='chat' xmlns='jabber:client' id='f1' to='dora@chat.test' from='bob@chat.test/x'><body>off 🚀</body></message></forwarded></message>`,
    )
    const [request] = await gateway.next(1)
    expect(request?.body).toMatchObject({ alert: { body: 'off 🚀' } })
  })

  test('whose device is dead loses the subscription, and gets it back by enabling', async () => {
    const { gateway, daemon } = installed
    const disabled = () => daemon.metric('registrations_disabled_total', { reason: 'dead_device' })
    const before = await disabled()
    await enabled('emma@chat.test/r1', virtualDomain, 'v', 'gone-emma')
    expect(await postEvent({ to: 'emma@chat.test' })).toEqual({ notified: 1 })
    await until('the subscription is disabled', async () => (await disabled()) === before + 1)
    expect(await postEvent({ to: 'emma@chat.test' })).toEqual({ notified: 0 })

    await enabled('emma@chat.test/r1', virtualDomain, 'v', 'gone-emma')
    gateway.requests.length = 0
    expect(await postEvent({ to: 'emma@chat.test' })).toEqual({ notified: 1 })
    await gateway.next(1)
  })
})

describe('a node on our own PubSub-full domain', () => {
  const owner = 'fay@chat.test/r1'
  const pubsubNs = 'http://jabber.org/protocol/pubsub'

  test('gets our publish once, by way of the server, and its answer comes back', async () => {
    const { gateway, xmpp, daemon } = installed
    const set = (id: string, payload: string) =>
      xmpp.request(fullDomain, `<iq type='set' id='${id}' from='${owner}' to='${fullDomain}'>${payload}</iq>`)
    await set('c', `<pubsub xmlns='${pubsubNs}'><create node='fay' type='push'/></pubsub>`)
    await set(
      'a',
      `<pubsub xmlns='${pubsubNs}#owner'><affiliations node='fay'><affiliation jid='${fullDomain}' affiliation='publish-only'/></affiliations></pubsub>`,
    )
    await enabled(owner, fullDomain, 'fay', 'fay-phone')
    gateway.requests.length = 0
    expect(await postEvent({ to: 'fay@chat.test' })).toEqual({ notified: 1 })
    const [request] = await gateway.next(1)
    expect(request).toMatchObject({ deviceId: 'fay-phone', body: { alert: { body: 'Hi' } } })
    const taken = () => daemon.metric('publishes_sent_total', { result: 'taken' })
    await until('our publish is answered', async () => (await taken()) === 1)
    expect(gateway.requests).toHaveLength(1)
  })

  test('that is gone ends the subscription', async () => {
    const { daemon } = installed
    await enabled(owner, fullDomain, 'never-made', 'fay-phone')
    const refused = () => daemon.metric('publishes_sent_total', { result: 'refused' })
    const before = await refused()
    // One subscription, fay's own node, remains.
    expect(await postEvent({ to: 'fay@chat.test' })).toEqual({ notified: 2 })
    await until('the node is refused', async () => (await refused()) === before + 1)
    await until('it is disabled', async () => {
      return (await daemon.metric('registrations_disabled_total', { reason: 'refused' })) === 1
    })
    expect(await postEvent({ to: 'fay@chat.test' })).toEqual({ notified: 1 })
  })
})

test('disco nesting and a delegated enable are answered as servers take them', async () => {
  const { xmpp, gateway } = installed
  const nesting = await xmpp.request(
    virtualDomain,
    `<iq to='${virtualDomain}' from='chat.test' type='get' id='rr-1'><query node='urn:xmpp:delegation:1:bare:urn:xmpp:push:0' xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
  )
  expect(nesting.child('query')?.child('feature')?.attr('var')).toBe('urn:xmpp:push:0')
  const inner = enable('gus@chat.test/r1', virtualDomain, 'v', 'gus-phone')
    .replace(` to='${fullDomain}'`, '')
    .replace('<iq', "<iq xmlns='jabber:client'")
  const outer = await xmpp.request(
    virtualDomain,
    `<iq to='${virtualDomain}' from='chat.test' type='set' id='rr-2'><delegation xmlns='urn:xmpp:delegation:1'><forwarded xmlns='urn:xmpp:forward:0'>${inner}</forwarded></delegation></iq>`,
  )
  expect(outer.child('delegation')?.child('forwarded')?.child('iq')?.attr('type')).toBe('result')
  gateway.requests.length = 0
  expect(await postEvent({ to: 'gus@chat.test' })).toEqual({ notified: 1 })
  await gateway.next(1)
})
