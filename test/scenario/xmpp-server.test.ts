import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { fullDomain, type Installation, install, virtualDomain } from './installation.ts'
import { createNode, enableIq, enablePush, forwarded, postEvents } from './server-role.ts'

let installed: Installation

beforeAll(async () => {
  installed = await install({ config: { push: { plugin: 'enhanced' } } })
})
afterAll(async () => {
  await installed[Symbol.asyncDispose]()
})

function enabled(user: string, jid: string, node: string, device: string): Promise<void> {
  return enablePush(installed, user, jid, node, device)
}

async function postEvent(event: Record<string, unknown>): Promise<unknown> {
  const { status, body } = await postEvents(installed, event)
  expect(status).toBe(202)
  return body
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
    xmpp.send(virtualDomain, forwarded('dora@chat.test', 'f1', virtualDomain))
    const [request] = await gateway.next(1)
    expect(request?.body).toMatchObject({ alert: { body: 'Hi' } })
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

  test('gets our publish once, by way of the server, and its answer comes back', async () => {
    const { gateway, daemon } = installed
    await createNode(installed, owner, 'fay')
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
  const inner = enableIq('gus@chat.test/r1', virtualDomain, 'v', 'gus-phone')
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
