import { expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { fullDomain, type Installation, install, virtualDomain } from './installation.ts'
import { enablePush, forwarded, postEvents } from './server-role.ts'

/** An event over HTTP is answered 202 only once nothing can lose its pushes. */

/** Quick deadlines, so that a gateway in trouble is soon told from one that is slow. */
const quick = {
  push: { reply_deadline_ms: 500 },
  mongoosepush: { request_timeout_ms: 200 },
  queue: { retry: { base_ms: 100, cap_ms: 500 } },
}
const carol = 'carol@chat.test'

/** Devices that the gateway has taken a push for. */
function delivered({ gateway }: Installation): string[] {
  return gateway.requests.filter(({ status }) => status === 200).map(({ deviceId }) => deviceId)
}

/** As a crash and the service manager do. */
async function crashAndStart({ daemon, xmpp }: Installation): Promise<void> {
  await daemon.stop('SIGKILL')
  await daemon.start()
  await xmpp.waitForStreams(fullDomain, 2)
}

/** Our publishes to an App Server elsewhere that have come to the XMPP server. */
function sentTo({ xmpp }: Installation, domain: string): string[] {
  return xmpp.received.map(({ xml }) => xml).filter((xml) => xml.includes(`to='${domain}'`))
}

/** The App Server, or whoever speaks for it, answers such a publish. */
function answer({ xmpp }: Installation, publish: string, type: string, payload = ''): void {
  const [, id] = /id='([^']*)'/.exec(publish) ?? []
  const [, from] = /to='([^']*)'/.exec(publish) ?? []
  xmpp.send(fullDomain, `<iq type='${type}' id='${id}' from='${from}' to='${fullDomain}'>${payload}</iq>`)
}

test('an acknowledged event outlives a crash while the gateway is down', async () => {
  await using installed = await install({ config: quick })
  const { gateway, daemon } = installed
  await enablePush(installed, `${carol}/r`, virtualDomain, 'n', 'phone')
  gateway.answerWith(() => ({ status: 503 }))
  const { status, body } = await postEvents(installed, { to: carol, id: 'm1' })
  expect([status, body]).toEqual([202, { notified: 1 }])
  expect(await daemon.metric('stored')).toBe(1)
  await daemon.stop('SIGKILL')
  gateway.answerWith(undefined)
  await daemon.start()
  await until('it is delivered', () => delivered(installed).length > 0)
  expect(delivered(installed)).toEqual(['phone'])
})

test('an event that is neither delivered nor stored is to come again, and then only what is missing goes out', async () => {
  // Time enough for what the gateway takes.
  const push = { reply_deadline_ms: 3_000 }
  await using installed = await install({ config: { push, queue: { ...quick.queue, max_stored: 0 } } })
  const { gateway } = installed
  await enablePush(installed, `${carol}/r`, virtualDomain, 'n1', 'phone')
  await enablePush(installed, `${carol}/r`, virtualDomain, 'n2', 'down-tablet')
  const events = [
    { to: carol, id: 'm1' },
    { to: 'nobody@chat.test', id: 'm2' },
  ]
  const refused = await postEvents(installed, events)
  expect(refused).toMatchObject({ status: 429, body: { error: 'resource-constraint', field: '[0]' } })
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)

  gateway.answerWith(() => ({ status: 200 }))
  expect(await postEvents(installed, events)).toMatchObject({ status: 202, body: { notified: 1 } })
  expect(await postEvents(installed, events)).toMatchObject({ status: 202, body: { notified: 0 } })
  expect(delivered(installed).sort()).toEqual(['down-tablet', 'phone'])
})

test('while the gateway is misconfigured an event is not acknowledged', async () => {
  await using installed = await install({ config: quick })
  await enablePush(installed, `${carol}/r`, virtualDomain, 'n', 'config-phone')
  const { status, headers, body } = await postEvents(installed, { to: carol, id: 'm1' })
  expect([status, body.error]).toEqual([503, 'undelivered'])
  expect(headers.get('retry-after')).toBe('10')
})

test('an App Server elsewhere that is silent holds up nobody, and its publish outlives a crash', async () => {
  const silent = 'push.elsewhere.test'
  await using installed = await install({ others: [silent] })
  const { xmpp, daemon } = installed
  await enablePush(installed, `${carol}/r`, silent, 'n', 'phone')
  expect(await postEvents(installed, { to: carol, id: 'm1' })).toMatchObject({
    status: 202,
    body: { notified: 1 },
  })
  expect(sentTo(installed, silent)).toHaveLength(1)

  await crashAndStart(installed)
  await until('it is sent again', () => sentTo(installed, silent).length === 2)
  const [first = '', second = ''] = sentTo(installed, silent)
  expect(second.replace(/ id='[^']*'/, '')).toBe(first.replace(/ id='[^']*'/, ''))
  answer(installed, second, 'result')
  await until(
    'it is taken',
    async () => (await daemon.metric('publishes_sent_total', { result: 'taken' })) === 1,
  )

  await daemon.stop()
  await daemon.start()
  await xmpp.waitForStreams(fullDomain, 2)
  // Answered once it is stored: by then whatever an earlier run had left has gone out.
  await postEvents(installed, { to: carol, id: 'm2' })
  expect(sentTo(installed, silent)).toHaveLength(3)
})

test('told of over XMPP a publish outlives a stop', async () => {
  const silent = 'push.elsewhere.test'
  await using installed = await install({ others: [silent] })
  const { xmpp, daemon } = installed
  await enablePush(installed, `${carol}/r`, silent, 'n', 'phone')
  xmpp.send(fullDomain, forwarded(carol, 'm1', fullDomain))
  await until('it is sent', () => sentTo(installed, silent).length === 1)
  expect(await daemon.stop()).toBe(0)
  await daemon.start()
  await until('it is sent again', () => sentTo(installed, silent).length === 2)
})

test('a server that cannot reach the App Server’s costs nobody a subscription', async () => {
  const away = 'push.elsewhere.test'
  await using installed = await install({ others: [away] })
  const { daemon } = installed
  await enablePush(installed, `${carol}/r`, away, 'n', 'phone')
  const posted = postEvents(installed, { to: carol, id: 'm1' })
  await until('it is sent', () => sentTo(installed, away).length === 1)
  const [publish = ''] = sentTo(installed, away)
  const notFound =
    "<error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
  answer(installed, publish, 'error', notFound)
  expect(await posted).toMatchObject({ status: 202, body: { notified: 1 } })
  expect(await daemon.metric('subscriptions')).toBe(1)
})

test('an account that is gone loses its subscriptions', async () => {
  await using installed = await install()
  const { xmpp, daemon } = installed
  await enablePush(installed, `${carol}/r`, virtualDomain, 'n', 'phone')
  const gone = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
  xmpp.send(fullDomain, `<message from='${carol}' to='${fullDomain}' type='error'>${gone}</message>`)
  await until('they are gone', async () => (await daemon.metric('subscriptions')) === 0)
})

test('told of over XMPP, more at once than there is room for, every message is pushed', async () => {
  // Nothing is stored: what finds no room in memory would be lost.
  await using installed = await install({
    config: {
      queue: { max_pending: 20, max_stored: 0 },
      push: { reply_deadline_ms: 20_000 },
    },
    latencyMs: 20,
  })
  const { xmpp, daemon } = installed
  for (const node of ['a', 'b', 'c']) await enablePush(installed, `${carol}/r`, virtualDomain, node, node)
  const ids = Array.from({ length: 200 }, (_, i) => `m${i}`)
  xmpp.send(fullDomain, ids.map((id) => forwarded(carol, id, fullDomain)).join(''))
  await until('all are delivered', () => delivered(installed).length >= 600)
  // The gateway has a push before the daemon has its answer.
  const notified = () => daemon.metric('events_total', { source: 'forwarded', result: 'notified' })
  await until('each event has ended', async () => (await notified()) === 200)
  expect(delivered(installed)).toHaveLength(600)
  expect(await daemon.metric('limits_hit_total', { limit: 'max_pending' })).toBe(0)
})
