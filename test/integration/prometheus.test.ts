import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { type Installation, install, virtualDomain } from '../scenario/installation.ts'
import { dashboardQueries, readDashboard, selectingAll } from '../support/dashboard.ts'
import { freePort } from '../support/free-port.ts'
import { lacks } from '../support/installed.ts'
import { pageText, snippet } from '../support/pages.ts'
import { Prometheus } from '../support/prometheus.ts'
import { Providers } from '../support/providers.ts'
import { until } from '../support/until.ts'

const monitoring = new URL('../../monitoring/', import.meta.url).pathname

function promtool(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: monitoring, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

describe.skipIf(lacks('promtool'))('the files for Prometheus', () => {
  test.each([
    ['check', 'config', 'prometheus.yml'],
    ['check', 'rules', '--lint=all', '--lint-fatal', 'xmpp-pushd.rules.yml'],
    ['test', 'rules', 'xmpp-pushd.rules.test.yml'],
  ])('pass promtool %s %s', (...args) => {
    expect(promtool(...args)).toMatchObject({ status: 0 })
  })
})

describe.skipIf(lacks('promtool'))('the commands of docs/metrics.md', () => {
  let dir: string
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'monitoring-'))
    cpSync(monitoring, dir, { recursive: true })
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  function run(command: string): number | null {
    return spawnSync('sh', ['-ec', command], { cwd: dir, stdio: 'ignore' }).status
  }

  test('check the files', () => {
    const commands = snippet('docs/metrics.md', 'promtool')
    expect(commands).toContain('promtool')
    expect(run(commands)).toBe(0)
  })

  test('make links of the runbooks, and leave the rules sound', () => {
    const [, command = ''] = /`(sed -i [^`]+)`/.exec(pageText('docs/metrics.md')) ?? []
    expect(run(command)).toBe(0)
    const urls = [
      ...readFileSync(join(dir, 'xmpp-pushd.rules.yml'), 'utf8').matchAll(/^ +runbook_url: (.*)$/gm),
    ]
    expect(urls.length).toBeGreaterThan(20)
    for (const [, url = ''] of urls)
      expect(url).toMatch(/^https:\/\/wiki\.example\/\S+\/docs\/operations\.md#/)
    expect(run('promtool check rules xmpp-pushd.rules.yml')).toBe(0)
  })
})

describe.skipIf(lacks('prometheus'))('a Prometheus set up with them', () => {
  let installed: Installation
  let providers: Providers
  let prometheus: Prometheus
  let seriesAtStart: Set<string>
  let served: string

  beforeAll(async () => {
    // A virtual host without a component: it is served over HTTP alone.
    providers = await Providers.start()
    providers.putCertificate('cert')
    served = `127.0.0.1:${await freePort()}`
    installed = await install({
      config: {
        push: { virtual_pubsub_hosts: ['virtual.@HOST@', 'http.@HOST@'] },
        gateway: { listen: served, apns: [providers.certificateTable('cert')] },
      },
    })
    seriesAtStart = await series()
    prometheus = await Prometheus.start(new URL(installed.daemon.url).host)
    // Rates are of what changes between two scrapes.
    await until('the first scrape', async () => (await prometheus.query('xmpp_pushd_build_info')).length > 0)
    await publishEachKind()
    const seen = `xmpp_pushd_publishes_total{domain="${virtualDomain}", result="delivered"} > 0`
    await until('the publishes to be seen', async () => (await prometheus.query(seen)).length > 0)
    const recorded = 'instance_domain:xmpp_pushd_publish_duration_seconds:p99_5m > 0'
    await until('the recording rules', async () => (await prometheus.query(recorded)).length > 0)
  })
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]()
    await installed?.[Symbol.asyncDispose]()
    await providers?.[Symbol.asyncDispose]()
  })

  /** The daemon's own series, without those that exist only once they are met. */
  async function series(): Promise<Set<string>> {
    const text = await (await fetch(`${installed.daemon.url}/metrics`)).text()
    const own = text.split('\n').filter((line) => /^xmpp_pushd_(?!http_requests)/.test(line))
    return new Set(own.map((line) => line.slice(0, line.lastIndexOf(' '))))
  }

  async function publishEachKind(): Promise<void> {
    const kinds = ['ok', 'gone', 'bad', 'config', 'large', 'nopool', 'throttled']
    const iqs = ['apns', 'fcm'].flatMap((service) =>
      kinds.map((kind) =>
        publishIq({
          id: `${service}-${kind}`,
          from: 'chat.test',
          to: virtualDomain,
          node: 'n',
          options: { service, device_id: `${kind}-${service}` },
          summary: summaryOf('juliet@chat.test', 'O Romeo'),
        }),
      ),
    )
    const answered = installed.xmpp.requestAll(virtualDomain, iqs)
    // What is throttled would be so until the reply deadline.
    await installed.gateway.next(iqs.length)
    installed.gateway.answerWith(({ deviceId }) =>
      deviceId.startsWith('throttled') ? { status: 200, body: null } : undefined,
    )
    await answered
    await fetch(`http://${served}/v3/notification/ok-apns`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ service: 'apns', alert: { title: 'T', body: 'B' } }),
    })
  }

  test('scrapes the daemon', async () => {
    expect(await prometheus.targets()).toMatchObject([
      { health: 'up', lastError: '', labels: { job: 'xmpp-pushd' } },
    ])
  })

  test('meets no series that did not exist from the start', async () => {
    const appeared = [...(await series())].filter((name) => !seriesAtStart.has(name))
    expect(appeared).toEqual([])
  })

  test('sees each gateway with each service, each pool of a provider, and no other', async () => {
    const { host } = new URL(installed.gateway.url)
    const ofServices = ['apns', 'fcm', 'other'].map((service) => `${host}/${service}`)
    for (const name of ['requests_total', 'request_duration_seconds_count', 'inflight', 'circuit_state']) {
      const found = await prometheus.query(`count by (pool) (xmpp_pushd_gateway_${name})`)
      expect(found.map(({ metric }) => metric.pool).sort()).toEqual([...ofServices, 'apns-prod'])
    }
    const connections = await prometheus.query('xmpp_pushd_gateway_connections')
    expect(connections.map(({ metric }) => metric.pool).sort()).toEqual([host, 'apns-prod'])
  })

  test('counts streams for the domains that have some, and publishes for all', async () => {
    const domainsOf = async (metric: string) => {
      const found = await prometheus.query(`count by (domain) (xmpp_pushd_${metric})`)
      return found.map(({ metric: { domain } }) => domain).sort()
    }
    expect(await domainsOf('component_connected')).toEqual(['pubsub.chat.test', 'virtual.chat.test'])
    expect(await domainsOf('component_streams')).toEqual(['pubsub.chat.test', 'virtual.chat.test'])
    expect(await domainsOf('publishes_total')).toContain('http.chat.test')
    expect(await prometheus.query('sum(xmpp_pushd_component_streams{state="up"})')).toMatchObject([
      { value: 4 },
    ])
  })

  test('evaluates every rule, and no alert fires', async () => {
    const rules = await prometheus.rules()
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
    expect(rules.filter(({ state }) => state === 'firing')).toEqual([])
  })

  const dashboard = readDashboard()
  test.each(dashboardQueries(dashboard))(
    'has data for the dashboard: $where: $expr',
    async ({ expr, where }) => {
      const asked = selectingAll(expr, '1m')
      // An annotation marks what has happened: that it can be asked is all there is to know.
      if (where === 'an annotation') await prometheus.query(asked)
      else
        await until(
          asked,
          async () => (await prometheus.query(asked)).some(({ value }) => !Number.isNaN(value)),
          5_000,
        )
    },
  )

  test.each(dashboard.templating.list.filter(({ definition }) => definition !== undefined))(
    'has values for the dashboard variable $name',
    async ({ definition = '' }) => {
      const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? []
      const found = await prometheus.query(`count by (${label}) (${selectingAll(selector, '1m')})`)
      expect(found.map(({ metric }) => metric[label])).not.toContain(undefined)
      expect(found).not.toEqual([])
    },
  )

  test('raises an alert when a domain has lost its streams', async () => {
    const { xmpp } = installed
    await xmpp.refuseConnections()
    xmpp.dropStreams(virtualDomain)
    const alert = await until('the alert', async () => {
      const rules = await prometheus.rules()
      return rules.find(({ name, state }) => name === 'XmppPushdNoStream' && state === 'pending')
    })
    expect(alert.labels).toEqual({ severity: 'critical' })
    await xmpp.acceptConnections()
  })
})
