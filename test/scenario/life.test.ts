import { describe, expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { Child } from '../support/child.ts'
import { until } from '../support/until.ts'
import { fullDomain, install, virtualDomain } from './installation.ts'

const commandLine = new URL('../../src/main/cli.ts', import.meta.url).pathname

function publish(id: string, to: string, node: string, deviceId: string): string {
  const options = { service: 'apns', device_id: deviceId }
  return publishIq({ id, from: 'chat.test', to, node, options, summary: summaryOf('a@chat.test', 'b') })
}

const create = (id: string, node = 'n1', from = 'romeo@chat.test/phone') =>
  `<iq type='set' id='${id}' from='${from}' to='${fullDomain}'>` +
  `<pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='${node}' type='push'/></pubsub></iq>`

describe('the daemon', () => {
  test('keeps nodes and dead devices over a restart', async () => {
    await using installed = await install()
    const { xmpp, daemon } = installed
    expect((await xmpp.request(fullDomain, create('c1'))).xml).toContain("type='result'")
    expect((await xmpp.request(fullDomain, publish('p1', fullDomain, 'n1', 'gone-1'))).xml).toContain(
      'device-not-reg',
    )

    expect(await daemon.stop()).toBe(0)
    await daemon.start()
    await xmpp.waitForStreams(fullDomain, 2)
    expect((await xmpp.request(fullDomain, create('c2'))).xml).toContain('<conflict')
    const asked = installed.gateway.total
    expect((await xmpp.request(fullDomain, publish('p2', fullDomain, 'n1', 'gone-1'))).xml).toContain(
      'device-not-reg',
    )
    expect(installed.gateway.total).toBe(asked)
  })

  test('answers what is under way before it stops', async () => {
    await using installed = await install({ latencyMs: 400 })
    const { xmpp, gateway, daemon } = installed
    const answers = xmpp.requestAll(
      virtualDomain,
      Array.from({ length: 50 }, (_, i) => publish(`d${i}`, virtualDomain, 'n', `device-${i}`)),
    )
    await gateway.next(1)
    const stopped = daemon.stop()
    for (const answer of await answers) expect(answer.xml).toContain("type='result'")
    expect(await stopped).toBe(0)
    expect(new Set(xmpp.closed.map(({ reason }) => reason))).toEqual(new Set(['ended']))
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('stops at once at the second signal, %s', async (second) => {
    await using installed = await install({
      config: { drain_timeout_ms: 60_000, push: { reply_deadline_ms: 30_000 } },
    })
    const { xmpp, gateway, daemon } = installed
    xmpp.send(virtualDomain, publish('h', virtualDomain, 'n', 'hang-1'))
    await gateway.next(1)
    daemon.signal('SIGTERM')
    await until('the drain to begin', () => daemon.log.some(({ msg }) => msg === 'stopping'))
    expect(await daemon.stop(second)).toBe(0)
    expect(daemon.log.some(({ msg }) => msg === 'stopped')).toBe(false)
  })

  test('answers every change to a node that it has made before it stops', async () => {
    await using installed = await install()
    const { xmpp, daemon } = installed
    let sent = 0
    const clients = setInterval(() => {
      if (xmpp.streamCount(fullDomain) === 0) return
      for (const end = sent + 5; sent < end; sent++) {
        xmpp.send(fullDomain, create(`c${sent}`, `n${sent}`, `user${sent}@chat.test/phone`))
      }
    }, 1)
    await until('many nodes', async () => (await daemon.metric('nodes')) > 100)
    expect(await daemon.stop()).toBe(0)
    clearInterval(clients)
    const answered = xmpp.received.filter(({ xml }) => xml.includes('<create ')).length
    await daemon.start()
    expect(await daemon.metric('nodes')).toBe(answered)
  })

  test('takes over at SIGHUP what can change, and names the rest', async () => {
    await using installed = await install()
    const { xmpp, gateway, daemon, config } = installed
    const http = { listen: new URL(daemon.url).host }
    daemon.configure({
      ...config,
      data_dir: `${daemon.dir}/data`,
      http,
      content: { include_body: false, default_body: 'Something for you' },
      mongoosepush: { url: gateway.url, api_version: 'v2' },
    })
    daemon.signal('SIGHUP')
    const line = await until('the reload', () => daemon.log.find(({ msg }) => msg === 'configuration reread'))
    expect(line.applied).toEqual(['content.default_body', 'content.include_body'])
    expect(line.needsRestart).toEqual(['mongoosepush.api_version'])
    await xmpp.request(virtualDomain, publish('after', virtualDomain, 'n', 'device'))
    expect(gateway.requests.at(-1)).toMatchObject({
      version: 'v3',
      body: { alert: { body: 'Something for you' } },
    })
  })

  test('shows the default texts of a reread configuration in a silent push over v1, too', async () => {
    await using installed = await install({ config: { mongoosepush: { api_version: 'v1' } } })
    const { xmpp, gateway, daemon, config } = installed
    daemon.configure({
      ...config,
      data_dir: `${daemon.dir}/data`,
      http: { listen: new URL(daemon.url).host },
      content: { default_title: 'A new title', default_body: 'A new body' },
    })
    daemon.signal('SIGHUP')
    await until('the reload', () => daemon.log.find(({ msg }) => msg === 'configuration reread'))
    const options = { service: 'fcm', device_id: 'device' }
    const to = virtualDomain
    await xmpp.request(to, publishIq({ id: 'wake', from: 'chat.test', to, node: 'n', options, bare: true }))
    expect(gateway.requests.at(-1)?.body).toMatchObject({ title: 'A new title', body: 'A new body' })
  })

  test('changes nothing at SIGHUP when the file is faulty', async () => {
    await using installed = await install()
    const { daemon, config } = installed
    daemon.configure({ ...config, content: { default_tittle: 'x' } })
    daemon.signal('SIGHUP')
    const line = await until('the refusal', () => daemon.log.find(({ level }) => level === 'error'))
    expect(JSON.stringify(line.faults)).toContain('default_title')
    expect(await daemon.metric('config_reloads_total', { result: 'refused' })).toBe(1)
    await daemon.ready()
  })

  test('is refused with 75 when another one has the data directory', async () => {
    await using installed = await install()
    const { daemon, config } = installed
    daemon.configure({ ...config, data_dir: `${daemon.dir}/data`, http: { listen: '127.0.0.1:0' } })
    const second = new Child(process.execPath, [commandLine, 'start', '--config', daemon.configFile])
    expect(await second.exited).toMatchObject({ code: 75 })
    expect(second.output).toContain(`${daemon.dir}/data`)
  })

  test('is refused with 75 when its port is taken', async () => {
    await using installed = await install()
    const { daemon, config } = installed
    const http = { listen: new URL(daemon.url).host }
    daemon.configure({ ...config, data_dir: `${daemon.dir}/other`, http })
    const second = new Child(process.execPath, [commandLine, 'start', '--config', daemon.configFile])
    expect(await second.exited).toMatchObject({ code: 75 })
    expect(second.output).toContain('EADDRINUSE')
  })

  test('is not ready while a domain has no stream, and says which', async () => {
    await using installed = await install()
    const { xmpp, daemon } = installed
    await xmpp.refuseConnections()
    xmpp.dropStreams(virtualDomain)
    const answer = await until('503', async () => {
      const response = await fetch(`${daemon.url}/readyz`)
      return response.status === 503 && ((await response.json()) as { missing: string[] })
    })
    expect(answer.missing).toHaveLength(1)
    expect(answer.missing[0]).toContain(virtualDomain)
    await xmpp.acceptConnections()
    await daemon.ready()
  })

  test('stops reading at max_pending and goes on when there is room, losing no answer', async () => {
    await using installed = await install({ latencyMs: 20, config: { queue: { max_pending: 100 } } })
    const { xmpp, daemon } = installed
    const iqs = Array.from({ length: 1500 }, (_, i) => publish(`f${i}`, virtualDomain, 'n', `device-${i}`))
    const answers = await xmpp.requestAll(virtualDomain, iqs, { timeoutMs: 25_000 })
    expect(answers).toHaveLength(1500)
    const results = answers.filter(({ xml }) => xml.includes("type='result'")).length
    const refused = answers.filter(({ xml }) => xml.includes('<service-unavailable')).length
    expect(results + refused).toBe(1500)
    expect(results).toBeGreaterThanOrEqual(100)
    expect(await daemon.metric('publishes_total', { result: 'rejected_no_room' })).toBe(refused)
    expect(await daemon.metric('pending')).toBe(0)
  })
})
