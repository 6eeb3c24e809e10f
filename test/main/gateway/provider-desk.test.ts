import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Authorization, ProviderTls } from '../../../src/core/gateway/provider-target.ts'
import { ProviderDesk } from '../../../src/main/gateway/provider-desk.ts'
import { gatewayPools, ownCertificates } from '../../../src/main/gateway-pools.ts'
import type { Environment } from '../../../src/main/store/environment.ts'
import { LmdbProviderTokenStore } from '../../../src/main/store/provider-tokens.ts'
import { newApnsKey } from '../../../src/sandbox/providers/apns.ts'
import { ApnsProviderTokens } from '../../../src/sandbox/providers/apns-provider-token.ts'
import { type FcmSandbox, startFcmSandbox } from '../../../src/sandbox/providers/fcm.ts'
import { until } from '../../support/until.ts'
import { sound } from '../config/loading.ts'
import {
  apnsCertificate,
  apnsKey,
  fcm,
  put,
  putCertificate,
  serviceAccountText,
} from '../config/provider-files.ts'
import { openStore, scratchDirectory } from '../store/open-store.ts'
import { TokenRecording } from './recording.ts'

const key = newApnsKey('ABC123DEFG', 'DEF123GHIJ')
const trusting = (table: string) => `${table}tls.ca_file = "ca.pem"\n`
const hourMs = 3_600_000

let sandbox: FcmSandbox
let directory: ReturnType<typeof scratchDirectory>
let environment: Environment
let recording: TokenRecording
let desks: ProviderDesk[]
let told: [pool: number, authorization: Authorization | undefined][]
let renewed: [pool: number, tls: ProviderTls][]
let authorized: Map<number, boolean>
let ends: Map<string, number>

beforeEach(async () => {
  directory = scratchDirectory()
  environment = await openStore(directory.path)
  recording = new TokenRecording()
  sandbox = await startFcmSandbox({ nowMs: recording.nowMs })
  desks = []
  told = []
  renewed = []
  authorized = new Map()
  ends = new Map()
  put('ca.pem', sandbox.ca ?? '')
  put('account.json', JSON.stringify(sandbox.account))
  put('apns.p8', key.key)
  putCertificate('cert')
})
afterEach(async () => {
  await Promise.all(desks.map((desk) => desk.stop()))
  await sandbox.close()
  await environment.close()
  directory[Symbol.dispose]()
})

function start(toml: string): ProviderDesk {
  const { config } = sound(toml)
  const desk = new ProviderDesk(gatewayPools(config), ownCertificates(config), {
    nowMs: recording.nowMs,
    random: recording.random,
    log: recording.log,
    store: new LmdbProviderTokenStore(environment),
    authorize: (pool, authorization) => void told.push([pool, authorization]),
    renewTls: (pool, tls) => void renewed.push([pool, tls]),
    authorized: (pool, isAuthorized) => void authorized.set(pool, isAuthorized),
    expiresAt: (name, seconds) => void ends.set(name, seconds),
  })
  desks.push(desk)
  desk.start()
  return desk
}

function renew(desk: ProviderDesk, toml: string): void {
  const { config } = sound(toml)
  desk.renew(gatewayPools(config), ownCertificates(config))
}

function headerOf(pool: number): string | undefined {
  return told.findLast(([index]) => index === pool)?.[1]?.header
}

async function toldOf(count: number): Promise<void> {
  await until(`${count} authorizations`, () => told.length >= count)
}

describe('pools', () => {
  test('have what their providers take', async () => {
    const desk = start(trusting(fcm) + apnsKey + apnsCertificate)
    expect(authorized.get(0)).toBe(false)
    expect(desk.fault(0)).toBe('no token: it is being asked for')
    await toldOf(2)
    expect(sandbox.oauth.knows(headerOf(0))).toBe(true)
    expect(new ApnsProviderTokens([key], recording.nowMs).check(headerOf(1))).toMatchObject({
      teamId: key.teamId,
    })
    expect([...authorized]).toEqual([
      [0, true],
      [1, true],
      [2, true],
    ])
    expect([0, 1, 2, 3].map((pool) => desk.fault(pool))).toEqual([undefined, undefined, undefined, undefined])
  })

  test('of one account, or one key, share its token', async () => {
    start(`${trusting(fcm)}mode = "prod"\n${trusting(fcm)}mode = "dev"\n${apnsKey}${apnsKey}mode = "dev"\n`)
    await toldOf(4)
    expect(headerOf(1)).toBe(headerOf(0))
    expect(headerOf(3)).toBe(headerOf(2))
    expect(sandbox.oauth.requests).toBe(1)
  })

  test('have the same APNs token after a restart', async () => {
    const first = start(apnsKey)
    const header = headerOf(0)
    await first.stop()
    await environment.close()
    environment = await openStore(directory.path)
    recording.atMs += 600_000
    start(apnsKey)
    expect(told).toHaveLength(2)
    expect(headerOf(0)).toBe(header)
  })

  test('have a new token when theirs is called expired and old enough', () => {
    const desk = start(apnsKey + apnsCertificate)
    const header = headerOf(0) ?? ''
    desk.refused(0, header)
    desk.refused(1, header)
    desk.refused(7, header)
    expect(told).toHaveLength(1)
    recording.atMs += 21 * 60_000
    desk.refused(0, header)
    expect(told).toHaveLength(2)
    expect(headerOf(0)).not.toBe(header)
  })

  test('without a token say why, and the others have theirs', async () => {
    sandbox.oauth.answer = { status: 400, body: { error: 'invalid_grant' } }
    const desk = start(trusting(fcm) + apnsKey)
    await until('a refusal', () => recording.lines.length > 0)
    expect(desk.fault(0)).toBe('no token: invalid_grant')
    expect(desk.faults('fcm')).toEqual({ fault: 'no token: invalid_grant', renewalFault: undefined })
    for (const label of ['apns-prod', 'another']) {
      expect(desk.faults(label)).toEqual({ fault: undefined, renewalFault: undefined })
    }
    expect(desk.fault(1)).toBeUndefined()
    expect([...authorized]).toEqual([
      [0, false],
      [1, true],
    ])
  })
})

describe('renewed files', () => {
  test('that are the same change nothing', async () => {
    const toml = trusting(fcm) + apnsKey + apnsCertificate
    const desk = start(toml)
    await toldOf(2)
    const { config } = sound(toml)
    const pools = gatewayPools(config)
    desk.renew(pools, ownCertificates(config))
    renewed.length = 0
    desk.renew(pools, ownCertificates(config))
    expect(told).toHaveLength(2)
    expect(renewed).toEqual([])
    expect(sandbox.oauth.requests).toBe(1)
  })

  test('with a new APNs key are taken over at once, and its tokens alone are made from then on', () => {
    const next = newApnsKey('NEXT23DEFG', key.teamId)
    const desk = start(apnsKey)
    put('apns.p8', next.key)
    renew(desk, apnsKey.replace(key.keyId, next.keyId))
    expect(told).toHaveLength(2)
    expect(new ApnsProviderTokens([next], recording.nowMs).check(headerOf(0))).toMatchObject({
      teamId: key.teamId,
    })
    expect(recording.lines).toEqual([
      { level: 'info', fields: { pool: 'apns-prod' }, text: 'a renewed key is in use' },
    ])
    recording.atMs += hourMs
    desk.refused(0, told[0]?.[1]?.header ?? '')
    expect(told).toHaveLength(2)
  })

  test('with a new account are taken over when it has a token', async () => {
    const desk = start(trusting(fcm))
    await toldOf(1)
    put('account.json', JSON.stringify({ ...sandbox.account, private_key_id: 'next' }))
    sandbox.oauth.hold()
    renew(desk, trusting(fcm))
    await sandbox.oauth.asked(2)
    expect(told).toHaveLength(1)
    expect(desk.fault(0)).toBeUndefined()
    sandbox.oauth.release()
    await toldOf(2)
    expect(sandbox.oauth.knows(headerOf(0))).toBe(true)
    expect(recording.lines).toEqual([
      { level: 'info', fields: { pool: 'fcm' }, text: 'a renewed key is in use' },
    ])
  })

  test('with an account that is refused leave the old one in use, which is renewed as ever', async () => {
    sandbox.oauth.expiresInS = 2
    const desk = start(trusting(fcm))
    await toldOf(1)
    const stranger = JSON.parse(serviceAccountText())
    put('account.json', JSON.stringify({ ...sandbox.account, private_key: stranger.private_key }))
    renew(desk, trusting(fcm))
    await until('a refusal', () => recording.lines.length > 0)
    expect(recording.lines[0]).toMatchObject({ level: 'error', fields: { reason: 'invalid_grant' } })
    await toldOf(2)
    expect(sandbox.oauth.knows(headerOf(0))).toBe(true)
    expect(desk.faults('fcm')).toEqual({ fault: undefined, renewalFault: 'invalid_grant' })
  })

  test('with a new certificate are told to the pool that shows it', () => {
    const notAfter = new Date('2041-01-02T03:04:05Z')
    const desk = start(apnsKey + apnsCertificate)
    putCertificate('cert', notAfter)
    renew(desk, apnsKey + apnsCertificate)
    expect(renewed).toEqual([[1, { ca: undefined, identity: expect.objectContaining({ kind: 'pem' }) }]])
    expect(ends.get('gateway.apns[1].cert_file')).toBe(notAfter.getTime() / 1000)
  })
})

describe('certificates', () => {
  test('that are over are said to be, and their pools with them', () => {
    putCertificate('cert', new Date(recording.atMs + hourMs))
    const desk = start(
      `[gateway]\ntls.cert_file = "other.pem"\ntls.key_file = "other.key"\n${apnsKey}${apnsCertificate}`,
    )
    expect([...ends.keys()]).toEqual(['gateway.tls.cert_file', 'gateway.apns[1].cert_file'])
    expect(recording.lines).toMatchObject([
      { level: 'error', fields: { name: 'gateway.apns[1].cert_file', leftDays: 0 } },
    ])
    expect(desk.fault(1)).toBeUndefined()
    recording.atMs += 2 * hourMs
    expect(desk.fault(1)).toBe('gateway.apns[1].cert_file has expired')
    expect(desk.fault(0)).toBeUndefined()
  })
})
