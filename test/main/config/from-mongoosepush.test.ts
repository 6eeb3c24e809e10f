import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { gatewayTables, parseEnvironment } from '../../../src/main/config/from-mongoosepush.ts'
import { gatewayPools } from '../../../src/main/gateway-pools.ts'
import { newApnsKey } from '../../../src/sandbox/providers/apns.ts'
import { dir, sound } from './loading.ts'
import { put, putCertificate, serviceAccountText } from './provider-files.ts'

/** What the text says to us. */
function gatewayOf(text: string): unknown {
  return (parse(text) as { gateway: unknown }).gateway
}

const file = `
[general]
  [general.https]
    bind = { addr = "0.0.0.0", port = 8443 }
    num_acceptors = 100
    certfile = "priv/ssl/cert.pem"
    keyfile = "priv/ssl/key.pem"

[[service.fcm]]
  tags = ["tag1", "tag2"]
  [service.fcm.connection]
    endpoint = "localhost"
    port = 4000
    count = 10
  [service.fcm.auth]
    appfile = "priv/fcm/token.json"

[[service.apns]]
  mode = "dev"
  default_topic = "some.topic"
  tags = ["tag1"]
  [service.apns.connection]
    use_2197 = true
    count = 10
  [service.apns.auth.token]
    key_id = "ABC123DEFG"
    team_id = "DEF123GHIJ"
    tokenfile = "priv/apns/token.p8"

[[service.apns]]
  mode = "prod"
  [service.apns.connection]
    endpoint = "localhost"
  [service.apns.auth.certificate]
    keyfile = "priv/apns/key.pem"
    certfile = "priv/apns/cert.pem"
`

describe('a TOML file of MongoosePush’s', () => {
  test('comes to the pools that it names, in their order', () => {
    expect(gatewayOf(gatewayTables(parse(file), {}))).toEqual({
      listen: '0.0.0.0:8443',
      open: true,
      tls: { cert_file: 'priv/ssl/cert.pem', key_file: 'priv/ssl/key.pem' },
      fcm: [
        {
          service_account_file: 'priv/fcm/token.json',
          mode: '',
          tags: ['tag1', 'tag2'],
          endpoint: 'https://localhost:4000',
        },
      ],
      apns: [
        {
          mode: 'dev',
          key_file: 'priv/apns/token.p8',
          key_id: 'ABC123DEFG',
          team_id: 'DEF123GHIJ',
          default_topic: 'some.topic',
          tags: ['tag1'],
          port: 2197,
        },
        {
          mode: 'prod',
          cert_file: 'priv/apns/cert.pem',
          private_key_file: 'priv/apns/key.pem',
          endpoint: 'https://localhost',
        },
      ],
    })
  })

  test('has the listener filled in from the environment, but not the providers', () => {
    const environment = { PUSH_HTTPS_BIND_ADDR: '::1', PUSH_HTTPS_PORT: '9443', PUSH_FCM_ENABLED: 'true' }
    const text = gatewayTables(parse('[general.https]\ncertfile = "c.pem"\n'), environment)
    expect(gatewayOf(text)).toEqual({ listen: '[::1]:9443', tls: { cert_file: 'c.pem' } })
    expect(text).toContain('#tls.key_file = ""   # MongoosePush had none')
    expect(text).toContain('names no provider')
  })

  test('says what is missing in place, and takes no value of a wrong kind', () => {
    const odd = {
      service: { apns: [{ mode: 5, auth: { token: {} } }, 'nonsense'], fcm: 'none' },
      general: [],
    }
    expect(gatewayTables(odd, {})).toContain(
      [
        '[[gateway.apns]]',
        'mode = "prod"',
        '#key_file = ""   # MongoosePush had none',
        '#key_id = ""   # MongoosePush had none',
        '#team_id = ""   # MongoosePush had none',
        '#default_topic = ""   # MongoosePush had none',
      ].join('\n'),
    )
  })
})

describe('an environment of MongoosePush’s', () => {
  test('is told from a TOML file, and read as Docker and shells do', () => {
    expect(parseEnvironment(file)).toBeUndefined()
    expect(
      parseEnvironment('# a comment\nPUSH_HTTPS_PORT=8443\nexport PUSH_FCM_APP_FILE="/a b.json"\r\nempty\n'),
    ).toEqual({ PUSH_HTTPS_PORT: '8443', PUSH_FCM_APP_FILE: '/a b.json' })
  })

  test('comes to one pool for FCM and two for APNs, with MongoosePush’s own defaults', () => {
    const environment = {
      PUSH_FCM_ENABLED: 'true',
      PUSH_APNS_ENABLED: 'true',
      PUSH_APNS_AUTH_TYPE: 'token',
      PUSH_APNS_PROD_KEY_ID: 'ABC123DEFG',
      PUSH_APNS_PROD_TEAM_ID: 'DEF123GHIJ',
      PUSH_APNS_PROD_DEFAULT_TOPIC: 'some.topic',
      PUSH_APNS_DEV_USE_2197: 'true',
      PUSH_APNS_DEV_ENDPOINT: 'localhost',
    }
    expect(gatewayOf(gatewayTables(undefined, environment))).toEqual({
      listen: '127.0.0.1:8443',
      fcm: [{ service_account_file: 'priv/fcm/token.json', mode: '' }],
      apns: [
        { mode: 'dev', key_file: 'priv/apns/token.p8', port: 2197, endpoint: 'https://localhost:2197' },
        {
          mode: 'prod',
          key_file: 'priv/apns/token.p8',
          key_id: 'ABC123DEFG',
          team_id: 'DEF123GHIJ',
          default_topic: 'some.topic',
        },
      ],
    })
  })

  test.each([
    [{ PUSH_APNS_PROD_CERT: '/c.pem' }, '/c.pem'],
    [{ PUSH_APNS_AUTH_TYPE: 'certificate', PUSH_APNS_ENABLED: 'true' }, 'priv/apns/prod_cert.pem'],
  ])('%j has a certificate for APNs', (environment, certificate) => {
    expect(gatewayOf(gatewayTables(undefined, environment))).toMatchObject({
      apns: [
        { mode: 'dev', cert_file: 'priv/apns/dev_cert.pem' },
        { mode: 'prod', cert_file: certificate },
      ],
    })
  })

  test('has what is switched off left out', () => {
    const environment = { PUSH_FCM_ENABLED: 'false', PUSH_FCM_APP_FILE: '/token.json' }
    expect(gatewayOf(gatewayTables(undefined, environment))).toEqual({ listen: '127.0.0.1:8443' })
  })
})

describe('what a configuration of MongoosePush’s comes to', () => {
  const files = ['priv/ssl/cert', 'priv/apns/cert', 'priv/apns/dev_cert', 'priv/apns/prod_cert']
  for (const folder of ['priv', 'priv/ssl', 'priv/apns', 'priv/fcm']) mkdirSync(join(dir, folder))
  for (const file of files) putCertificate(file)
  for (const file of files)
    renameSync(join(dir, `${file}.key`), join(dir, `${file.replace('cert', 'key')}.pem`))
  put('priv/fcm/token.json', serviceAccountText())
  put('priv/apns/token.p8', newApnsKey('', '').key)

  test.each([
    ['a TOML file', gatewayTables(parse(file), {}), ['fcm[tag1,tag2]', 'apns-dev[tag1]', 'apns-prod']],
    [
      'an environment with a key',
      gatewayTables(undefined, {
        PUSH_HTTPS_CERTFILE: 'priv/ssl/cert.pem',
        PUSH_HTTPS_KEYFILE: 'priv/ssl/key.pem',
        PUSH_HTTPS_BIND_ADDR: '0.0.0.0',
        PUSH_FCM_ENABLED: 'true',
        PUSH_APNS_ENABLED: 'true',
        PUSH_APNS_AUTH_TYPE: 'token',
        PUSH_APNS_DEV_KEY_ID: 'ABC123DEFG',
        PUSH_APNS_DEV_TEAM_ID: 'DEF123GHIJ',
        PUSH_APNS_PROD_KEY_ID: 'ABC123DEFG',
        PUSH_APNS_PROD_TEAM_ID: 'DEF123GHIJ',
      }),
      ['fcm', 'apns-dev', 'apns-prod'],
    ],
    [
      'an environment with certificates',
      gatewayTables(undefined, { PUSH_APNS_ENABLED: 'true', PUSH_APNS_AUTH_TYPE: 'certificate' }),
      ['apns-dev', 'apns-prod'],
    ],
  ])('of %s is taken by the daemon, where the files are in place', (_what, text, labels) => {
    const { config } = sound(text)
    expect(gatewayPools(config).map(({ label }) => label)).toEqual(labels)
    expect(config.gateway.listen).not.toBe('')
  })
})
