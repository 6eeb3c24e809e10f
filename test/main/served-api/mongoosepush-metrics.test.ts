import { describe, expect, test } from 'vitest'
import type { AttemptOutcome } from '../../../src/core/outcome.ts'
import type { PoolState } from '../../../src/main/served-api/pool-state.ts'
import { alert, ask, push, run } from './running.ts'

const pools: PoolState[] = [
  { label: 'apns-1', service: 'apns', connected: 1, connections: 4, fault: undefined },
  { label: 'fcm-2', service: 'fcm', connected: 2, connections: 4, fault: undefined },
]

/** Families of MongoosePush 2.3.0 with their types. Its `vm_` ones about Erlang's processes and tables have no like here. */
const captured = [
  'mongoose_push_apns_state_get_default_topic_count counter',
  'mongoose_push_apns_state_init_count counter',
  'mongoose_push_notification_send_time_microsecond histogram',
  'mongoose_push_supervisor_init_count counter',
  'sparrow_h2_worker_conn_success_count counter',
  'sparrow_h2_worker_handle_duration_microsecond histogram',
  'sparrow_h2_worker_init_count counter',
  'sparrow_h2_worker_request_success_count counter',
  'sparrow_pools_warden_pools_gauge gauge',
  'sparrow_pools_warden_workers_gauge gauge',
  'vm_memory_binary gauge',
  'vm_memory_processes gauge',
  'vm_memory_processes_used gauge',
  'vm_memory_total gauge',
]

async function scrape(url: string): Promise<{ text: string; value(series: string): number | undefined }> {
  const { status, headers, body } = await ask(`${url}/metrics`, {
    headers: { accept: 'application/openmetrics-text;version=1.0.0' },
  })
  expect(status).toBe(200)
  expect(headers['content-type']).toMatch(/^text\/plain/)
  return {
    text: body,
    value(series) {
      const line = body.split('\n').find((shown) => shown.startsWith(`${series} `))
      return line === undefined ? undefined : Number(line.slice(series.length + 1))
    },
  }
}

function series(part: string, category: string, reason: string, service: string): string {
  const status = category === '' ? 'success' : 'error'
  return `mongoose_push_notification_send_time_microsecond_${part}{error_category="${category}",error_reason="${reason}",service="${service}",status="${status}"}`
}

describe('GET /metrics', () => {
  test("has MongoosePush's metrics beside ours, as Prometheus's text whatever is asked for", async () => {
    const { url } = await run({ ports: { pools: () => pools } })
    const { text, value } = await scrape(url)
    const types = [...text.matchAll(/^# TYPE (.*)$/gm)].map(([, type]) => type)
    expect(types).toEqual(expect.arrayContaining(captured))
    expect(new Set(types).size).toBe(types.length)
    expect(types).toContain('xmpp_pushd_served_requests_total counter')
    expect(value('sparrow_pools_warden_pools_gauge')).toBe(2)
    expect(value('sparrow_pools_warden_workers_gauge{pool="apns-1"}')).toBe(4)
    expect(value('mongoose_push_supervisor_init_count{service="fcm"}')).toBe(1)
  })

  test.each<[AttemptOutcome, string, string]>([
    [{ kind: 'delivered' }, '', ''],
    [{ kind: 'dead_device', reason: 'Unregistered' }, 'unregistered', 'Unregistered'],
    [{ kind: 'operator_fault', reason: 'InvalidProviderToken' }, 'auth', 'InvalidProviderToken'],
    [{ kind: 'operator_fault', reason: 'no_matching_pool' }, 'generic', 'no_matching_pool'],
    [{ kind: 'invalid', reason: 'BadPriority' }, 'internal_config', 'BadPriority'],
    [{ kind: 'invalid', reason: 'SomethingNew' }, 'generic', 'SomethingNew'],
    [{ kind: 'invalid', reason: 'UNSPECIFIED' }, 'unspecified', 'UNSPECIFIED'],
  ])('times a push that came to %j', async (outcome, category, reason) => {
    const { url } = await run({ ports: { pools: () => pools }, outcome: () => outcome })
    await push(url)
    await push(url, '/v2/notification/d')
    const { text, value } = await scrape(url)
    expect(value(series('count', category, reason, 'apns'))).toBe(2)
    expect(value(series('sum', category, reason, 'apns'))).toBeGreaterThan(0)
    const buckets = [...text.matchAll(/^mongoose_push_\w+_bucket\{.*le="([^"]+)"\} (\d+)$/gm)]
    expect(buckets.map(([, le]) => le)).toEqual([
      '1000',
      '10000',
      '25000',
      '50000',
      '100000',
      '250000',
      '500000',
      '1000000',
      '+Inf',
    ])
    expect(buckets.at(-1)?.[2]).toBe('2')
  })

  test('counts no more words of providers than a few hundred', async () => {
    let count = 0
    const { url } = await run({ outcome: () => ({ kind: 'invalid', reason: `Word${count++}` }) })
    await Promise.all(Array.from({ length: 250 }, () => push(url)))
    const { text, value } = await scrape(url)
    expect(text.match(/^mongoose_push_notification_send_time_microsecond_count/gm)?.length).toBe(201)
    expect(value(series('count', 'generic', 'other', 'apns'))).toBe(50)
  })

  test('counts pushes to APNs that named no topic', async () => {
    const { url } = await run()
    await push(url)
    await push(url, undefined, { ...alert, topic: 'com.example' })
    await push(url, undefined, { ...alert, service: 'fcm' })
    expect((await scrape(url)).value('mongoose_push_apns_state_get_default_topic_count')).toBe(1)
  })

  test("takes requests to providers from our own metrics, and leaves out those of other gateways'", async () => {
    const { url, metrics } = await run({ ports: { pools: () => pools } })
    metrics.gatewayRequests.child('apns-1', '200').add(3)
    metrics.gatewayRequests.child('fcm-2', '404').add(2)
    metrics.gatewayRequests.child('fcm-2', 'connect_error').add(4)
    metrics.gatewayRequests.child('fcm-2', 'timeout').add(1)
    metrics.gatewayRequests.child('localhost:8443/apns', '200').add(100)
    metrics.gatewayRequestDuration.child('apns-1').observe(0.02)
    metrics.gatewayRequestDuration.child('fcm-2').observe(0.2)
    metrics.gatewayRequestDuration.child('localhost:8443/apns').observe(0.2)
    const { value } = await scrape(url)
    expect(value('sparrow_h2_worker_request_success_count')).toBe(5)
    expect(value('sparrow_h2_worker_request_error_count')).toBe(5)
    expect(value('sparrow_h2_worker_conn_fail_count')).toBe(4)
    expect(value('sparrow_h2_worker_handle_duration_microsecond_bucket{le="25000"}')).toBe(1)
    expect(value('sparrow_h2_worker_handle_duration_microsecond_bucket{le="+Inf"}')).toBe(2)
    expect(value('sparrow_h2_worker_handle_duration_microsecond_count')).toBe(2)
    expect(value('sparrow_h2_worker_handle_duration_microsecond_sum')).toBe(220_000)
  })

  test('shows open connections as those that were opened less those that were lost', async () => {
    let connected = 3
    const one = pools.slice(0, 1).map((pool) => ({ ...pool }))
    const { url } = await run({ ports: { pools: () => one.map((pool) => ({ ...pool, connected })) } })
    const open = async () => {
      const { value } = await scrape(url)
      return [value('sparrow_h2_worker_conn_success_count'), value('sparrow_h2_worker_conn_lost_count')]
    }
    expect(await open()).toEqual([3, 0])
    connected = 1
    expect(await open()).toEqual([3, 2])
    connected = 4
    expect(await open()).toEqual([6, 2])
  })
})
