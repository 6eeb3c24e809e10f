import { readFileSync } from 'node:fs'
import { stringify } from 'smol-toml'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runCommandLine } from '../../src/main/command-line.ts'
import { newApnsKey } from '../../src/sandbox/providers/apns.ts'
import { Authority } from '../../src/sandbox/providers/authority.ts'
import { freePort } from '../support/free-port.ts'
import { Providers } from '../support/providers.ts'
import { serviceAccountText } from './config/provider-files.ts'

let providers: Providers
beforeEach(async () => {
  providers = await Providers.start({ apns: { topics: ['com.example.app'] } })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await providers[Symbol.asyncDispose]()
})

interface Tables {
  readonly fcm?: readonly object[]
  readonly apns?: readonly object[]
}

/** What `check --live` says of the pools, without what is said of the file. */
async function live(gateway: Tables): Promise<{ status: number; lines: string[] }> {
  const file = providers.put('pushd.toml', stringify({ gateway }))
  const out = vi.spyOn(console, 'log').mockReturnValue()
  const status = await runCommandLine(['check', '--live', '--config', file])
  const said = out.mock.calls.map(([line]) => String(line))
  out.mockRestore()
  expect(said.every((line) => line.startsWith(`${file}: `))).toBe(true)
  return {
    status,
    lines: said
      .map((line) => line.slice(file.length + 2))
      .filter((line) => !/^note: there is no \[\[comp|^no faults/.test(line)),
  }
}

describe('check --live', () => {
  test('says of each pool that its provider takes it, and nobody gets a push', async () => {
    providers.putCertificate('cert')
    const { status, lines } = await live({
      fcm: [providers.fcmTable],
      apns: [providers.apnsTable, { ...providers.certificateTable('cert'), mode: 'dev' }],
    })
    expect(lines).toEqual([
      'gateway.fcm[0]: FCM takes it',
      'gateway.apns[0]: APNs takes it',
      'gateway.apns[1]: APNs takes it',
    ])
    expect(status).toBe(0)
    expect(providers.fcm.requests.map(({ body }) => body.validate_only)).toEqual([true])
    expect(providers.apns.requests.map(({ status }) => status)).toEqual([400, 400])
  })

  test('takes a certificate in a .p12 file', async () => {
    const { status, lines } = await live({
      apns: [
        {
          ...providers.certificateTable('none'),
          cert_file: providers.put('apns.p12', readFileSync('test/fixtures/tls/apns.p12')),
          private_key_file: '',
          passphrase_file: providers.put('sauce', 'sauce'),
        },
      ],
    })
    // It was shown; its authority is none that the sandbox knows.
    expect(lines).toEqual(['gateway.apns[0]: APNs refuses it: MissingProviderToken'])
    expect(status).toBe(78)
  })

  test.each([
    [
      'a service account whose key was deleted',
      () => {
        const stranger = JSON.parse(serviceAccountText())
        providers.put(
          'account.json',
          JSON.stringify({ ...providers.fcm.account, private_key: stranger.private_key }),
        )
        return { fcm: [providers.fcmTable] }
      },
      'gateway.fcm[0]: FCM refuses it: invalid_grant',
    ],
    [
      'a service account of another project',
      () => {
        providers.put(
          'account.json',
          JSON.stringify({ ...providers.fcm.account, project_id: 'another-project' }),
        )
        return { fcm: [providers.fcmTable] }
      },
      'gateway.fcm[0]: FCM refuses it: PERMISSION_DENIED',
    ],
    [
      'another key of that id',
      () => {
        providers.put('apns.p8', newApnsKey('SANDBOXKEY', 'SANDBOXTEA').key)
        return { apns: [providers.apnsTable] }
      },
      'gateway.apns[0]: APNs refuses it: InvalidProviderToken',
    ],
    [
      'a key id that Apple does not know',
      () => ({ apns: [{ ...providers.apnsTable, key_id: 'ANOTHERKEY' }] }),
      'gateway.apns[0]: APNs refuses it: InvalidProviderToken',
    ],
    [
      'a topic of another team',
      () => ({ apns: [{ ...providers.apnsTable, default_topic: 'com.example.other' }] }),
      'gateway.apns[0]: APNs refuses it: TopicDisallowed',
    ],
  ])('says what the provider does not like about %s', async (_what, tables, expected) => {
    const { status, lines } = await live(tables())
    expect(lines).toEqual([expected])
    expect(status).toBe(78)
  })

  test('says that a topic is missing', async () => {
    const { status, lines } = await live({ apns: [{ ...providers.apnsTable, default_topic: '' }] })
    expect(lines).toEqual([
      'note: gateway.apns[0].default_topic is empty: APNs refuses pushes that name no topic',
      'gateway.apns[0]: APNs refuses it: MissingTopic',
    ])
    expect(status).toBe(78)
  })

  test('says what cannot be reached, and what is not trusted', async () => {
    const closed = `https://localhost:${await freePort()}`
    const stranger = providers.put('stranger.pem', new Authority().ca)
    providers.fcm.oauth.answer = { status: 503, body: 'down' }
    const { status, lines } = await live({
      fcm: [providers.fcmTable],
      apns: [
        { ...providers.apnsTable, endpoint: closed },
        { ...providers.apnsTable, mode: 'dev', tls: { ca_file: stranger } },
      ],
    })
    expect(lines).toEqual([
      `gateway.fcm[0]: FCM could not be asked: ${providers.fcm.account.token_uri}: HTTP 503`,
      expect.stringMatching(
        `^gateway\\.apns\\[0\\]: APNs could not be asked: ${closed}: connect ECONNREFUSED`,
      ),
      expect.stringMatching(
        /^gateway\.apns\[1\]: APNs could not be asked: https:\S+: .*(?:certificate|issuer)/,
      ),
    ])
    expect(status).toBe(75)
  })

  test('says of certificates when they end', async () => {
    providers.putCertificate('cert', new Date('2020-01-01T00:00:00Z'))
    const { lines } = await live({ apns: [providers.certificateTable('cert')] })
    expect(lines[0]).toBe('note: gateway.apns[0].cert_file ended on 2020-01-01T00:00:00.000Z')
  })

  test('says that there is nobody to ask', async () => {
    const { status, lines } = await live({})
    expect(lines).toEqual(['there is no [[gateway.fcm]] or [[gateway.apns]] to ask'])
    expect(status).toBe(0)
  })
})
