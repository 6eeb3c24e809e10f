import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type GatewaySandbox, startGatewaySandbox } from '../../src/sandbox/gateway.ts'

interface Captured {
  name: string
  method: string
  path: string
  headers?: Record<string, string>
  body?: unknown
  status: number
  answer: string
}

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

const captured: Captured[] = JSON.parse(
  readFileSync(new URL('../fixtures/mongoosepush/requests-and-answers.json', import.meta.url), 'utf8'),
)

let gateway: GatewaySandbox
beforeEach(async () => {
  gateway = await startGatewaySandbox()
})
afterEach(() => gateway.close())

/** One request with the path as it is: fetch would tidy it. */
function ask(
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string | Buffer | undefined,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const send = gateway.url.startsWith('https') ? httpsRequest : httpRequest
  const options = { host: '127.0.0.1', port: gateway.port, method, path, headers, rejectUnauthorized: false }
  const request = send(options, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('end', () => {
      const { statusCode = 0, headers } = response
      resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString() })
    })
  })
  request.on('error', reject).end(body)
  return promise
}

const alert = { title: 'T', body: 'B' }

function push(
  deviceId: string,
  version = 'v3',
  body: Record<string, unknown> = { service: 'apns', alert },
): Promise<Answer> {
  const path = `/${version}/notification/${deviceId}`
  return ask('POST', path, { 'content-type': 'application/json' }, JSON.stringify(body))
}

describe('what a real MongoosePush answered is answered here', () => {
  test.each(captured.map((pair) => [pair.name, pair] as const))('%s', async (_, pair) => {
    const type: Record<string, string> = pair.body === undefined ? {} : { 'content-type': 'application/json' }
    const answer = await ask(pair.method, pair.path, { ...type, ...pair.headers }, bytesOf(pair.body))
    expect(answer.status).toBe(pair.status)
    expect(answer.body).toBe(pair.answer)
  })
})

function bytesOf(body: unknown): string | Buffer | undefined {
  if (body === undefined || typeof body === 'string') return body
  const { type, data } = body as { type?: unknown; data?: unknown }
  return type === 'Buffer' ? Buffer.from(data as number[]) : JSON.stringify(body)
}

describe('the device id chooses the answer', () => {
  test.each([
    ['tok-1', 200, 'null'],
    ['gone-1', 410, '{"reason":"unregistered"}'],
    ['bad-1', 400, '{"reason":"invalid_request"}'],
    ['nopool-1', 400, '{"reason":"no_matching_pool"}'],
    ['large-1', 413, '{"reason":"payload_too_large"}'],
    ['throttled-1', 429, '{"reason":"too_many_requests"}'],
    ['down-1', 503, '{"reason":"service_internal"}'],
    ['config-1', 503, '{"reason":"internal_config"}'],
    ['slow5-1', 200, 'null'],
    ['goner-1', 200, 'null'],
    ['constructor-1', 200, 'null'],
  ])('v3: %s is answered %d %s', async (deviceId, status, body) => {
    expect(await push(deviceId)).toMatchObject({ status, body })
  })

  test.each([
    ['gone-1', 'apns', '{"details":"Unregistered"}'],
    ['gone-1', 'fcm', '{"details":"UNREGISTERED"}'],
    ['bad-1', 'apns', '{"details":"BadDeviceToken"}'],
    ['bad-1', 'fcm', '{"details":"INVALID_ARGUMENT"}'],
    ['throttled-1', 'fcm', '{"details":"QUOTA_EXCEEDED"}'],
    ['down-1', 'apns', '{"details":"ServiceUnavailable"}'],
  ])('v1 and v2: %s at %s is answered 500 %s', async (deviceId, service, body) => {
    expect(await push(deviceId, 'v2', { service, alert })).toMatchObject({ status: 500, body })
    expect(await push(deviceId, 'v1', { service, ...alert })).toMatchObject({ status: 500, body })
  })

  test('throttled-* says when to come back', async () => {
    expect((await push('throttled-1')).headers['retry-after']).toBe('1')
  })

  test('garbage-* is answered with something that is no JSON', async () => {
    const { body } = await push('garbage-1')
    expect(() => JSON.parse(body)).toThrow(SyntaxError)
  })

  test('reset-* cuts the connection under the request', async () => {
    await expect(push('reset-1')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(gateway.requests[0]).toMatchObject({ deviceId: 'reset-1', status: 0 })
  })

  test('hang-* is never answered, and does not keep the gateway from closing', async () => {
    const answer = push('hang-1')
    answer.catch(() => undefined)
    await gateway.next(1)
    await gateway.close()
    await expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' })
  })
})

test('a device id arrives as it was meant, whatever it holds', async () => {
  const deviceIds = ['../../x?y#z', 'a/b c', '100%', '🚀ąę', 'a\r\nb', '.', '..']
  for (const deviceId of deviceIds) await push(encodeURIComponent(deviceId))
  expect(gateway.requests.map((request) => request.deviceId)).toEqual(deviceIds)
})

test('a rule of the caller comes before the device-name rules, which get what it leaves', async () => {
  gateway.answerWith((request) =>
    request.deviceId === 'gone-1' ? { status: 503, body: '', headers: { 'retry-after': '7' } } : undefined,
  )
  expect(await push('gone-1')).toMatchObject({ status: 503, body: '', headers: { 'retry-after': '7' } })
  expect((await push('gone-2')).status).toBe(410)
  gateway.answerWith(undefined)
  expect((await push('gone-1')).status).toBe(410)
})

test('a request that is not valid never reaches a rule and is not among the requests', async () => {
  gateway.answerWith(() => ({ status: 200 }))
  expect((await push('tok-1', 'v3', { service: 'apns' })).status).toBe(422)
  expect(gateway.requests).toEqual([])
  expect(gateway.total).toBe(0)
  expect(gateway.refused).toMatchObject([{ path: '/v3/notification/tok-1', status: 422 }])
})

test('next waits for the requests to come', async () => {
  const both = gateway.next(2)
  await Promise.all([push('a'), push('b')])
  expect((await both).map((request) => request.deviceId).sort()).toEqual(['a', 'b'])
})

test('next says how many came when it waits in vain', async () => {
  await push('a')
  await expect(gateway.next(2, 1)).rejects.toThrow('1 of 2 requests')
})

test('onRequest hears of each request with its answer', async () => {
  await gateway.close()
  const heard: string[] = []
  gateway = await startGatewaySandbox({
    onRequest: (request, answer) => heard.push(`${request.deviceId} ${answer.status} ${request.status}`),
  })
  await push('a')
  await push('gone-1')
  expect(heard).toEqual(['a 200 200', 'gone-1 410 410'])
})

test('only the newest `keep` requests are remembered, all are counted', async () => {
  await gateway.close()
  gateway = await startGatewaySandbox({ keep: 4 })
  for (let i = 0; i < 6; i++) await push(`d${i}`)
  expect(gateway.requests.map((request) => request.deviceId)).toEqual(['d2', 'd3', 'd4', 'd5'])
  expect(gateway.total).toBe(6)
})

test('a path prefix moves the API', async () => {
  await gateway.close()
  gateway = await startGatewaySandbox({ pathPrefix: '/push/' })
  expect((await ask('POST', '/push/v3/notification/a', json, '{"service":"fcm","data":{}}')).status).toBe(200)
  expect((await push('a')).status).toBe(500)
})

const json = { 'content-type': 'application/json; charset=utf-8' }

test('it speaks HTTPS with a certificate of the caller', async () => {
  await gateway.close()
  const cert = readFileSync(new URL('../fixtures/tls/server.pem', import.meta.url), 'utf8')
  const key = readFileSync(new URL('../fixtures/tls/server.key.pem', import.meta.url), 'utf8')
  gateway = await startGatewaySandbox({ tls: { cert, key } })
  expect(gateway.url).toBe(`https://127.0.0.1:${gateway.port}`)
  expect(await push('a')).toMatchObject({ status: 200, body: 'null' })
})

test('it tells its health and its count of requests', async () => {
  await push('a')
  expect(JSON.parse((await ask('GET', '/healthcheck', {}, undefined)).body)).toMatchObject({ status: 'pass' })
  expect((await ask('GET', '/metrics', {}, undefined)).body).toContain('requests_total 1\n')
})
