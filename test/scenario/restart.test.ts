// It is over 300 lines: what a planned restart keeps, in one place.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { ScriptedServer } from '../main/xmpp/scripted-server.ts'
import { startDaemon } from '../support/daemon.ts'
import { freePort } from '../support/free-port.ts'
import { snippet } from '../support/pages.ts'
import { Shell } from '../support/shell.ts'
import { until } from '../support/until.ts'
import { fullDomain, install, secret, virtualDomain } from './installation.ts'
import { components, configure, get, Load, Poll, publish, pushesOf, send } from './restarting.ts'
import { ServedInstallation } from './served-installation.ts'

describe('a planned restart', () => {
  test('keeps every connection, and under load loses no push and sends none twice', async () => {
    await using installed = await install({ latencyMs: 20 })
    const { xmpp, daemon, gateway } = installed
    const first = daemon.pid
    const load = new Load(installed, 10)
    for (let round = 0; round < 2; round++) {
      const before = daemon.pid
      const sent = gateway.total
      await until('pushes', () => gateway.total > sent + 20)
      const restarted = await daemon.restart()
      expect(restarted).toMatchObject({ code: 0 })
      expect(restarted.output).toContain(`process ${daemon.pid} (version`)
      expect(daemon.pid).not.toBe(before)
    }
    const then = gateway.total
    await until('more pushes', () => gateway.total > then + 20)
    expect(await load.stop()).toEqual([])

    expect(pushesOf(installed)).toEqual(new Map(load.devices.map((device) => [device, 1])))
    expect(xmpp.closed).toEqual([])
    expect([xmpp.openedCount(virtualDomain), xmpp.openedCount(fullDomain)]).toEqual([2, 2])
    expect(await daemon.metric('component_reconnects_total')).toBe(0)
    expect(await daemon.stop()).toBe(0)
    expect(daemon.log.filter(({ msg }) => msg === 'handed over')).toHaveLength(2)
    expect(daemon.log.at(-1)).toMatchObject({ msg: 'stopped' })
    expect(daemon.pid).not.toBe(first)
  })

  test('is asked for by SIGUSR2, too', async () => {
    await using installed = await install()
    const { daemon, xmpp } = installed
    daemon.signal('SIGUSR2')
    await until('it', () => daemon.log.some(({ msg }) => msg === 'handed over'))
    daemon.followSuccessor()
    await daemon.ready()
    expect(xmpp.closed).toEqual([])
  })

  test('refuses no HTTP connection', async () => {
    await using installed = await install({ latencyMs: 5 })
    const { daemon } = installed
    const body = {
      host: virtualDomain,
      node: 'n',
      options: { service: 'fcm', device_id: 'by-http' },
      summary: { 'last-message-body': 'x' },
    }
    const health = new Poll(() => get(daemon, '/healthz'))
    const publishes = new Poll(() => send(daemon, 'POST', '/v1/publish', body))
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    const seen = publishes.answered
    await until('answers of the successor', () => publishes.answered > seen + 5)
    expect(await health.stop()).toEqual([])
    expect(await publishes.stop()).toEqual([])
  })

  test('goes on listening on the same unix socket', async () => {
    const path = join('/tmp', `pushd-restart-${process.pid}.sock`)
    await using installed = await install()
    const { daemon } = installed
    const old = daemon.url
    configure(installed, { http: { listen: `unix:${path}` } })
    await daemon.stop()
    await daemon.start('started')
    const health = new Poll(() => get(daemon, '/healthz', path))
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    const seen = health.answered
    await until('answers of the successor', () => health.answered > seen + 5)
    expect(await health.stop()).toEqual([])
    expect(old).toBe(daemon.url)
    await daemon.stop()
    expect(existsSync(path)).toBe(false)
  })

  test('keeps streams over a unix socket', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'pushd-unix-'))
    const unixPath = join(dir, 'component.sock')
    await using xmpp = await startXmppSandbox({ domains: { [fullDomain]: secret }, unixPath })
    await using daemon = await startDaemon({
      component: [{ domain: fullDomain, server: `unix:${unixPath}`, secret }],
      mongoosepush: { url: 'http://127.0.0.1:9' },
    })
    await xmpp.waitForStreams(fullDomain, 2)
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    await daemon.ready()
    expect(xmpp.closed).toEqual([])
    expect(xmpp.openedCount(fullDomain)).toBe(2)
    rmSync(dir, { recursive: true })
  })

  test('refuses no connection to gateway.listen, and answers what is under way there', async () => {
    await using installation = await ServedInstallation.start()
    const { daemon, apnsDev } = installation
    const ask = async (device: string) => {
      const client = installation.http1()
      const body = JSON.stringify({ service: 'apns', mode: 'dev', alert: { title: 'T', body: 'B' } })
      const headers = { 'content-type': 'application/json' }
      const path = `/v3/notification/${device}`
      const { status } = await client.ask({ method: 'POST', path, headers, body })
      await client.close()
      return status
    }
    installation.answerWith(({ deviceId }) => ({ status: 200, delayMs: deviceId === 'slow' ? 500 : 5 }))
    let asked = 0
    const pushes = new Poll(() => ask(`device-${asked++}`))
    await until('pushes', () => apnsDev.requests.length > 5)
    const slow = ask('slow')
    await until('the slow one', () => apnsDev.requests.some(({ deviceId }) => deviceId === 'slow'))
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    const seen = pushes.answered
    await until('answers of the successor', () => pushes.answered > seen + 5)
    expect(await pushes.stop()).toEqual([])
    expect(await slow).toBe(200)
    expect(apnsDev.requests.filter(({ deviceId }) => deviceId === 'slow')).toHaveLength(1)
  })

  test('stores what the gateway has not answered in time, and counts that it is sent again', async () => {
    const patient = { mongoosepush: { request_timeout_ms: 30_000 }, push: { reply_deadline_ms: 30_000 } }
    await using installed = await install({ config: { handover_ms: 100, ...patient } })
    const { daemon, xmpp, gateway } = installed
    const answer = xmpp.request(virtualDomain, publish('h', 'hang-1'))
    await gateway.next(1)
    gateway.answerWith(() => ({ status: 200 }))
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    expect((await answer).xml).toContain("type='result'")
    await until('it is sent again', () => gateway.total === 2)
    expect(gateway.requests.map(({ deviceId }) => deviceId)).toEqual(['hang-1', 'hang-1'])
    await until('its count', async () => (await daemon.metric('retries_total', { cause: 'handover' })) === 1)
    await until('its end', async () => (await daemon.metric('stored')) === 0)
  })

  test('leaves nothing unsent to a server that is slow to read, and sends nothing twice', async () => {
    await using server = await ScriptedServer.listen()
    await using daemon = await startDaemon(
      {
        component: [
          {
            domain: 'push.chat.test',
            server: `127.0.0.1:${server.port}`,
            secret: 'pushsecret',
            connections: 1,
          },
        ],
        mongoosepush: { url: 'http://127.0.0.1:9' },
      },
      'alive',
    )
    const peer = await server.accept()
    await daemon.ready()
    peer.socket.pause()
    const count = 40_000
    const ids = Array.from({ length: count }, (_, i) => `q${i}`)
    // Each is answered with an error of its own.
    const asked = (id: string) =>
      `<iq type='get' id='${id}' from='chat.test' to='push.chat.test'><x xmlns='urn:x'/></iq>`
    peer.send(ids.map(asked).join(''))
    const answered = async () => (await daemon.metric('stanzas_total', { kind: 'iq' })) >= count
    await until('all of them to be answered', answered, 30_000)
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    peer.text = ''
    peer.socket.resume()
    peer.send(asked('last'))
    let text = ''
    peer.socket.on('data', (more: string) => {
      text += more
    })
    await until('the last answer', () => text.includes("id='last'"), 30_000)
    const answers = [...text.matchAll(/<iq [^>]*id='(q\d+)'/g)].map(([, id]) => id)
    expect(answers).toEqual(ids)
    expect(server.peers).toHaveLength(1)
  })

  test.each([
    { secondStream: 'balance', wasAlways: 'up' },
    { secondStream: 'conflict', wasAlways: 'away for a moment' },
  ] as const)(
    'opens streams over TLS anew, before it closes the old ones where the server lets it: $secondStream',
    async ({ secondStream, wasAlways }) => {
      const read = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8')
      const tls = { cert: read('server.pem'), key: read('server.key.pem') }
      let least = Number.POSITIVE_INFINITY
      await using xmpp = await startXmppSandbox({
        domains: { [fullDomain]: secret },
        tls,
        secondStream,
        onStreamTag: () => {
          least = Math.min(least, xmpp.streamCount(fullDomain))
        },
      })
      const server = `127.0.0.1:${xmpp.port}`
      await using daemon = await startDaemon({
        component: [{ domain: fullDomain, server, secret, tls: true, tls_verify: false }],
        mongoosepush: { url: 'http://127.0.0.1:9' },
      })
      const isBalanced = secondStream === 'balance'
      const streams = isBalanced ? 2 : 1
      await xmpp.waitForStreams(fullDomain, streams)
      least = Number.POSITIVE_INFINITY
      expect(await daemon.restart()).toMatchObject({ code: 0 })
      await until('the new ones', () => xmpp.openedCount(fullDomain) === 2 * streams)
      await daemon.ready()
      await xmpp.waitForStreams(fullDomain, streams)
      expect(xmpp.closed.map(({ reason }) => reason)).toEqual(Array(streams).fill('ended'))
      expect(least === 0 ? 'away for a moment' : 'up').toBe(wasAlways)
      const said = daemon.log.map(({ msg, reason }) => [msg, reason])
      const replaced = ['streams over TLS were opened anew: the old ones are closed', undefined]
      const closed = [
        'a stream is not handed over: it is closed',
        'it is over TLS, whose state is in this process',
      ]
      expect(said).toContainEqual(isBalanced ? replaced : closed)
      expect(said).not.toContainEqual(isBalanced ? closed : replaced)
    },
  )

  test('opens a stream anew that stays within a stanza, and keeps the others', async () => {
    await using installed = await install({ config: { handover_ms: 200 } })
    const { daemon, xmpp } = installed
    xmpp.send(virtualDomain, `${publish('whole', 'device')}<iq`, 0)
    await until('the bytes', () => installed.gateway.total === 1)
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    await until('a new one', () => xmpp.openedCount(virtualDomain) === 3)
    expect(xmpp.closed).toMatchObject([{ domain: virtualDomain, stream: 0, reason: 'ended' }])
    const line = daemon.log.find(({ msg }) => String(msg).startsWith('a stream is not handed over'))
    expect(line).toMatchObject({
      domain: virtualDomain,
      stream: 0,
      reason: 'it is within a stanza, or being lost',
    })
  })
})

test('the commands of docs/operations.md restart the daemon, and say so', async () => {
  await using installed = await install()
  const { daemon, xmpp } = installed
  const before = daemon.pid
  const dir = mkdtempSync(join(tmpdir(), 'pushd-shell-'))
  const shell = new Shell(dir)
  shell.env.XMPP_PUSHD_CONFIG = daemon.configFile
  const said = shell.run(snippet('docs/operations.md', 'restart'))
  expect(said).toMatch(new RegExp(`process \\d+ \\(version .*\\) has taken over from ${before}`))
  await until('its log', () => daemon.log.some(({ msg }) => msg === 'handed over'))
  expect(xmpp.closed).toEqual([])
  rmSync(dir, { recursive: true })
})

describe('the configuration of the successor', () => {
  test('has a domain less and another more: the streams of the one end properly, the other connects', async () => {
    await using installed = await install({ others: ['new.chat.test'] })
    const { daemon, xmpp } = installed
    const [full, virtual] = components(installed)
    const { server } = full!
    configure(installed, { component: [virtual, { domain: 'new.chat.test', server, secret }] })
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    await xmpp.waitForStreams('new.chat.test', 2)
    await until('the end', () => xmpp.closed.length === 2)
    expect(xmpp.closed.map(({ domain, reason }) => [domain, reason])).toEqual([
      [fullDomain, 'ended'],
      [fullDomain, 'ended'],
    ])
    expect(xmpp.openedCount(virtualDomain)).toBe(2)
  })

  test('has another number of connections: as many are closed, or opened', async () => {
    await using installed = await install()
    const { daemon, xmpp } = installed
    const [full, virtual] = components(installed)
    configure(installed, {
      component: [
        { ...full, connections: 1 },
        { ...virtual, connections: 3 },
      ],
    })
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    await xmpp.waitForStreams(virtualDomain, 3)
    await until('the end', () => xmpp.streamCount(fullDomain) === 1)
    expect(xmpp.closed).toMatchObject([{ domain: fullDomain, reason: 'ended' }])
    expect([xmpp.openedCount(fullDomain), xmpp.openedCount(virtualDomain)]).toEqual([2, 3])
  })

  test('has another server for a domain: its streams end here, and open there', async () => {
    await using installed = await install()
    const { daemon, xmpp } = installed
    const other = await startXmppSandbox({ domains: { [virtualDomain]: secret } })
    const [full, virtual] = components(installed)
    const [hosts, there] = [['chat.test'], ['there.test']]
    configure(installed, {
      component: [
        { ...full, hosts },
        { ...virtual, server: `127.0.0.1:${other.port}`, hosts: there },
      ],
      push: { served_hosts: ['chat.test', 'there.test'], virtual_pubsub_hosts: [virtualDomain] },
    })
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    await other.waitForStreams(virtualDomain, 2)
    await until('the end', () => xmpp.streamCount(virtualDomain) === 0)
    expect(xmpp.openedCount(fullDomain)).toBe(2)
    expect(xmpp.streamCount(fullDomain)).toBe(2)
    await daemon.stop()
    await other.close()
  })

  test('has another HTTP address and data directory: they are the new ones from then on', async () => {
    await using installed = await install()
    const { daemon, xmpp } = installed
    const port = await freePort()
    configure(installed, { http: { listen: `127.0.0.1:${port}` }, data_dir: join(daemon.dir, 'other') })
    daemon.signal('SIGUSR2')
    await until('it', () => daemon.log.some(({ msg }) => msg === 'handed over'))
    daemon.followSuccessor()
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
    await expect(fetch(`${daemon.url}/readyz`)).rejects.toThrow()
    expect(existsSync(join(daemon.dir, 'other', 'store.mdb'))).toBe(true)
    expect(xmpp.closed).toEqual([])
  })
})
