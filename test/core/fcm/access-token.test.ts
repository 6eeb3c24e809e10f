import { describe, expect, test } from 'vitest'
import {
  accessTokenRequest,
  fcmJwt,
  readAccessToken,
  renewalDelayMs,
} from '../../../src/core/fcm/access-token.ts'
import { readServiceAccount } from '../../../src/core/fcm/service-account.ts'

const file = {
  type: 'service_account',
  project_id: 'my-project',
  private_key_id: 'abc',
  private_key: '-----BEGIN PRIVATE KEY-----\n',
  client_email: 'push@my-project.iam.gserviceaccount.com',
  token_uri: 'https://oauth2.googleapis.com/token',
}
const account = {
  projectId: 'my-project',
  privateKeyId: 'abc',
  privateKey: '-----BEGIN PRIVATE KEY-----\n',
  clientEmail: 'push@my-project.iam.gserviceaccount.com',
  universeDomain: 'googleapis.com',
  tokenUri: 'https://oauth2.googleapis.com/token',
}

describe('the file of a service account', () => {
  test('is read for what is needed', () => {
    expect(readServiceAccount(JSON.stringify(file))).toEqual(account)
    expect(readServiceAccount(JSON.stringify({ ...file, private_key_id: undefined }))).toEqual({
      ...account,
      privateKeyId: undefined,
    })
  })

  test.each([
    ['{', 'is no JSON object'],
    ['[]', 'is no JSON object'],
    [JSON.stringify({ ...file, type: 'authorized_user' }), /"type" is not "service_account"/],
    [JSON.stringify({ ...file, project_id: '' }), 'has no project_id'],
    [JSON.stringify({ ...file, client_email: 5 }), 'has no client_email'],
    [JSON.stringify({ ...file, private_key: undefined }), 'has no private_key'],
    [JSON.stringify({ ...file, token_uri: 'ftp://x' }), 'has no token_uri'],
  ])('with a fault says which, and quotes nothing', (text, expected) => {
    const fault = readServiceAccount(text)
    expect(fault).toEqual(expect.stringMatching(expected))
    expect(fault).not.toContain('PRIVATE KEY')
  })
})

test('the JWT asks for messaging alone, for an hour', () => {
  expect(fcmJwt(account, 1_700_000_000)).toEqual({
    header: { alg: 'RS256', typ: 'JWT', kid: 'abc' },
    claims: {
      iss: account.clientEmail,
      scope: 'https://www.googleapis.com/auth/firebase.messaging',
      aud: account.tokenUri,
      iat: 1_700_000_000,
      exp: 1_700_003_600,
    },
  })
})

test('it is exchanged in a form', () => {
  expect(Object.fromEntries(new URLSearchParams(accessTokenRequest('a.b+c/d=.e')))).toEqual({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: 'a.b+c/d=.e',
  })
})

describe('the answer', () => {
  function read(status: number, body: string) {
    return readAccessToken({ status, retryAfterMs: 7_000, body })
  }

  test('with a token is one, for as long as it says, else for an hour', () => {
    const token = 'ya29.c.Kl-_~+/x='
    const answer = { access_token: token, expires_in: 3599, token_type: 'Bearer' }
    expect(read(200, JSON.stringify(answer))).toEqual({ kind: 'token', token, lifetimeS: 3599 })
    expect(read(200, JSON.stringify({ access_token: token }))).toMatchObject({ lifetimeS: 3600 })
  })

  test.each([
    [400, '{"error":"invalid_grant","error_description":"a sentence"}', 'invalid_grant', false],
    [401, '{"error":"invalid_client"}', 'invalid_client', false],
    [403, '', 'HTTP 403', false],
    [408, '', 'HTTP 408', true],
    [429, '', 'HTTP 429', true],
    [500, '<html>', 'HTTP 500', true],
    [503, '{"error":"unavailable"}', 'unavailable', true],
    [200, '{}', 'HTTP 200', true],
    [200, '{"access_token":"a\\r\\nx: y"}', 'HTTP 200', true],
  ])('%d %s is a refusal: %s, and may change: %s', (status, body, reason, again) => {
    expect(read(status, body)).toEqual({ kind: 'refused', reason, again, retryAfterMs: 7_000 })
  })
})

test.each([
  [3600, 0, 3300],
  [3600, 1, 3000],
  [100, 0, 75],
  [100, 1, 50],
])('a token for %d s is renewed ahead of its end (random %d: after %d s)', (lifetimeS, random, expectedS) => {
  expect(renewalDelayMs(lifetimeS, random)).toBe(expectedS * 1000)
})
