import { describe, expect, test } from 'vitest'
import { servedDomain } from '../../../src/core/gateway/served-domain.ts'
import type { AttemptOutcome } from '../../../src/core/outcome.ts'
import { StoreError } from '../../../src/main/store/store-error.ts'
import { alert, ask, metric, push, run } from './running.ts'

describe('a push', () => {
  test.each(['v1', 'v2', 'v3'])(
    'of %s is submitted once, and answered with what became of it',
    async (version) => {
      const { url, submitted } = await run()
      const body = version === 'v1' ? { service: 'apns', title: 'T', body: 'B' } : alert
      expect(await push(url, `/${version}/notification/dev%2F1`, body)).toMatchObject({
        status: 200,
        headers: { 'content-type': 'application/json; charset=utf-8', 'content-length': '4' },
        body: 'null',
      })
      expect(submitted).toMatchObject([
        {
          domain: servedDomain,
          node: '',
          device: { service: 'apns', id: 'dev/1' },
          content: { title: 'T', body: 'B' },
        },
      ])
    },
  )

  test('is taken as MongooseIM sends it: numbers and truth values as texts, and no header but the type', async () => {
    const { url, submitted } = await run()
    const body =
      '{"topic":"com.t","time_to_live":"3600","priority":"high","mutable_content":"true","mode":"dev",' +
      '"service":"apns","alert":{"sound":"default.wav","click_action":"ca","title":"bob@localhost",' +
      '"tag":"bob@localhost","body":"hello apns","badge":1}}'
    expect(await push(url, '/v3/notification/tok:apns', body)).toMatchObject({ status: 200 })
    expect(submitted).toMatchObject([
      { device: { mode: 'dev', id: 'tok:apns' }, timeToLiveS: 3600, mutableContent: true, priority: 'high' },
    ])
  })

  test('that the provider wants to have later is answered with when', async () => {
    const outcome: AttemptOutcome = {
      kind: 'retry',
      cause: 'throttled',
      reason: 'TooManyRequests',
      retryAfterMs: 6_500,
      known: true,
    }
    const { url } = await run({ outcome: () => outcome })
    expect(await push(url)).toMatchObject({
      status: 429,
      headers: { 'retry-after': '7' },
      body: '{"reason":"too_many_requests"}',
    })
  })

  test.each([
    ['v3', 429, '{"reason":"too_many_requests"}'],
    ['v2', 500, '{"details":"too_many_requests"}'],
  ])('for which there is no room is to come again: %s', async (version, status, body) => {
    const { url } = await run({ ports: { submitOnce: () => false } })
    expect(await push(url, `/${version}/notification/d`)).toMatchObject({
      status,
      body,
      headers: { 'retry-after': '1' },
    })
  })

  test.each([
    ['what is no JSON', 400, '/v3/notification/d', '{', '{"reason":"invalid_json"}'],
    [
      'a field that there is not',
      422,
      '/v3/notification/d',
      '{"service":"apns","alert":{"title":"T","body":"B"},"x":1}',
      '{"errors":[{"message":"Unexpected field: x","source":{"pointer":"/x"},"title":"Invalid value"}]}',
    ],
    ['a path that there is not', 404, '/v3/notification/a/b', '{}', '{"reason":"not_found"}'],
    ['one of v1', 404, '/v1/notification', '{}', '{"reason":"not_found"}'],
  ])('that is %s is refused', async (_what, status, path, body, answer) => {
    const { url, submitted } = await run()
    expect(await push(url, path, body)).toMatchObject({ status, body: answer })
    expect(submitted).toEqual([])
  })

  test('that cannot be handled for a fault of ours is a 500, and in the log', async () => {
    const { url, log } = await run({
      ports: {
        submitOnce() {
          throw new Error('broken')
        },
      },
    })
    expect(await push(url)).toMatchObject({ status: 500, body: 'null' })
    expect(log.join()).toContain('a request to the served API failed')
  })
})

describe('a push that nobody waits for (wait=false)', () => {
  test('is stored, and then answered 202', async () => {
    const onDisk = Promise.withResolvers<void>()
    let isStored = false
    const { url, submitted } = await run({
      ports: {
        revive() {
          void onDisk.promise.then(() => {
            isStored = true
          })
          setImmediate(onDisk.resolve)
          return onDisk.promise
        },
      },
    })
    expect(await push(url, '/v3/notification/d?wait=false')).toMatchObject({ status: 202, body: 'null' })
    expect(isStored).toBe(true)
    expect(submitted).toEqual([])
  })

  test('is refused when there is no room for it', async () => {
    const { url } = await run({ ports: { revive: () => undefined } })
    expect(await push(url, '/v3/notification/d?wait=false')).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
    })
  })

  test('is refused when the disk fails', async () => {
    const error = new StoreError('no-space', 'no space left')
    const { url, log } = await run({ ports: { revive: () => Promise.reject(error) } })
    expect(await push(url, '/v3/notification/d?wait=false')).toMatchObject({
      status: 503,
      body: '{"reason":"service_internal"}',
      headers: { 'retry-after': '1' },
    })
    expect(log.join()).toContain('cannot store a push of the served API')
  })

  test('is refused when no pool is for it', async () => {
    const { url, stored } = await run({ ports: { hasPool: () => false } })
    expect(await push(url, '/v3/notification/d?wait=false')).toMatchObject({
      status: 400,
      body: '{"reason":"no_matching_pool"}',
    })
    expect(stored).toEqual([])
  })

  test('is sent at once when its time to live is 0, which cannot be stored', async () => {
    const { url, submitted, stored } = await run()
    const body = { ...alert, time_to_live: 0 }
    expect(await push(url, '/v3/notification/d?wait=false', body)).toMatchObject({ status: 202 })
    expect(submitted).toHaveLength(1)
    expect(stored).toEqual([])
  })
})

describe('what the API shows', () => {
  const pool = {
    label: 'apns prod',
    service: 'apns',
    connected: 2,
    connections: 4,
    fault: undefined,
  } as const
  const broken = { ...pool, label: 'fcm', service: 'fcm', connected: 0, fault: 'no access token' } as const

  test('is its health, in the shape of MongoosePush', async () => {
    const { url } = await run({ ports: { pools: () => [pool] } })
    const { status, headers, body } = await ask(`${url}/healthcheck`)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(JSON.parse(body)).toEqual({
      checks: {
        'pool:apns prod': [
          { output: { connected: 2, disconnected: 0 }, status: 'pass', time: '2023-11-14T22:13:20.000Z' },
        ],
      },
      description: 'Health of the connections to FCM and APNs',
      status: 'pass',
      version: '1.2.3',
    })
  })

  test.each([
    ['warn', 200, [pool, broken]],
    ['fail', 503, [broken, broken]],
  ])('is %s when pools cannot work, with status %d', async (word, status, pools) => {
    const { url } = await run({ ports: { pools: () => pools } })
    const answer = await ask(`${url}/healthcheck`)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject({
      status: word,
      checks: {
        'pool:fcm': [{ status: 'fail', output: { connected: 0, disconnected: 4, fault: 'no access token' } }],
      },
    })
  })

  test('has no body for a HEAD, and is not judged by Accept', async () => {
    const { url } = await run()
    expect(await ask(`${url}/healthcheck`, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    expect(await ask(`${url}/healthcheck`, { headers: { accept: 'text/html' } })).toMatchObject({
      status: 200,
    })
  })

  test.each(['/healthcheck', '/metrics', '/swagger.json'])('cannot be posted to: %s', async (path) => {
    const { url } = await run()
    expect(await ask(url + path, { method: 'POST' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    })
  })
})

test('requests are counted by route and status, and timed by version', async () => {
  const { url, metrics } = await run()
  await push(url)
  await push(url, '/v2/notification/d', '{')
  await ask(`${url}/nothing`)
  await ask(`${url}/healthcheck`)
  expect(await metric(metrics, 'served_requests_total{route="v3",status="200"}')).toBe('1')
  expect(await metric(metrics, 'served_requests_total{route="v2",status="400"}')).toBe('1')
  expect(await metric(metrics, 'served_requests_total{route="other",status="404"}')).toBe('1')
  expect(await metric(metrics, 'served_requests_total{route="other",status="200"}')).toBe('1')
  expect(await metric(metrics, 'served_request_duration_seconds_count{version="v3"}')).toBe('1')
  expect(await metric(metrics, 'served_request_duration_seconds_count{version="v2"}')).toBe('1')
})
