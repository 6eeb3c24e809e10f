import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { redacted } from '../../../src/main/config/redacted.ts'
import { gatewayPools } from '../../../src/main/gateway-pools.ts'
import { component, faultsOf, notesOf, sound } from './loading.ts'
import { apnsCertificate, apnsKey, commonName, fcm, put, serviceAccountText } from './provider-files.ts'

describe('where pushes go', () => {
  test.each([
    ['nothing', '', 'mongoosepush'],
    ['a pool', fcm, 'direct'],
    ['another pool', apnsKey, 'direct'],
    ['a pool and MongoosePush', `[mongoosepush]\nurl = "https://a"\n${fcm}`, 'mongoosepush'],
    ['a pool and how MongoosePush is spoken to', `[mongoosepush]\napi_version = "v2"\n${fcm}`, 'direct'],
    ['a pool and other keys of push', `[push]\nsuspect_limit = 3\n${fcm}`, 'direct'],
    [
      'a pool, MongoosePush, and the word',
      `[push]\ngateway = "direct"\n[mongoosepush]\nurl = "https://a"\n${fcm}`,
      'direct',
    ],
    ['a pool and the other word', `[push]\ngateway = "mongoosepush"\n${fcm}`, 'mongoosepush'],
    ['a listener alone', '[gateway]\nlisten = "127.0.0.1:1"', 'mongoosepush'],
    ['no pools', '[gateway]\nfcm = []\napns = []', 'mongoosepush'],
  ])('is told by a file with %s', (_what, toml, expected) => {
    expect(sound(toml).config.push.gateway).toBe(expected)
  })
})

describe('a pool', () => {
  test('of FCM is what the configuration and the account file say', () => {
    const { config } = sound(
      `[gateway]\nrequest_timeout_ms = 700\ncompat = false\n${fcm}tags = ["a", "b c"]\ntls.ca_file = "authority.pem"`,
    )
    const [pool] = gatewayPools(config)
    expect(pool).toMatchObject({
      service: 'fcm',
      label: 'fcm[a,b%20c]',
      mode: '',
      tags: ['a', 'b c'],
      projectId: 'example-project',
      compat: false,
      account: { clientEmail: 'pushd@example-project.iam.gserviceaccount.com' },
      target: {
        origin: 'https://fcm.googleapis.com',
        connections: 2,
        requestTimeoutMs: 700,
        authorized: true,
        tls: { ca: expect.stringContaining('BEGIN CERTIFICATE'), identity: undefined },
      },
    })
  })

  test.each([
    ['', 'https://api.push.apple.com'],
    ['mode = "dev"', 'https://api.sandbox.push.apple.com'],
    ['port = 2197', 'https://api.push.apple.com:2197'],
    ['endpoint = "https://localhost:1234"\nport = 2197', 'https://localhost:1234'],
    ['endpoint = "https://localhost:443/"', 'https://localhost'],
  ])('of APNs with %j talks to %s', (keys, origin) => {
    const [pool] = gatewayPools(sound(apnsKey + keys).config)
    expect(pool?.target.origin).toBe(origin)
  })

  test('of APNs has a key, or a certificate', () => {
    const pools = gatewayPools(sound(apnsKey + apnsCertificate).config)
    expect(pools).toMatchObject([
      {
        label: 'apns-prod',
        key: { apnsKey: { keyId: 'ABC123DEFG', teamId: 'DEF123GHIJ' } },
        defaultTopic: 'com.example.app',
        target: { authorized: true, tls: { identity: undefined } },
      },
      {
        label: 'apns-dev',
        key: undefined,
        target: { authorized: false, tls: { identity: { kind: 'pem' } } },
      },
    ])
  })

  test.each([
    ['PEM files', 'cert_file = "cert.pem"\nprivate_key_file = "cert.key"', 'pem'],
    ['one PEM file', 'cert_file = "cert-both.pem"\nprivate_key_file = "cert-both.pem"', 'pem'],
    ['a .p12 file', 'cert_file = "apns.p12"\npassphrase_file = "sauce"', 'pfx'],
  ])('of APNs may have its certificate in %s', (_what, keys, kind) => {
    const { config } = sound(`[[gateway.apns]]\n${keys}`)
    expect(gatewayPools(config)[0]?.target.tls.identity?.kind).toBe(kind)
    expect(config.gateway.apns[0]?.identity?.reveal().commonName).toBe(commonName)
  })
})

describe('what vouches for us', () => {
  test('never shows, however the configuration is printed', () => {
    const { config } = sound(
      `${component}[gateway]\ntoken_file = "tokens"\ntls.cert_file = "cert.pem"\ntls.key_file = "cert.key"\n${fcm}${apnsKey}${apnsCertificate}`,
    )
    for (const shown of [
      JSON.stringify(config),
      JSON.stringify(redacted(config)),
      inspect(config, { depth: null }),
    ]) {
      expect(shown).not.toMatch(/BEGIN|hush|pushd@/)
      expect(shown).toContain('account.json')
    }
    expect(Object.keys((redacted(config).gateway as { fcm: object[] }).fcm[0] ?? {})).not.toContain('account')
  })

  test('is not in any fault', () => {
    put('bad.json', serviceAccountText({ private_key: 'hush', type: 'service_account' }))
    put('odd.json', serviceAccountText({ project_id: 'HUSH', client_email: 'hush' }))
    put('broken.p8', '-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n')
    const faults = faultsOf(
      `${fcm.replace('account.json', 'bad.json')}${fcm.replace('account.json', 'odd.json')}tags = ["a"]\n${apnsKey.replace('apns.p8', 'broken.p8')}`,
    )
    expect(faults).toHaveLength(3)
    expect(faults.join()).not.toMatch(/hush/i)
  })
})

describe('a listener that others reach', () => {
  const listener = '[gateway]\nlisten = "0.0.0.0:1"\ntls.cert_file = "cert.pem"\ntls.key_file = "cert.key"\n'

  test.each([
    ['tokens', 'token_file = "tokens"'],
    ['certificates of clients', 'tls.client_ca_file = "authority.pem"'],
    ['both', 'token_file = "tokens"\ntls.client_ca_file = "authority.pem"'],
    ['tokens, whatever is open', 'token_file = "tokens"\nopen = true'],
  ])('is for those with %s, and nothing is to be said of that', (_what, keys) => {
    expect(notesOf(component + listener + keys + fcm.replace(/^/, '\n'))).toEqual([])
  })

  test('takes each line of a token file for the token of a caller', () => {
    const tokens = sound('[gateway]\ntoken_file = "tokens"').config.gateway.tokens?.reveal()
    expect(tokens?.has('hush-first')).toBe(true)
    expect(tokens?.has('hush-second')).toBe(true)
    for (const other of ['', 'hush-first\r', 'hush-firs', 'hush-third'])
      expect(tokens?.has(other)).toBe(false)
  })
})

describe('a note on the gateway role', () => {
  test.each([
    ['[gateway]\nlisten = "127.0.0.1:1"', /^there is no \[\[gateway\.fcm\]\] or \[\[gateway\.apns\]\]/],
    [
      `[push]\ngateway = "mongoosepush"\n${fcm}`,
      /^push\.gateway is "mongoosepush" and gateway\.listen is empty/,
    ],
    [apnsKey.replace(/default_topic.*\n/, ''), /^gateway\.apns\[0\]\.default_topic is empty/],
    [
      `[gateway]\nlisten = "0.0.0.0:1"\nopen = true\ntls.cert_file = "cert.pem"\ntls.key_file = "cert.key"\n${fcm}`,
      /^gateway\.open is true: everybody who reaches gateway\.listen can push to your apps$/,
    ],
    [`[gateway]\nrequest_timeout_ms = 20_000\n${fcm}`, /^gateway\.request_timeout_ms is not below/],
  ])('%j: %s', (toml, expected) => {
    expect(notesOf(component + toml)).toEqual([expect.stringMatching(expected)])
  })

  test('is none where all is as it should be', () => {
    expect(notesOf(component + fcm + apnsKey + apnsCertificate)).toEqual([])
  })
})
