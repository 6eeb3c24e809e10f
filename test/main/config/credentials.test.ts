import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { gatewayPools } from '../../../src/main/gateway-pools.ts'
import { component, dir, faultsOf, sound } from './loading.ts'
import { apnsCertificate, apnsKey, fcm, put, serviceAccountText } from './provider-files.ts'

const text = (name: string) => readFileSync(join(dir, name), 'utf8')
const utf16 = (content: string) => Buffer.from(content, 'utf16le')
const listener = '[gateway]\ntls.cert_file = "cert.pem"\ntls.key_file = "cert.key"\n'

const encodings: [string, (content: string) => Buffer][] = [
  ['UTF-8 with a byte order mark', (content) => Buffer.from(`\ufeff${content}`)],
  ['UTF-16, little-endian', (content) => utf16(`\ufeff${content}`)],
  ['UTF-16, big-endian', (content) => utf16(`\ufeff${content}`).swap16()],
  ['UTF-16 without a mark', utf16],
  ['big-endian UTF-16 without a mark', (content) => utf16(content).swap16()],
]

describe('a file in another encoding is read', () => {
  test.each(encodings)('%s: a secret, an account, keys, certificates and authorities', (_, encode) => {
    const recoded = (name: string, content = text(name)) => {
      writeFileSync(join(dir, `recoded-${name}`), encode(content))
      return `recoded-${name}`
    }
    const { config } = sound(
      '[[component]]\ndomain = "push.example"\n' +
        `secret_file = "${recoded('secret')}"\n` +
        `[mongoosepush]\ntls.ca_file = "${recoded('authority.pem')}"\n` +
        `[gateway]\ntls.cert_file = "${recoded('cert.pem')}"\ntls.key_file = "${recoded('cert.key')}"\n` +
        fcm.replace('account.json', recoded('account.json')) +
        apnsKey.replace('apns.p8', recoded('apns.p8')) +
        apnsCertificate
          .replace('"cert.pem"', '"recoded-cert.pem"')
          .replace('"cert.key"', '"recoded-cert.key"'),
    )
    expect(config.component[0]?.secret.reveal()).toBe('from-file')
    expect(config.gateway.fcm[0]?.account.reveal().account.projectId).toBe('example-project')
    expect(config.gateway.apns[1]?.identity?.reveal().identity).toMatchObject({ kind: 'pem' })
  })
})

const asTwoCharacters = (pem: string) => pem.replaceAll('\n', '\\n')
const onOneLine = (pem: string) => pem.replaceAll('\n', '')
const withSpaces = (pem: string) => pem.replaceAll('\n', ' ')
const withText = (pem: string) =>
  `Bag Attributes\r\n  friendlyName: x\r\n${pem.replaceAll('\n', '\r\n')}Thank you`

describe('PEM is read as people have it', () => {
  test.each([
    ['with \\n as two characters', asTwoCharacters],
    ['on one line', onOneLine],
    ['on one line, with spaces', withSpaces],
    ['with text around it', withText],
  ])('%s', (_, change) => {
    for (const name of ['apns.p8', 'cert.pem', 'cert.key', 'authority.pem']) {
      put(`changed-${name}`, change(text(name)))
    }
    const account = JSON.parse(text('account.json')) as { private_key: string }
    put('changed.json', JSON.stringify({ ...account, private_key: change(account.private_key) }))
    const { config } = sound(
      `${component}[mongoosepush]\ntls.ca_file = "changed-authority.pem"\n` +
        fcm.replace('account.json', 'changed.json') +
        apnsKey.replace('apns.p8', 'changed-apns.p8') +
        apnsCertificate.replaceAll('"cert.', '"changed-cert.'),
    )
    expect(config.mongoosepush.tls.ca).toBe(new X509Certificate(text('authority.pem')).toString())
    expect(config.gateway.apns[0]?.key?.reveal().equals(createPrivateKey(text('apns.p8')))).toBe(true)
    expect(config.gateway.fcm[0]?.account.reveal().privateKey.asymmetricKeyType).toBe('rsa')
  })
})

describe('a PEM key that is encrypted', () => {
  const key = () => createPrivateKey(text('cert.key'))
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'sauce', format: 'pem' } as const
  const old = () => (key().asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1')
  const kinds: [string, () => string][] = [
    ['as PKCS #8', () => String(key().export({ ...cipher, type: 'pkcs8' }))],
    ['the old way', () => String(key().export({ ...cipher, type: old() as 'pkcs1' }))],
    [
      'the old way, on one line',
      () => withSpaces(String(key().export({ ...cipher, type: old() as 'pkcs1' }))),
    ],
    ['with \\n as two characters', () => asTwoCharacters(String(key().export({ ...cipher, type: 'pkcs8' })))],
  ]
  const encrypted = apnsCertificate.replace('cert.key', 'encrypted.key')

  test.each(kinds)('%s is opened with passphrase_file', (_, made) => {
    put('encrypted.key', made())
    const { config } = sound(`${encrypted}passphrase_file = "sauce"`)
    const identity = config.gateway.apns[0]?.identity?.reveal().identity
    expect(identity?.kind === 'pem' && createPrivateKey(identity.key).equals(key())).toBe(true)
    const served = `${listener.replace('cert.key', 'encrypted.key')}tls.passphrase_file = "sauce"`
    expect(sound(served).config.gateway.tls.identity).toBeDefined()
  })

  test('of APNs (.p8) is, too', () => {
    const p8 = createPrivateKey(text('apns.p8'))
    put('encrypted.p8', String(p8.export({ ...cipher, type: 'pkcs8' })))
    const { config } = sound(`${apnsKey.replace('apns.p8', 'encrypted.p8')}passphrase_file = "sauce"`)
    expect(config.gateway.apns[0]?.key?.reveal().equals(p8)).toBe(true)
  })

  test.each(kinds)('%s: the file at fault is named', (_, made) => {
    put('encrypted.key', made())
    put('ketchup', 'ketchup')
    expect(faultsOf(encrypted)).toEqual([
      expect.stringMatching(
        /gateway\.apns\[0\]\.private_key_file: names ".*encrypted\.key", which holds a key that is encrypted, allowed: its passphrase in gateway\.apns\[0\]\.passphrase_file$/,
      ),
    ])
    expect(faultsOf(`${encrypted}passphrase_file = "ketchup"`)).toEqual([
      expect.stringMatching(
        /gateway\.apns\[0\]\.passphrase_file: names ".*ketchup", which is not the passphrase of ".*encrypted\.key"/,
      ),
    ])
  })
})

describe('a chain of certificates', () => {
  test('may come in any order: the certificate of the key is shown first', () => {
    const [leaf, issuer, other] = ['cert.pem', 'authority.pem', 'other.pem'].map(text) as [
      string,
      string,
      string,
    ]
    const right = [leaf, issuer, other].map((pem) => new X509Certificate(pem).toString()).join('')
    for (const order of [leaf + issuer + other, other + issuer + leaf, issuer + other + leaf]) {
      put('chain.pem', order)
      const { config } = sound(apnsCertificate.replace('cert.pem', 'chain.pem'))
      const { identity, commonName } = config.gateway.apns[0]?.identity?.reveal() ?? {}
      expect(identity).toMatchObject({ kind: 'pem', cert: right })
      expect(commonName).toBe('Apple Push Services: com.example.app')
    }
  })

  test('with a certificate that cannot be read is a fault of its file', () => {
    put('torn.pem', `${text('cert.pem')}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`)
    expect(faultsOf(apnsCertificate.replace('cert.pem', 'torn.pem'))).toEqual([
      expect.stringMatching(
        /gateway\.apns\[0\]\.cert_file: names ".*torn\.pem", which holds a certificate that cannot be read/,
      ),
    ])
  })
})

describe('a service account', () => {
  const withAccount = (changes: Readonly<Record<string, unknown>>) => {
    put('changed.json', serviceAccountText(changes))
    return fcm.replace('account.json', 'changed.json')
  }

  test.each(['fake_name', 'Ünlikely', 'a', 'example.com:project'])(
    'has any project_id: %j is taken as it is',
    (project_id) => {
      const [pool] = gatewayPools(sound(withAccount({ project_id })).config)
      expect(pool).toMatchObject({ projectId: project_id })
    },
  )

  test('of another universe_domain is a fault, unless the endpoint is that of FCM there', () => {
    const other = withAccount({ universe_domain: 'cloud.example' })
    expect(faultsOf(other)).toEqual([
      expect.stringMatching(
        /gateway\.fcm\[0\]\.service_account_file: names ".*changed\.json", which has the universe_domain "cloud\.example", allowed: googleapis\.com; for another, set endpoint/,
      ),
    ])
    const [pool] = gatewayPools(sound(`${other}endpoint = "https://fcm.cloud.example"`).config)
    expect(pool?.target.origin).toBe('https://fcm.cloud.example')
    expect(sound(withAccount({ universe_domain: 'googleapis.com' })).config.gateway.fcm).toHaveLength(1)
  })
})
