import { afterEach, beforeEach, expect, test } from 'vitest'
import { readServiceAccount } from '../../../src/core/fcm/service-account.ts'
import { AccessTokens } from '../../../src/main/gateway/access-tokens.ts'
import { readSigningKey } from '../../../src/main/gateway/signing-key.ts'
import { type FcmSandbox, startFcmSandbox } from '../../../src/sandbox/providers/fcm.ts'
import { ask } from '../../sandbox/providers/token-client.ts'
import { until } from '../../support/until.ts'
import { TokenRecording } from './recording.ts'

let fcm: FcmSandbox
let recording: TokenRecording
let tokens: AccessTokens

beforeEach(async () => {
  recording = new TokenRecording()
  fcm = await startFcmSandbox({ nowMs: recording.nowMs })
  tokens = tokensFor(fcm.ca)
})
afterEach(async () => {
  await tokens.stop()
  await fcm.close()
})

function tokensFor(ca: string | undefined, changed: object = {}): AccessTokens {
  const account = readServiceAccount(JSON.stringify({ ...fcm.account, ...changed }))
  if (typeof account === 'string') throw new Error(account)
  const privateKey = readSigningKey(account.privateKey, 'RS256')
  if (typeof privateKey === 'string') throw new Error(privateKey)
  return new AccessTokens(account, privateKey, ca, recording, recording)
}

async function told(count: number): Promise<void> {
  await until(`${count} tokens`, () => recording.told.length >= count)
}

test('the account’s assertion is taken, and the token is one that FCM takes', async () => {
  tokens.start()
  await told(1)
  expect(recording.told[0]?.owner).toBe(fcm.account.client_email)
  expect(fcm.oauth.knows(recording.header)).toBe(true)
  expect(tokens.fault).toBeUndefined()
  expect(recording.lines).toEqual([])
})

test('one request is under way at a time, whoever asks', async () => {
  fcm.oauth.hold()
  tokens.start()
  await fcm.oauth.asked(1)
  tokens.start()
  fcm.oauth.release()
  await told(1)
  recording.atMs += 120_000
  fcm.oauth.hold()
  const { header } = recording
  for (let i = 0; i < 100; i++) tokens.refused(header)
  await fcm.oauth.asked(2)
  for (let i = 0; i < 100; i++) tokens.refused(header)
  fcm.oauth.release()
  await told(2)
  expect(fcm.oauth.requests).toBe(2)
})

test('a token is renewed ahead of its end', async () => {
  fcm.oauth.expiresInS = 2
  tokens.start()
  await told(2)
  expect(fcm.oauth.knows(recording.told[0]?.header)).toBe(true)
  expect(recording.told).not.toContain(undefined)
})

test('a token that FCM no longer takes is renewed', async () => {
  tokens.start()
  await told(1)
  fcm.oauth.revoke()
  recording.atMs += 61_000
  tokens.refused(recording.header)
  await told(2)
  expect(fcm.oauth.requests).toBe(2)
  expect(fcm.oauth.knows(recording.header)).toBe(true)
})

test.each([
  ['one that was just given', 0, () => recording.header],
  ['an older one than that in use', 61_000, () => 'Bearer an.older.one'],
])('a token that is refused is not renewed when it is %s', async (_, passedMs, header) => {
  tokens.start()
  await told(1)
  recording.atMs += passedMs
  tokens.refused(header())
  // Asked for after it would have been, and answered.
  await ask(fcm, {})
  expect(fcm.oauth.requests).toBe(2)
})

test.each([
  ['an answer of 503', () => ({ status: 503, body: 'down' })],
  ['an answer of 429', () => ({ status: 429, body: {} })],
  ['an answer that is no JSON', () => ({ status: 200, body: '<html>' })],
  ['an answer that is far too long', () => ({ status: 200, body: 'x'.repeat(1_000_000) })],
  ['a connection that is cut', () => ({ status: 'cut' }) as const],
])('after %s it is asked again, and the log says so without a secret', async (_, answer) => {
  fcm.oauth.answer = answer()
  tokens.start()
  await until('a line in the log', () => recording.lines.length > 0)
  expect(recording.lines[0]).toMatchObject({ level: 'warn', fields: { account: fcm.account.client_email } })
  expect(tokens.fault).toBeDefined()
  fcm.oauth.answer = undefined
  await told(1)
  expect(tokens.fault).toBeUndefined()
  expect(recording.lines.at(-1)?.level).toBe('info')
  expect(JSON.stringify(recording.lines)).not.toContain('PRIVATE KEY')
})

test('an account that is refused is an error, and is tried again much later', async () => {
  const unknown = tokensFor(fcm.ca, { client_email: 'nobody@example.test' })
  unknown.start()
  await until('a line in the log', () => recording.lines.length > 0)
  await unknown.stop()
  expect(recording.lines).toMatchObject([
    { level: 'error', fields: { account: 'nobody@example.test', reason: 'invalid_grant', againInS: 15 } },
  ])
  expect(recording.told).toEqual([])
})

test('a token that comes to its end and cannot be renewed is taken back, and given anew when that is possible', async () => {
  fcm.oauth.expiresInS = 2
  tokens.start()
  await told(1)
  fcm.oauth.answer = { status: 503 }
  await told(2)
  expect(recording.told[1]).toBeUndefined()
  fcm.oauth.answer = undefined
  await told(3)
  expect(fcm.oauth.knows(recording.header)).toBe(true)
})

test('an endpoint of an unknown authority gets no assertion', async () => {
  const stranger = tokensFor(undefined)
  stranger.start()
  await until('a line in the log', () => recording.lines.length > 0)
  await stranger.stop()
  expect(fcm.oauth.requests).toBe(0)
  expect(stranger.fault).toMatch(/certificate/i)
})

test('what is stopped asks no more, and tells no more', async () => {
  fcm.oauth.hold()
  tokens.start()
  await fcm.oauth.asked(1)
  await tokens.stop()
  fcm.oauth.release()
  tokens.start()
  expect(recording.told).toEqual([])
  expect(recording.lines).toEqual([])
})
