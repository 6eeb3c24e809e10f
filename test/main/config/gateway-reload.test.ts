import { describe, expect, test } from 'vitest'
import { changedKeys } from '../../../src/main/config/reload.ts'
import { newApnsKey } from '../../../src/sandbox/providers/apns.ts'
import { faultsOf, sound } from './loading.ts'
import { apnsCertificate, apnsKey, fcm, put, putCertificate, serviceAccountText } from './provider-files.ts'

putCertificate('cert')
const pools = fcm + apnsKey + apnsCertificate
const role = '[gateway]\nlisten = "127.0.0.1:1"\ntls.cert_file = "cert.pem"\ntls.key_file = "cert.key"\n'

function reload(before: string, change: () => void, after = before) {
  const running = sound(before).config
  change()
  const { config, applied, needsRestart } = changedKeys(running, sound(after).config)
  return { running, config, applied, needsRestart }
}

describe('reread keys of providers', () => {
  test('are the same ones where their files are', () => {
    const { applied, needsRestart, running, config } = reload(role + pools, () => undefined)
    expect({ applied, needsRestart }).toEqual({ applied: [], needsRestart: [] })
    expect(config.gateway.fcm[0]?.account).toBe(running.gateway.fcm[0]?.account)
  })

  test('are taken over from files of the same names', () => {
    const { running, config, applied, needsRestart } = reload(role + pools, () => {
      put('account.json', serviceAccountText())
      put('apns.p8', newApnsKey('ABC123DEFG', 'DEF123GHIJ').key)
      putCertificate('cert')
    })
    expect(applied).toEqual([
      'gateway.tls.cert_file',
      'gateway.fcm[0].service_account_file',
      'gateway.apns[0].key_file',
      'gateway.apns[1].cert_file',
    ])
    expect(needsRestart).toEqual([])
    expect(config.gateway.apns[0]?.key).not.toBe(running.gateway.apns[0]?.key)
    expect(config.gateway.apns[1]?.key).toBe(running.gateway.apns[1]?.key)
  })

  test('are taken over from other files, with their ids', () => {
    put('next.p8', newApnsKey('NEXT23DEFG', 'DEF123GHIJ').key)
    const after = apnsKey.replace('apns.p8', 'next.p8').replace('ABC123DEFG', 'NEXT23DEFG')
    const { config, applied, needsRestart } = reload(apnsKey, () => undefined, after)
    expect(applied).toEqual(['gateway.apns[0].key_file', 'gateway.apns[0].key_id'])
    expect(needsRestart).toEqual([])
    expect(config.gateway.apns[0]?.key_id).toBe('NEXT23DEFG')
  })

  test.each([
    [
      'there are more pools',
      fcm + apnsKey,
      `${fcm}mode = "prod"\n${fcm}mode = "dev"\n${apnsKey}`,
      'gateway.fcm',
    ],
    ['a pool has other tags', fcm, `${fcm}tags = ["a"]`, 'gateway.fcm[0].tags'],
    ['a pool has a certificate instead', apnsKey, apnsCertificate.replace('dev', 'prod'), 'gateway.apns[0]'],
  ])('wait for a restart where %s', (_what, before, after, waiting) => {
    const { running, config, applied, needsRestart } = reload(
      before,
      () => put('account.json', serviceAccountText()),
      after,
    )
    expect(applied).toEqual([])
    expect(needsRestart).toContain(waiting)
    expect(config.gateway).toEqual(running.gateway)
  })

  test('wait for a restart where they are of another project', () => {
    const { applied, needsRestart } = reload(fcm, () =>
      put('account.json', serviceAccountText({ project_id: 'another-project' })),
    )
    expect(applied).toEqual([])
    expect(needsRestart).toEqual(['gateway.fcm[0]', 'gateway.fcm[0].service_account_file'])
  })

  test('of the listener wait for a restart where there was no TLS', () => {
    const { running, config, applied, needsRestart } = reload(
      '[gateway]\nlisten = "127.0.0.1:1"',
      () => undefined,
      role,
    )
    expect({ applied, needsRestart }).toEqual({ applied: [], needsRestart: ['gateway.tls'] })
    expect(config.gateway.tls).toEqual(running.gateway.tls)
  })

  test('do not hold up what else is renewed', () => {
    const { applied, needsRestart } = reload(
      fcm + apnsKey,
      () => put('apns.p8', newApnsKey('ABC123DEFG', 'DEF123GHIJ').key),
      `${fcm}connections = 3\n${apnsKey}`,
    )
    expect(applied).toEqual(['gateway.apns[0].key_file'])
    expect(needsRestart).toEqual(['gateway.fcm[0].connections'])
  })

  test('are not looked at where anything is wrong with them', () => {
    put('cert.key', 'nonsense')
    expect(faultsOf(apnsCertificate)).toEqual([
      expect.stringMatching(
        /^pushd\.toml: gateway\.apns\[0\]\.private_key_file: names ".*cert\.key", which holds no private key in PEM/,
      ),
    ])
  })
})

describe('who may push by way of the served API', () => {
  putCertificate('listener')
  const role = `[gateway]\nlisten = "127.0.0.1:1"\ntls.cert_file = "listener.pem"\ntls.key_file = "listener.key"\n`
  const callers = `${role}token_file = "reread-tokens"\ntls.client_ca_file = "authority.pem"\n`

  test('is reread from files of the same names', () => {
    put('reread-tokens', 'one\n')
    const { config, applied, needsRestart } = reload(callers, () => put('reread-tokens', 'one\ntwo\n'))
    expect({ applied, needsRestart }).toEqual({ applied: ['gateway.token_file'], needsRestart: [] })
    expect(config.gateway.tokens?.reveal().has('two')).toBe(true)
  })

  test('may be told by tokens where it was not, and the other way round', () => {
    put('reread-tokens', 'one\n')
    const asked = `${role}token_file = "reread-tokens"\n`
    const { config, needsRestart } = reload(role, () => undefined, asked)
    expect(config.gateway.tokens?.reveal().has('one')).toBe(true)
    expect(needsRestart).toEqual([])
    expect(reload(asked, () => undefined, role).config.gateway.tokens).toBeUndefined()
  })

  test('waits for a restart where certificates of clients come or go', () => {
    const asked = `${role}tls.client_ca_file = "authority.pem"\n`
    const { config, needsRestart } = reload(role, () => undefined, asked)
    expect(needsRestart).toEqual(['gateway.tls'])
    expect(config.gateway.tls.client_ca).toBeUndefined()
  })
})
