import { generateKeyPairSync } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FcmSandbox, startFcmSandbox } from '../../../src/sandbox/providers/fcm.ts'
import { fcmWords } from '../../../src/sandbox/providers/fcm-answers.ts'
import { type Http2Answer, Http2Client } from './http2-client.ts'
import { ask, type TokenAnswer } from './token-client.ts'
import { assertion, jsonWebToken } from './tokens.ts'

let fcm: FcmSandbox
let client: Http2Client
let nowMs: number
let bearer: string

beforeEach(async () => {
  nowMs = Date.now()
  fcm = await startFcmSandbox({ nowMs: () => nowMs })
  client = await Http2Client.connect(fcm.url, fcm.ca)
  bearer = `Bearer ${(await token()).body.access_token}`
})
afterEach(async () => {
  await client.close()
  await fcm.close()
})

const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

function token(claims: object = {}, header: object = {}): Promise<TokenAnswer> {
  const form = { grant_type: grant, assertion: assertion(fcm.account, { ...claims }, { ...header }) }
  return ask(fcm, form)
}

function send(message: unknown, headers: OutgoingHttpHeaders = {}): Promise<Http2Answer> {
  return client.post(
    `/v1/projects/${fcm.project}/messages:send`,
    { authorization: bearer, 'content-type': 'application/json', ...headers },
    typeof message === 'string' ? message : JSON.stringify({ message }),
  )
}

const full = {
  token: 'tok-1',
  data: {},
  notification: {},
  android: {
    priority: 'HIGH',
    ttl: '3600s',
    data: { a: '1' },
    notification: { title: 'T', body: 'B', click_action: 'c', tag: 't', sound: 's', notification_count: 3 },
  },
}

test('a valid message is answered 200 with its name, and remembered', async () => {
  const answer = await send(full)
  expect(answer.status).toBe(200)
  expect(JSON.parse(answer.body)).toEqual({
    name: expect.stringMatching(/^projects\/sandbox-project\/messages\//),
  })
  expect(fcm.requests).toMatchObject([{ deviceId: 'tok-1', body: { message: full }, status: 200 }])
})

describe('a message is refused', () => {
  test.each<[string, number, string, unknown]>([
    ['that is no JSON', 400, 'INVALID_ARGUMENT', '{'],
    ['without a message', 400, 'INVALID_ARGUMENT', '{}'],
    ['without a target', 400, 'INVALID_ARGUMENT', { data: {} }],
    ['with two targets', 400, 'INVALID_ARGUMENT', { token: 'a', topic: 'b' }],
    ['with an unknown field', 400, 'INVALID_ARGUMENT', { ...full, badge: 1 }],
    [
      'with an unknown field deep down',
      400,
      'INVALID_ARGUMENT',
      { token: 'a', android: { notification: { badge: 1 } } },
    ],
    ['with data that are no texts', 400, 'INVALID_ARGUMENT', { token: 'a', data: { a: 1 } }],
    [
      'with data of a reserved name',
      400,
      'INVALID_ARGUMENT',
      { token: 'a', android: { data: { 'google.x': '1' } } },
    ],
    ['with a wrong priority', 400, 'INVALID_ARGUMENT', { token: 'a', android: { priority: 'high' } }],
    ['with a time to live that is none', 400, 'INVALID_ARGUMENT', { token: 'a', android: { ttl: '-1s' } }],
    [
      'with one of more than four weeks',
      400,
      'INVALID_ARGUMENT',
      { token: 'a', android: { ttl: '2419201s' } },
    ],
    ['with a title that is no text', 400, 'INVALID_ARGUMENT', { token: 'a', notification: { title: 1 } }],
    ['that is too big', 400, 'INVALID_ARGUMENT', { token: 'a', data: { a: 'x'.repeat(4096) } }],
  ])('%s', async (_, code, status, message) => {
    const answer = await send(message)
    expect(answer.status).toBe(code)
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code, status } })
    expect(fcm.requests).toEqual([])
  })

  test('without a token, with one that was revoked, and with one that has expired', async () => {
    expect(await send(full, { authorization: '' })).toMatchObject({ status: 401 })
    expect(await send(full)).toMatchObject({ status: 200 })
    nowMs += 3_600_000
    expect(await send(full)).toMatchObject({ status: 401 })
    nowMs -= 3_600_000
    fcm.oauth.revoke()
    expect(await send(full)).toMatchObject({ status: 401 })
  })

  test('for another project, and at another path', async () => {
    const body = JSON.stringify({ message: full })
    const headers = { authorization: bearer }
    expect(await client.post('/v1/projects/other/messages:send', headers, body)).toMatchObject({
      status: 403,
    })
    expect(await client.post('/v1/projects/sandbox-project/messages', headers, body)).toMatchObject({
      status: 404,
    })
  })
})

describe('a token’s name asks for an answer', () => {
  test.each(Object.entries(fcmWords))('%s-…', async (word, { status, body }) => {
    const answer = await send({ token: `${word}-1` })
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toEqual(body)
  })

  test('THROTTLED-… says when to come back', async () => {
    expect((await send({ token: 'THROTTLED-1' })).headers['retry-after']).toBe('1')
  })
})

describe('the token endpoint', () => {
  test('gives a token for an account’s assertion', async () => {
    expect(await token()).toMatchObject({
      status: 200,
      body: { access_token: expect.any(String), expires_in: 3599, token_type: 'Bearer' },
    })
  })

  const hour = 3600
  test.each<[string, (iat: number) => object]>([
    ['of another account', () => ({ iss: 'nobody@example.test' })],
    ['for another endpoint', () => ({ aud: 'https://oauth2.example/token' })],
    ['for another scope', () => ({ scope: 'https://www.googleapis.com/auth/cloud-platform' })],
    ['that has expired', (iat) => ({ iat: iat - 2 * hour, exp: iat - hour })],
    ['that is valid for too long', (iat) => ({ iat, exp: iat + hour + 1 })],
    ['from the future', (iat) => ({ iat: iat + hour, exp: iat + 2 * hour })],
    ['without an end', () => ({ exp: undefined })],
  ])('refuses an assertion %s', async (_, claims) => {
    expect(await token(claims(Math.floor(nowMs / 1000)))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
  })

  test('refuses an assertion signed by another key, or in another way', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const stranger = assertion({ ...fcm.account, private_key: key })
    const otherWay = assertion(fcm.account, {}, { alg: 'none' })
    const nothing = jsonWebToken({}, {}, key)
    for (const text of [stranger, otherWay, nothing, 'x']) {
      expect(await ask(fcm, { grant_type: grant, assertion: text })).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      })
    }
  })

  test('refuses other kinds of grants, forms and paths', async () => {
    expect(await ask(fcm, { grant_type: 'password' })).toMatchObject({ status: 400 })
    expect(await ask(fcm, {}, 'application/json')).toMatchObject({ status: 400 })
    expect(await ask(fcm, {}, undefined, '/other')).toMatchObject({ status: 404 })
  })
})
