import { describe, expect, test } from 'vitest'
import { faultsOf } from './loading.ts'
import { apnsCertificate, apnsKey, fcm } from './provider-files.ts'

const withoutFile = '[[gateway.fcm]]\n'
const bare = '[[gateway.apns]]\n'

describe('a fault of the gateway role', () => {
  test.each([
    [
      'a listener that others reach, without TLS',
      '[gateway]\nlisten = "0.0.0.0:8443"\nopen = true',
      'gateway.tls.cert_file: is empty while gateway.listen is "0.0.0.0:8443", allowed: a certificate, or a listener on loopback or a unix socket',
    ],
    [
      'a listener that others reach, without a word on who may push',
      '[gateway]\nlisten = "0.0.0.0:8443"\ntls.cert_file = "cert.pem"\ntls.key_file = "cert.key"',
      'gateway.token_file: is empty while gateway.listen is "0.0.0.0:8443", allowed: a file with a token for each caller, gateway.tls.client_ca_file, or gateway.open = true if everyone who reaches it may push',
    ],
    [
      'authorities of clients without TLS',
      '[gateway]\ntls.client_ca_file = "authority.pem"',
      'gateway.tls.client_ca_file: is given without gateway.tls.cert_file, allowed: both or none',
    ],
    [
      'tokens that are none',
      '[gateway]\ntoken_file = "spaced-tokens"',
      /^pushd\.toml: gateway\.token_file: names ".*", which has no token on line 2, allowed: one token on each line, of printable ASCII without spaces$/,
    ],
    [
      'tokens that are not there',
      '[gateway]\ntoken_file = "empty"',
      /gateway\.token_file: names ".*", which is empty, allowed: one token on each line, of printable ASCII without spaces$/,
    ],
    [
      'a token of the HTTP server that no header can bring',
      '[http]\ntoken_file = "spaced-token"',
      /^pushd\.toml: http\.token_file: names ".*", which has no token, allowed: one token, of printable ASCII without spaces$/,
    ],
    [
      'a listener that is no address',
      '[gateway]\nlisten = "8443"',
      'gateway.listen: is "8443", allowed: host:port, [IPv6]:port, unix:/path, or empty',
    ],
    [
      'a certificate without a key',
      '[gateway]\ntls.cert_file = "cert.pem"',
      'gateway.tls.key_file: is missing, allowed: the PEM file of the key of gateway.tls.cert_file',
    ],
    [
      'a key without a certificate',
      '[gateway]\ntls.key_file = "cert.key"',
      'gateway.tls.cert_file: is missing, allowed: the PEM file of the certificate of gateway.tls.key_file',
    ],
    [
      'the key of another certificate',
      '[gateway]\ntls.cert_file = "cert.pem"\ntls.key_file = "other.key"',
      /^pushd\.toml: gateway\.tls\.key_file: names ".*other\.key", which holds a key that is not that of a certificate in ".*cert\.pem", allowed: the key of the certificate$/,
    ],
    [
      'a share that is none',
      '[gateway]\nsuspect_share = 0.0',
      'gateway.suspect_share: is 0, allowed: a number above 0, up to 1',
    ],
    [
      'a key that is unknown',
      `${fcm}service_acount_file = "x"`,
      'gateway.fcm[0].service_acount_file: is not a known key, the nearest known one is gateway.fcm.service_account_file',
    ],
    [
      'one pool that should be a list',
      '[gateway.apns]\nmode = "prod"',
      'gateway.apns: is a table, allowed: a list of tables',
    ],
    [
      'direct pushes without pools',
      '[push]\ngateway = "direct"',
      'push.gateway: is "direct" while there is no [[gateway.fcm]] or [[gateway.apns]], allowed: "mongoosepush", or a pool',
    ],
    [
      'a word for the gateway that is none',
      '[push]\ngateway = "apns"',
      'push.gateway: is "apns", allowed: mongoosepush, direct',
    ],
    [
      'a mode that FCM pools cannot have',
      `${fcm}mode = "test"`,
      'gateway.fcm[0].mode: is "test", allowed: prod, dev, or empty',
    ],
    [
      'a mode that APNs pools cannot have',
      `${apnsKey}mode = ""`,
      'gateway.apns[0].mode: is empty, allowed: prod, dev',
    ],
    ['another port', `${apnsKey}port = 80`, 'gateway.apns[0].port: is 80, allowed: 443, 2197'],
    [
      'an endpoint without TLS',
      `${fcm}endpoint = "http://localhost:1"`,
      'gateway.fcm[0].endpoint: is "http://localhost:1", allowed: https://host or https://host:port, without path and user',
    ],
    [
      'an endpoint with a path',
      `${apnsKey}endpoint = "https://localhost/3"`,
      'gateway.apns[0].endpoint: is "https://localhost/3", allowed: https://host or https://host:port, without path and user, or empty',
    ],
    ['no FCM endpoint', `${fcm}endpoint = ""`, /gateway\.fcm\[0\]\.endpoint: is empty, allowed: https:/],
    [
      'a topic that is none',
      apnsKey.replace('com.example.app', 'com example'),
      'gateway.apns[0].default_topic: is "com example", allowed: a bundle id such as com.example.app, or empty',
    ],
    [
      'no service account',
      withoutFile,
      'gateway.fcm[0].service_account_file: is missing, allowed: the JSON file of a service account’s key',
    ],
    [
      'neither key nor certificate',
      bare,
      'gateway.apns[0].key_file: is missing, allowed: the .p8 file of a key, or a certificate in cert_file',
    ],
    [
      'key and certificate',
      `${apnsKey}cert_file = "cert.pem"`,
      'gateway.apns[0].key_file: is given and so is cert_file, allowed: one of them',
    ],
    [
      'a key without its id',
      `${bare}key_file = "apns.p8"\nteam_id = "DEF123GHIJ"`,
      'gateway.apns[0].key_id: is missing, allowed: ten characters A–Z and 0–9',
    ],
    [
      'a key id that is none',
      apnsKey.replace('ABC123DEFG', 'abc123defg'),
      'gateway.apns[0].key_id: is "abc123defg", allowed: ten characters A–Z and 0–9',
    ],
    [
      'a team id that is none',
      apnsKey.replace('DEF123GHIJ', 'DEF123GHI'),
      'gateway.apns[0].team_id: is "DEF123GHI", allowed: ten characters A–Z and 0–9',
    ],
    [
      'a key id beside a certificate',
      `${apnsCertificate}key_id = "ABC123DEFG"`,
      'gateway.apns[0].key_id: is given without key_file, allowed: both or none',
    ],
    [
      'a passphrase for a key that is not encrypted',
      `${apnsKey}passphrase_file = "sauce"`,
      /gateway\.apns\[0\]\.passphrase_file: is given, but ".*apns\.p8" holds a key that is not encrypted, allowed: an encrypted key, or no passphrase_file$/,
    ],
    [
      'a passphrase without a key',
      '[gateway]\ntls.passphrase_file = "sauce"',
      'gateway.tls.passphrase_file: is given without gateway.tls.key_file, allowed: both or none',
    ],
    [
      'a PEM certificate without its key',
      `${bare}cert_file = "cert.pem"`,
      'gateway.apns[0].private_key_file: is missing, allowed: the PEM file of the certificate’s key, which may be the same',
    ],
    [
      'a passphrase for PEM that is not encrypted',
      `${apnsCertificate}passphrase_file = "sauce"`,
      /gateway\.apns\[0\]\.passphrase_file: is given, but ".*cert\.key" holds a key that is not encrypted, allowed: an encrypted key, or no passphrase_file$/,
    ],
    [
      'a .p12 without its passphrase',
      `${bare}cert_file = "apns.p12"`,
      /gateway\.apns\[0\]\.cert_file: names ".*apns\.p12", which cannot be opened: the passphrase is wrong or missing, allowed: PEM, or a \.p12 file and its passphrase_file$/,
    ],
    [
      'a .p12 of an old kind',
      `${bare}cert_file = "apns-rc2.p12"\npassphrase_file = "sauce"`,
      /gateway\.apns\[0\]\.cert_file: names ".*", which is encrypted in a way that OpenSSL 3 no longer reads; convert it: openssl pkcs12 -legacy/,
    ],
    [
      'a passphrase file with several lines',
      `${bare}cert_file = "apns.p12"\npassphrase_file = "lines"`,
      /gateway\.apns\[0\]\.passphrase_file: names ".*lines", which has several lines, allowed: one line$/,
    ],
    [
      'a key that is no key',
      apnsKey.replace('apns.p8', 'cert.pem'),
      /gateway\.apns\[0\]\.key_file: names ".*cert\.pem", which holds no private key in PEM, allowed: the \.p8 file of an APNs key, from the Apple developer account$/,
    ],
    [
      'a key file that is not there',
      apnsKey.replace('apns.p8', 'nowhere.p8'),
      /gateway\.apns\[0\]\.key_file: names ".*nowhere\.p8", which does not exist, allowed: a file that can be read$/,
    ],
    [
      'an account that is no JSON',
      fcm.replace('account.json', 'apns.p8'),
      /gateway\.fcm\[0\]\.service_account_file: names ".*apns\.p8", which is no JSON object, allowed: the JSON file of a service account’s key, from the Firebase console$/,
    ],
    [
      'an authority that is none',
      `${fcm}tls.ca_file = "account.json"`,
      /gateway\.fcm\[0\]\.tls\.ca_file: names ".*account\.json", which holds no certificate in PEM/,
    ],
    [
      'a pool behind one that takes all',
      `${fcm}tags = ["a", "b"]\n${fcm}mode = "prod"\ntags = ["b"]`,
      'gateway.fcm[1].tags: leave it no push: gateway.fcm[0] before it takes them all, allowed: a mode or tags of its own',
    ],
    [
      'a pool behind two that take all',
      `${fcm}mode = "prod"\n${fcm}mode = "dev"\n${fcm}`,
      'gateway.fcm[2].tags: leave it no push: gateway.fcm[0] and gateway.fcm[1] before it take them all, allowed: a mode or tags of its own',
    ],
    [
      'the domain that stands for what came in over the served API',
      '[[component]]\ndomain = "(gateway)"\nsecret = "x"',
      'component[0].domain: is "(gateway)", allowed: a domain in lower case, such as pubsub.example.com',
    ],
  ])('names %s', (_what, toml, expected) => {
    const faults = faultsOf(toml)
    expect(faults).toHaveLength(1)
    if (typeof expected === 'string') expect(faults[0]).toBe(`pushd.toml: ${expected}`)
    else expect(faults[0]).toMatch(expected)
  })

  test.each([
    ['of different services', fcm + apnsKey],
    ['of different modes', `${apnsKey}${apnsCertificate}`],
    ['with more tags than the one before', `${fcm}tags = ["a"]\n${fcm}tags = ["a", "b"]`],
    ['for all modes after one for one', `${fcm}mode = "prod"\n${fcm}`],
  ])('is not a pool behind another, where they are %s', (_what, toml) => {
    expect(faultsOf(toml)).toEqual([])
  })

  test.each(['127.0.0.1:1', '[::1]:1', 'unix:/run/x.sock'])('is not plain HTTP on %s', (listen) => {
    expect(faultsOf(`[gateway]\nlisten = "${listen}"`)).toEqual([])
  })
})
