import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { Metrics, publishResults, serviceLabel } from '../../../src/main/metrics/table.ts'

const promtool = spawnSync('promtool', ['--version']).status === 0

function someMetrics(): Metrics {
  const metrics = new Metrics('1.2.3', ['a.example', 'b.example'], ['gw.example:8443/apns'], 2)
  metrics.gatewayConnections.child('gw.example:8443')
  return metrics
}

async function text(metrics: Metrics): Promise<string> {
  return (await metrics.render(undefined)).body
}

describe('the metrics', () => {
  test.skipIf(!promtool)('are clean for promtool check metrics (needs promtool on the PATH)', async () => {
    const metrics = someMetrics()
    metrics.publishDuration.child('a.example').observe(0.02)
    metrics.httpRequests.child('/metrics', '200').add(1)
    const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], {
      input: await text(metrics),
      encoding: 'utf8',
    })
    expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 })
  })

  test('of known label values exist from the start', async () => {
    const body = await text(someMetrics())
    for (const domain of ['a.example', 'b.example']) {
      for (const result of publishResults) {
        expect(body).toContain(`xmpp_pushd_publishes_total{domain="${domain}",result="${result}"} 0`)
      }
    }
    expect(body).toContain('xmpp_pushd_gateway_requests_total{pool="gw.example:8443/apns",status="410"} 0')
    expect(body).toContain('xmpp_pushd_worker_queue{worker="1"} 0')
    expect(body).toContain('xmpp_pushd_retries_total{cause="throttled"} 0')
    expect(body).toContain('xmpp_pushd_publish_duration_seconds_count{domain="b.example"} 0')
    expect(body).toContain('xmpp_pushd_pending 0')
  })

  test.each([
    ['publishes_total', 'counter', ['domain', 'result']],
    ['publish_duration_seconds', 'histogram', ['domain']],
    ['notifications_total', 'counter', ['service', 'outcome']],
    ['gateway_requests_total', 'counter', ['pool', 'status']],
    ['gateway_request_duration_seconds', 'histogram', ['pool']],
    ['gateway_inflight', 'gauge', ['pool']],
    ['gateway_connections', 'gauge', ['pool']],
    ['gateway_circuit_state', 'gauge', ['pool']],
    ['pending', 'gauge', []],
    ['stored', 'gauge', []],
    ['stored_oldest_age_seconds', 'gauge', []],
    ['retries_total', 'counter', ['cause']],
    ['component_connected', 'gauge', ['domain']],
    ['component_reconnects_total', 'counter', ['domain']],
    ['stanzas_total', 'counter', ['domain', 'kind']],
    ['worker_utilization', 'gauge', ['worker']],
    ['worker_queue', 'gauge', ['worker']],
    ['nodes', 'gauge', []],
    ['subscriptions', 'gauge', []],
    ['dead_devices', 'gauge', []],
    ['registrations_disabled_total', 'counter', ['reason']],
    ['events_total', 'counter', ['source', 'result']],
    ['build_info', 'gauge', ['version']],
  ])('have %s, a %s with the labels %j', async (name, type, labels) => {
    const body = await text(someMetrics())
    expect(body).toContain(`# TYPE xmpp_pushd_${name} ${type}\n`)
    const [, shown = ''] = new RegExp(`^xmpp_pushd_${name}(?:_bucket)?(?:\\{(.*)\\})? `, 'm').exec(body) ?? []
    const names = [...shown.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le')
    expect(names).toEqual(labels)
  })

  test('count what their children count', async () => {
    const metrics = someMetrics()
    const delivered = metrics.publishes.child('a.example', 'delivered')
    delivered.add(1)
    delivered.add(2)
    expect(metrics.publishes.child('a.example', 'delivered')).toBe(delivered)
    expect(await text(metrics)).toContain(
      'xmpp_pushd_publishes_total{domain="a.example",result="delivered"} 3\n',
    )
  })

  test('put a duration into every bucket whose bound it does not pass', async () => {
    const metrics = someMetrics()
    const durations = metrics.publishDuration.child('a.example')
    for (const seconds of [0.001, 0.0011, 31]) durations.observe(seconds)
    const body = await text(metrics)
    const bucket = (le: string) =>
      new RegExp(`_duration_seconds_bucket\\{domain="a.example",le="${le.replace('+', '\\+')}"\\} (.*)`).exec(
        body,
      )?.[1]
    expect(['0.0005', '0.001', '0.0025', '30', '+Inf'].map(bucket)).toEqual(['0', '1', '2', '2', '3'])
    expect(body).toContain('xmpp_pushd_publish_duration_seconds_count{domain="a.example"} 3\n')
    expect(body).toContain(
      `xmpp_pushd_publish_duration_seconds_sum{domain="a.example"} ${0.001 + 0.0011 + 31}\n`,
    )
  })

  test('ask a reader at each scrape', async () => {
    const metrics = someMetrics()
    let pending = 7
    metrics.pending.read(() => pending)
    expect(await text(metrics)).toContain('xmpp_pushd_pending 7\n')
    pending = 8
    expect(await text(metrics)).toContain('xmpp_pushd_pending 8\n')
  })

  test('refuse a wrong number of labels', () => {
    expect(() => someMetrics().publishes.child('a.example')).toThrow('domain, result')
  })

  test('include those of the process and of Node.js, none with a misleading name', async () => {
    const body = await text(someMetrics())
    expect(body).toContain('\nprocess_resident_memory_bytes ')
    expect(body).toContain('\nnodejs_version_info{')
    expect(body).not.toMatch(/# TYPE \w+_total gauge/)
  })

  test('have one service label for whatever a stranger calls a service', () => {
    expect(['apns', 'fcm', 'x"}', ''].map(serviceLabel)).toEqual(['apns', 'fcm', 'other', 'other'])
  })
})

describe('the format of the metrics', () => {
  const openMetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
  const prometheus = 'text/plain; version=0.0.4; charset=utf-8'

  test.each([
    [undefined, prometheus],
    ['*/*', prometheus],
    ['text/plain', prometheus],
    ['application/openmetrics-text', openMetrics],
    ['application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', openMetrics],
    ['application/openmetrics-text;q=0.3,text/plain;q=0.5', prometheus],
    ['application/openmetrics-text;q=0', prometheus],
  ])('for Accept %s is %s', async (accept, contentType) => {
    expect((await someMetrics().render(accept)).contentType).toBe(contentType)
  })

  test('OpenMetrics names the family of a counter without _total, ends with EOF and has no empty lines', async () => {
    const { body } = await someMetrics().render('application/openmetrics-text')
    expect(body).toContain('# TYPE xmpp_pushd_publishes counter\n')
    expect(body).toContain('\nxmpp_pushd_publishes_total{domain="a.example",result="stored"} 0\n')
    expect(body).toMatch(/\n# EOF\n$/)
    expect(body).not.toContain('\n\n')
    expect(body).not.toContain('_total_total')
    const families = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(new Set(families).size).toBe(families.length)
  })

  test('Prometheus text stays the same after OpenMetrics was asked for', async () => {
    const metrics = someMetrics()
    const typesOf = (body: string) => body.split('\n').filter((line) => line.startsWith('# TYPE'))
    const before = typesOf(await text(metrics))
    await metrics.render('application/openmetrics-text')
    expect(typesOf(await text(metrics))).toEqual(before)
    expect(before).toContain('# TYPE process_cpu_seconds_total counter')
  })
})
