import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { check, get, good, run } from './running.ts'

describe('GET /metrics', () => {
  test('is Prometheus text, or OpenMetrics when asked for', async () => {
    const { url } = await run()
    const plain = await fetch(`${url}/metrics`)
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await plain.text()).toContain('xmpp_pushd_build_info{version="1.2.3"} 1\n')
    const open = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text' } })
    expect(open.headers.get('content-type')).toContain('application/openmetrics-text')
    expect(await open.text()).toMatch(/# EOF\n$/)
  })

  test('counts the requests to this server by route and status', async () => {
    const { url } = await run()
    await get(`${url}/nothing/here`)
    await get(`${url}/readyz`)
    const body = await (await fetch(`${url}/metrics`)).text()
    expect(body).toContain('xmpp_pushd_http_requests_total{route="/readyz",status="200"} 1')
    expect(body).toContain('xmpp_pushd_http_requests_total{route="unknown",status="404"} 1')
  })
})

describe('GET /healthz', () => {
  test('is 200 and health+json while everything passes', async () => {
    const { url } = await run({
      health: () => [
        check({ value: true }),
        check({ component: 'event-loop', measurement: 'delay', value: 3, unit: 'ms' }),
      ],
    })
    const { status, headers, body } = await get(`${url}/healthz`)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toContain('application/health+json')
    expect(body).toEqual({
      status: 'pass',
      version: '1.2.3',
      serviceId: 'xmpp-pushd',
      checks: {
        'store:writable': [{ status: 'pass', observedValue: true, time: '1970-01-01T00:00:00.000Z' }],
        'event-loop:delay': [
          { status: 'pass', observedValue: 3, observedUnit: 'ms', time: '1970-01-01T00:00:00.000Z' },
        ],
      },
    })
  })

  test.each([
    ['warn', 200],
    ['fail', 503],
  ] as const)('with a %s is %i and says which of several', async (worst, expected) => {
    const worker = { component: 'worker', measurement: 'alive' }
    const checks = [
      check({ ...worker, componentId: '0' }),
      check({ ...worker, componentId: '1', status: worst, output: 'hangs' }),
    ]
    const { url } = await run({ health: () => checks })
    const { status, body } = await get(`${url}/healthz`)
    expect(status).toBe(expected)
    expect(body).toMatchObject({
      status: worst,
      checks: {
        'worker:alive': [
          { componentId: '0', status: 'pass' },
          { componentId: '1', status: worst, output: 'hangs' },
        ],
      },
    })
  })
})

describe('GET /readyz', () => {
  test('is 200 when nothing is missing', async () => {
    const { url } = await run()
    expect(await get(`${url}/readyz`)).toMatchObject({ status: 200, body: { ready: true, missing: [] } })
  })

  test('is 503 and names what is missing', async () => {
    const { url } = await run({ notReady: () => ['a.example: wrong secret'] })
    const { status, body } = await get(`${url}/readyz`)
    expect({ status, body }).toEqual({
      status: 503,
      body: { ready: false, missing: ['a.example: wrong secret'] },
    })
  })
})

describe('GET /admin', () => {
  test('lists what there is to see', async () => {
    const { url } = await run()
    const { body } = await get(`${url}/admin`)
    const paths = [
      '/admin/streams',
      '/admin/pools',
      '/admin/queue',
      '/admin/config',
      '/admin/process',
      '/admin/node',
      '/admin/dead-devices',
      '/admin/dead-letters',
      '/admin/dead-letters/retry',
      '/admin/restart',
      '/admin/subscriptions',
      '/admin/subscriptions/disable',
      '/admin/subscriptions/remove',
      '/admin/subscriptions/import',
    ]
    expect(Object.keys(body.routes as object)).toEqual(paths)
  })

  test.each([
    ['/admin/streams', { 'a.example': [] }],
    ['/admin/pools', { gateways: [] }],
    ['/admin/queue', { pending: 0 }],
    [
      '/admin/process',
      { pid: 7, version: '1', config: 'pushd.toml', attempts: 0, under_way: false, failed: null },
    ],
    ['/admin/config', { data_dir: '/x' }],
    ['/admin/node?domain=a.example&node=known', { domain: 'a.example', node: 'known' }],
    ['/admin/dead-letters', { limit: 100, before: null }],
    ['/admin/dead-letters?limit=5&before=abc', { limit: 5, before: 'abc' }],
    ['/admin/dead-devices?service=apns&device_id=a%2Fb%3Fc', { dead: false, service: 'apns', id: 'a/b?c' }],
    [
      '/admin/dead-devices?service=apns&device_id=gone&mode=dev',
      { dead: true, service: 'apns', id: 'gone', mode: 'dev' },
    ],
  ])('%s shows it', async (path, expected) => {
    const { url } = await run()
    const { status, headers, body } = await get(url + path)
    expect({ status, body }).toEqual({ status: 200, body: expected })
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test.each([
    ['/admin/node?domain=a.example&node=unknown', 404, 'node'],
    ['/admin/node?domain=a.example', 400, 'node'],
    ['/admin/node?node=known', 400, 'domain'],
    ['/admin/dead-devices?service=&device_id=x', 400, 'service'],
    ['/admin/dead-letters?limit=0', 400, 'limit'],
    ['/admin/dead-letters?limit=many', 400, 'limit'],
  ])('%s is %i and names %s', async (path, expected, field) => {
    const { url } = await run()
    const { status, body } = await get(url + path)
    expect({ status, body }).toMatchObject({ status: expected, body: { field } })
  })
})

describe('a request for what is not there', () => {
  test.each(['/', '/nothing', '/metrics/', '/v1', '/v1/events', '/v1/events/other', '/%zz'])(
    '%s is 404 or 400 in the same shape',
    async (path) => {
      const { url } = await run()
      const { status, body } = await get(url + path)
      expect(status).toBe(path === '/%zz' ? 400 : 404)
      expect(body).toEqual({ error: expect.any(String), message: expect.any(String) })
    },
  )

  test.each([
    ['POST', '/metrics', 'GET, HEAD'],
    ['PUT', '/v1/publish', 'POST'],
    ['GET', '/v1/publish', 'POST'],
    ['OPTIONS', '/v1/publish', 'POST'],
    ['DELETE', '/admin/node?node=x', 'GET, HEAD'],
    ['PROPFIND', '/healthz', 'GET, HEAD'],
  ])('%s %s is 405 and says what is allowed, whatever the body', async (method, path, allow) => {
    const { url } = await run()
    const body = method === 'GET' ? null : 'text'
    const response = await fetch(url + path, { method, body, headers: good })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe(allow)
    expect(await response.json()).toMatchObject({ error: 'wrong-method' })
  })

  test('HEAD answers as GET without a body', async () => {
    const { url } = await run()
    const response = await fetch(`${url}/readyz`, { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
  })

  test.each([
    ["<?xml version='1.0'?>\r\n\r\n", /^HTTP\/1\.1 400 /],
    [`GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
  ])('that is no HTTP at all (%.20s…) is refused, and the connection ends', async (bytes, expected) => {
    const { url } = await run()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.end(bytes)
    const answer = await text(socket)
    expect(answer).toMatch(expected)
    expect(answer).toContain('"error":"bad-request"')
  })
})
