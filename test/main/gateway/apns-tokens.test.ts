import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApnsTokens } from '../../../src/main/gateway/apns-tokens.ts'
import type { ProviderTokenStore } from '../../../src/main/gateway/ports.ts'
import { readSigningKey } from '../../../src/main/gateway/signing-key.ts'
import type { Environment } from '../../../src/main/store/environment.ts'
import { LmdbProviderTokenStore } from '../../../src/main/store/provider-tokens.ts'
import { newApnsKey } from '../../../src/sandbox/providers/apns.ts'
import { ApnsProviderTokens } from '../../../src/sandbox/providers/apns-provider-token.ts'
import { until } from '../../support/until.ts'
import { openStore, scratchDirectory } from '../store/open-store.ts'
import { TokenRecording } from './recording.ts'

const minuteMs = 60_000
const key = newApnsKey('KEYID', 'TEAMID')
let directory: ReturnType<typeof scratchDirectory>
let environment: Environment
let store: ProviderTokenStore
let recording: TokenRecording
let started: ApnsTokens[]

beforeEach(async () => {
  directory = scratchDirectory()
  environment = await openStore(directory.path)
  store = new LmdbProviderTokenStore(environment)
  recording = new TokenRecording()
  started = []
})
afterEach(async () => {
  for (const tokens of started) tokens.stop()
  await environment.close()
  directory[Symbol.dispose]()
})

function start(pem = key.key): ApnsTokens {
  const privateKey = readSigningKey(pem, 'ES256')
  if (typeof privateKey === 'string') throw new Error(privateKey)
  const tokens = new ApnsTokens(key, privateKey, store, recording, recording)
  started.push(tokens)
  tokens.start()
  return tokens
}

test('the first token is one that APNs takes, and is told at once', () => {
  start()
  expect(recording.told).toHaveLength(1)
  expect(recording.told[0]?.owner).toBe('TEAMID')
  const apns = new ApnsProviderTokens([key], recording.nowMs)
  expect(apns.check(recording.header)).toMatchObject({ teamId: 'TEAMID' })
})

test('after a restart it is the same token, for as long as it is not due', () => {
  start()
  recording.atMs += 40 * minuteMs
  start()
  expect(recording.told[1]).toEqual(recording.told[0])
  recording.atMs += 11 * minuteMs
  start()
  expect(recording.told[2]?.header).not.toBe(recording.told[0]?.header)
})

test('tokens survive the process: they are in the store', async () => {
  start()
  await environment.close()
  environment = await openStore(directory.path)
  store = new LmdbProviderTokenStore(environment)
  start()
  expect(recording.told[1]).toEqual(recording.told[0])
})

test('a token of a key that was replaced under its name is not used', () => {
  start()
  start(newApnsKey('KEYID', 'TEAMID').key)
  expect(recording.told[1]?.header).not.toBe(recording.told[0]?.header)
})

test('a token that was called expired is renewed once it is 20 minutes old, and no sooner', () => {
  const tokens = start()
  const { header } = recording
  recording.atMs += 19 * minuteMs
  tokens.refused(header)
  expect(recording.told).toHaveLength(1)
  recording.atMs += minuteMs
  tokens.refused(header)
  expect(recording.told).toHaveLength(2)
  // Others that were sent with it come back, too.
  tokens.refused(header)
  expect(recording.told).toHaveLength(2)
})

test('what was refused with an older token says nothing of this one', () => {
  start()
  const { header } = recording
  recording.atMs += 51 * minuteMs
  const tokens = start()
  recording.atMs += 21 * minuteMs
  tokens.refused(header)
  expect(recording.told).toHaveLength(2)
})

test('APNs takes every token of a day in which each restart and refusal asks for another', () => {
  const apns = new ApnsProviderTokens([key], recording.nowMs)
  for (let time = 0; time < 300; time++) {
    recording.atMs += 5 * minuteMs
    const tokens = start()
    if (time % 3 === 0) tokens.refused(recording.header)
    expect(apns.check(recording.header)).toMatchObject({ teamId: 'TEAMID' })
    tokens.stop()
  }
})

test('where the store fails, the token is used all the same, and the log says so', async () => {
  await environment.close()
  start()
  expect(recording.header).toMatch(/^bearer /)
  await until('it was not read, and not written', () => recording.lines.length === 2)
  expect(recording.lines.map(({ level }) => level)).toEqual(['warn', 'warn'])
  expect(JSON.stringify(recording.lines)).not.toContain(recording.header)
})

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const pem = { type: 'pkcs8', format: 'pem' } as const

test.each([
  ['nothing', '', 'ES256', /no private key/],
  ['a text', 'hello', 'ES256', /no private key/],
  ['a key of another curve', String(p384.privateKey.export(pem)), 'ES256', /P-256/],
  ['an RSA key for ES256', String(rsa.privateKey.export(pem)), 'ES256', /P-256/],
  ['an elliptic key for RS256', key.key, 'RS256', /RSA/],
] as const)(
  'a key file with %s is refused in words that quote nothing of it',
  (_, text, algorithm, words) => {
    const fault = readSigningKey(text, algorithm)
    expect(fault).toMatch(words)
  },
)

test('keys of both kinds are read', () => {
  expect(readSigningKey(key.key, 'ES256')).not.toBeTypeOf('string')
  expect(readSigningKey(String(rsa.privateKey.export(pem)), 'RS256')).not.toBeTypeOf('string')
})
