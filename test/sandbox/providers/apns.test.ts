import { constants, type OutgoingHttpHeaders } from 'node:http2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ApnsSandbox, newApnsKey, startApnsSandbox } from '../../../src/sandbox/providers/apns.ts'
import { apnsStatuses } from '../../../src/sandbox/providers/apns-answers.ts'
import { Authority } from '../../../src/sandbox/providers/authority.ts'
import { type Http2Answer, Http2Client } from './http2-client.ts'
import { apnsProviderToken } from './tokens.ts'

let apns: ApnsSandbox
let client: Http2Client
let nowMs: number

beforeEach(async () => {
  nowMs = Date.now()
  apns = await startApnsSandbox({ nowMs: () => nowMs })
  client = await Http2Client.connect(apns.url, apns.ca)
})
afterEach(async () => {
  await client.close()
  await apns.close()
})

const payload = { aps: { alert: { title: 'T', body: 'B' } } }

function push(
  device: string,
  headers: OutgoingHttpHeaders = {},
  body: unknown = payload,
): Promise<Http2Answer> {
  return client.post(
    `/3/device/${device}`,
    {
      authorization: `bearer ${apnsProviderToken(apns.keys[0], nowMs)}`,
      'apns-topic': 'com.example.app',
      'apns-push-type': 'alert',
      ...headers,
    },
    typeof body === 'string' ? body : JSON.stringify(body),
  )
}

test('a valid push is answered 200 without a body, and remembered', async () => {
  const id = '123e4567-e89b-12d3-a456-426614174000'
  expect(await push('tok1', { 'apns-id': id })).toEqual({
    status: 200,
    body: '',
    headers: expect.objectContaining({ 'apns-id': id }),
  })
  expect(apns.requests).toMatchObject([
    { deviceId: 'tok1', body: payload, status: 200, processed: true, connection: 0, stream: 1 },
  ])
})

describe('a push is refused', () => {
  const long = 'x'.repeat(5_000)
  test.each<[string, string, string, OutgoingHttpHeaders, unknown]>([
    ['for another path', 'BadPath', 'a/b', {}, payload],
    ['without a device', 'MissingDeviceToken', '', {}, payload],
    ['to what is no device token', 'BadDeviceToken', 'a%20b', {}, payload],
    ['without a token', 'MissingProviderToken', 'a', { authorization: '' }, payload],
    ['with what is no token', 'InvalidProviderToken', 'a', { authorization: 'bearer x.y.z' }, payload],
    ['without a topic', 'MissingTopic', 'a', { 'apns-topic': '' }, payload],
    ['with a topic that cannot be one', 'BadTopic', 'a', { 'apns-topic': 'a b' }, payload],
    ['without a push type', 'InvalidPushType', 'a', { 'apns-push-type': '' }, payload],
    ['with an unknown push type', 'InvalidPushType', 'a', { 'apns-push-type': 'loud' }, payload],
    ['as voip without such a topic', 'BadTopic', 'a', { 'apns-push-type': 'voip' }, payload],
    ['with an unknown priority', 'BadPriority', 'a', { 'apns-priority': '7' }, payload],
    [
      'in the background with a high priority',
      'BadPriority',
      'a',
      { 'apns-push-type': 'background', 'apns-priority': '10' },
      payload,
    ],
    ['with an expiration that is no time', 'BadExpirationDate', 'a', { 'apns-expiration': 'soon' }, payload],
    ['with an id that is no UUID', 'BadMessageId', 'a', { 'apns-id': '1' }, payload],
    ['with a long collapse id', 'BadCollapseId', 'a', { 'apns-collapse-id': 'x'.repeat(65) }, payload],
    ['without a payload', 'PayloadEmpty', 'a', {}, ''],
    ['with a payload that is no JSON', 'PayloadEmpty', 'a', {}, '{'],
    ['with a payload without aps', 'PayloadEmpty', 'a', {}, { alert: 'x' }],
    ['with a large payload', 'PayloadTooLarge', 'a', {}, { aps: {}, long }],
    [
      'with a large payload to voip',
      'PayloadTooLarge',
      'a',
      { 'apns-push-type': 'voip', 'apns-topic': 'a.voip' },
      { aps: {}, long: `${long}${long}` },
    ],
  ])('%s: %s', async (_, reason, device, headers, body) => {
    const answer = await push(device, headers, body)
    expect(answer).toMatchObject({
      status: apnsStatuses[reason as keyof typeof apnsStatuses],
      body: JSON.stringify({ reason }),
    })
    expect(apns.requests).toEqual([])
    expect(apns.refused).toHaveLength(1)
  })

  test('by another method: MethodNotAllowed', async () => {
    const headers = { authorization: `bearer ${apnsProviderToken(apns.keys[0])}` }
    expect(await client.request('GET', '/3/device/a', headers)).toMatchObject({ status: 405 })
  })

  test('with a header twice: DuplicateHeaders', async () => {
    expect(await push('a', { 'apns-extra': ['1', '2'] })).toMatchObject({
      body: '{"reason":"DuplicateHeaders"}',
    })
  })
})

describe('provider tokens', () => {
  const withToken = (token: string) => push('a', { authorization: `bearer ${token}` })

  test('an hour old is the oldest that is taken', async () => {
    const token = apnsProviderToken(apns.keys[0], nowMs)
    expect(await withToken(token)).toMatchObject({ status: 200 })
    nowMs += 3_590_000
    expect(await withToken(token)).toMatchObject({ status: 200 })
    nowMs += 20_000
    expect(await withToken(token)).toMatchObject({ status: 403, body: '{"reason":"ExpiredProviderToken"}' })
  })

  test.each<[string, () => string]>([
    ['from the future', () => apnsProviderToken(apns.keys[0], nowMs + 600_000)],
    ['of another team', () => apnsProviderToken(apns.keys[0], nowMs, { iss: 'OTHERTEAM1' })],
    ['without the time of its making', () => apnsProviderToken(apns.keys[0], nowMs, { iat: undefined })],
    ['of an unknown key', () => apnsProviderToken(newApnsKey('UNKNOWN', 'SANDBOXTEA'), nowMs)],
    ['signed by another key', () => apnsProviderToken(newApnsKey('SANDBOXKEY', 'SANDBOXTEA'), nowMs)],
  ])('one %s is invalid', async (_, token) => {
    expect(await withToken(token())).toMatchObject({ status: 403, body: '{"reason":"InvalidProviderToken"}' })
  })

  test('more than one in 20 minutes are too many', async () => {
    expect(await push('a')).toMatchObject({ status: 200 })
    nowMs += 1_100_000
    expect(await push('b')).toMatchObject({ status: 429, body: '{"reason":"TooManyProviderTokenUpdates"}' })
    nowMs += 200_000
    expect(await push('c')).toMatchObject({ status: 200 })
  })

  test('a connection speaks for one team', async () => {
    const [one, two] = [newApnsKey('ONE', 'TEAM1'), newApnsKey('TWO', 'TEAM2')]
    await using both = await startApnsSandbox({ keys: [one, two] })
    const other = await Http2Client.connect(both.url, both.ca)
    const statuses = []
    for (const key of [one, one, two]) {
      const headers = {
        authorization: `bearer ${apnsProviderToken(key)}`,
        'apns-topic': 'a.b',
        'apns-push-type': 'alert',
      }
      statuses.push((await other.post('/3/device/a', headers, JSON.stringify(payload))).status)
    }
    expect(statuses).toEqual([200, 200, 403])
    await other.close()
  })
})

test('a certificate stands for the token and the topic', async () => {
  const authority = new Authority()
  await using strict = await startApnsSandbox({ clientCa: authority.ca })
  const certificate = authority.issue({ commonName: 'Apple Push Services: com.example.app' })
  const known = await Http2Client.connect(strict.url, strict.ca, certificate)
  const headers = { 'apns-push-type': 'alert' }
  expect(await known.post('/3/device/a', headers, JSON.stringify(payload))).toMatchObject({ status: 200 })
  const stranger = await Http2Client.connect(
    strict.url,
    strict.ca,
    new Authority().issue({ commonName: 'x' }),
  )
  expect(await stranger.post('/3/device/a', headers, JSON.stringify(payload))).toMatchObject({ status: 403 })
  await known.close()
  await stranger.close()
})

test('topics may be limited', async () => {
  await using strict = await startApnsSandbox({ topics: ['com.example.other'], keys: apns.keys })
  const other = await Http2Client.connect(strict.url, strict.ca)
  const headers = {
    authorization: `bearer ${apnsProviderToken(apns.keys[0])}`,
    'apns-topic': 'com.example.app',
    'apns-push-type': 'alert',
  }
  expect(await other.post('/3/device/a', headers, JSON.stringify(payload))).toMatchObject({
    body: '{"reason":"TopicDisallowed"}',
  })
  await other.close()
})

describe('a device’s name asks for an answer', () => {
  test.each(Object.entries(apnsStatuses))('%s-…: %d', async (reason, status) => {
    const answer = await push(`${reason}-1`)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject(
      status === 410 ? { reason, timestamp: expect.any(Number) } : { reason },
    )
  })

  test('a number behind the word is how often', async () => {
    expect((await push('ServiceUnavailable2-a')).status).toBe(503)
    expect((await push('ServiceUnavailable2-b')).status).toBe(503)
    expect((await push('ServiceUnavailable2-a')).status).toBe(503)
    expect((await push('ServiceUnavailable2-a')).status).toBe(200)
  })

  test('slow20-… is late, constructor-… and a real token are just delivered', async () => {
    for (const device of ['slow20-a', 'constructor-a', 'a'.repeat(64), '-']) {
      expect((await push(device)).status).toBe(200)
    }
  })

  test.each([
    ['reset-1', constants.NGHTTP2_INTERNAL_ERROR],
    ['refused-1', constants.NGHTTP2_REFUSED_STREAM],
  ])('%s resets the stream', async (device, code) => {
    expect(await push(device)).toMatchObject({ status: 0, rstCode: code })
    expect(apns.requests[0]).toMatchObject({ status: 0, processed: device !== 'refused-1' })
  })

  test('cut-… ends the connection without a GOAWAY', async () => {
    expect(await push('cut-1')).toMatchObject({ status: 0 })
    await apns.until('the connection is gone', () => apns.connections === 0)
  })

  test('a rule of the caller’s comes first', async () => {
    apns.answerWith(({ deviceId }) =>
      deviceId === 'Unregistered-1' ? { status: 418, body: 'tea' } : undefined,
    )
    expect(await push('Unregistered-1')).toMatchObject({ status: 418, body: 'tea' })
    expect(await push('Unregistered-2')).toMatchObject({ status: 410 })
  })
})

test('streams: one before the first valid push, then many', async () => {
  const settings: number[] = [client.maxStreams]
  await push('BadPath/x')
  expect(client.maxStreams).toBe(1)
  await push('a')
  await apns.settingsTaken()
  settings.push(client.maxStreams)
  expect(settings).toEqual([1, 1000])
})

test('only the newest `keep` requests are remembered, all are counted', async () => {
  await using small = await startApnsSandbox({ keep: 4, keys: apns.keys })
  const other = await Http2Client.connect(small.url, small.ca)
  const headers = {
    authorization: `bearer ${apnsProviderToken(apns.keys[0])}`,
    'apns-topic': 'a.b',
    'apns-push-type': 'alert',
  }
  for (let i = 0; i < 6; i++) await other.post(`/3/device/d${i}`, headers, JSON.stringify(payload))
  expect(small.requests.map(({ deviceId }) => deviceId)).toEqual(['d2', 'd3', 'd4', 'd5'])
  expect(small.total).toBe(6)
  await other.close()
})

test('without a wire it is the server itself, and cannot be broken', async () => {
  await using plain = await startApnsSandbox({ wire: false })
  const other = await Http2Client.connect(plain.url, plain.ca)
  expect(() => plain.wire.cut()).toThrow(/without a wire/)
  await other.close()
})
