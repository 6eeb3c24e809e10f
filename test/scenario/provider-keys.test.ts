import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newApnsKey } from '../../src/sandbox/providers/apns.ts'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import type { XmppSandbox } from '../../src/sandbox/xmpp-sandbox.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { Providers } from '../support/providers.ts'
import { until } from '../support/until.ts'

const domain = 'virtual.chat.test'
const firstKey = newApnsKey('FIRSTKEY01', 'SANDBOXTEA')
const nextKey = newApnsKey('NEXTKEY001', 'SANDBOXTEA')

let xmpp: XmppSandbox
let providers: Providers
let daemon: Daemon
let config: Record<string, unknown>

beforeAll(async () => {
  xmpp = await startXmppSandbox({ domains: { [domain]: 'hush' } })
  providers = await Providers.start({ apns: { keys: [firstKey, nextKey] } })
  providers.putCertificate('cert')
  config = {
    component: [{ domain, server: `127.0.0.1:${xmpp.port}`, secret: 'hush', pubsub: false }],
    push: { served_hosts: ['chat.test'], virtual_pubsub_hosts: ['virtual.@HOST@'], wpool: { workers: 1 } },
    gateway: {
      fcm: [providers.fcmTable],
      apns: [providers.apnsTable, { ...providers.certificateTable('cert'), mode: 'dev' }],
    },
  }
  daemon = await startDaemon(config)
  await xmpp.waitForStreams(domain, 2)
}, 30_000)
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await providers[Symbol.asyncDispose]()
  await xmpp.close()
})

let pushes = 0

/** The answer to a publish: `result`, or the error's XML. */
async function push(service: 'apns' | 'fcm', mode = 'prod'): Promise<string> {
  const id = `push-${++pushes}`
  const { xml } = await xmpp.request(
    domain,
    publishIq({
      id,
      from: 'chat.test',
      to: domain,
      node: id,
      options: { service, mode, device_id: `device-${id}` },
      summary: summaryOf('juliet@chat.test', 'O Romeo'),
    }),
  )
  return xml.includes("type='result'") ? 'result' : xml
}

function tokenOfLast(): string | undefined {
  return providers.apns.requests.at(-1)?.headers.authorization
}

function keyOf(header: string | undefined): unknown {
  const [head = ''] = (header ?? '').replace('bearer ', '').split('.')
  return JSON.parse(Buffer.from(head, 'base64url').toString()).kid
}

/** What an operator is shown of them. */
async function pools(): Promise<Record<string, unknown>[]> {
  const { gateways } = (await (await daemon.request(`/admin/pools`)).json()) as {
    gateways: Record<string, unknown>[]
  }
  return gateways
}

/** Until it says that it has taken over, or refused, what was changed. */
async function reload(line: string): Promise<Record<string, unknown>> {
  const before = daemon.log.length
  daemon.signal('SIGHUP')
  return until(line, () => daemon.log.slice(before).find(({ msg }) => msg === line))
}

describe('a daemon that talks to providers itself', () => {
  test('delivers by key, by certificate and by account', async () => {
    expect(await push('apns')).toBe('result')
    expect(keyOf(tokenOfLast())).toBe('FIRSTKEY01')
    expect(await push('apns', 'dev')).toBe('result')
    expect(tokenOfLast()).toBeUndefined()
    expect(await push('fcm')).toBe('result')
    expect(await daemon.metric('provider_authorized', { pool: 'apns-prod' })).toBe(1)
    expect(await daemon.metric('notifications_total', { outcome: 'delivered' })).toBe(3)
  })

  test('has the same APNs token after a restart', async () => {
    expect(await push('apns')).toBe('result')
    const before = tokenOfLast()
    await daemon.stop()
    await daemon.start()
    await xmpp.waitForStreams(domain, 2)
    expect(await push('apns')).toBe('result')
    expect(tokenOfLast()).toBe(before)
  })

  test('keeps what it has when a renewed file is faulty, and says which', async () => {
    providers.put('apns.p8', 'no key at all')
    const line = await reload('the configuration is faulty: nothing was changed')
    expect(line.faults).toEqual([expect.stringMatching(/gateway\.apns\[0\]\.key_file: names ".*apns\.p8"/)])
    expect(await push('apns')).toBe('result')
    expect(keyOf(tokenOfLast())).toBe('FIRSTKEY01')
    expect(daemon.output).not.toContain('no key at all')
  })

  test('takes over a renewed key at a SIGHUP', async () => {
    providers.put('apns.p8', nextKey.key)
    const { gateway, ...others } = config as { gateway: { apns: object[] } }
    const [table, ...rest] = gateway.apns
    daemon.configure({
      ...others,
      data_dir: `${daemon.dir}/data`,
      http: { listen: new URL(daemon.url).host },
      gateway: { ...gateway, apns: [{ ...table, key_id: 'NEXTKEY001' }, ...rest] },
    })
    const line = await reload('configuration reread')
    expect(line.applied).toHaveLength(2)
    expect(line.applied).toEqual(
      expect.arrayContaining(['gateway.apns[0].key_file', 'gateway.apns[0].key_id']),
    )
    expect(line.needsRestart).toEqual([])
    expect(await push('apns')).toBe('result')
    expect(keyOf(tokenOfLast())).toBe('NEXTKEY001')
  })

  test('takes over a renewed certificate at a SIGHUP, on new connections', async () => {
    const notAfter = new Date('2041-01-02T03:04:05Z')
    providers.putCertificate('cert', notAfter)
    const made = providers.apns.connectionsMade
    expect((await reload('configuration reread')).applied).toEqual(['gateway.apns[1].cert_file'])
    expect(await push('apns', 'dev')).toBe('result')
    expect(providers.apns.connectionsMade).toBe(made + 1)
    expect(
      await daemon.metric('certificate_expiry_timestamp_seconds', {
        certificate: 'gateway.apns[1].cert_file',
      }),
    ).toBe(notAfter.getTime() / 1000)
  })

  test('takes over a renewed account at a SIGHUP', async () => {
    providers.put('account.json', JSON.stringify({ ...providers.fcm.account, private_key_id: 'next' }))
    await reload('configuration reread')
    await until('a token', () =>
      daemon.log.some(({ msg, pool }) => msg === 'a renewed key is in use' && pool === 'fcm'),
    )
    expect(await push('fcm')).toBe('result')
  })

  test('shows what a renewed account is refused for, while the old one goes on', async () => {
    providers.put('account.json', JSON.stringify({ ...providers.fcm.account, client_email: 'nobody@a.test' }))
    await reload('configuration reread')
    const pool = await until('the refusal', async () => {
      const found = (await pools()).find(({ pool: label }) => label === 'fcm')
      return found?.renewalFault !== undefined && found
    })
    expect(pool).toMatchObject({ authorized: true, renewalFault: 'invalid_grant' })
    expect(pool).not.toHaveProperty('fault')
    expect(await push('fcm')).toBe('result')
  })

  test('shows why a pool has nothing that its provider would take, and nothing of the others', async () => {
    await daemon.stop()
    await daemon.start('alive')
    const [fcm, apns, dev] = await until('the refusal', async () => {
      const shown = await pools()
      return shown[0]?.fault === 'no token: invalid_grant' && shown
    })
    expect(fcm).toMatchObject({ pool: 'fcm', authorized: false })
    for (const other of [apns, dev]) {
      expect(other).toMatchObject({ service: 'apns', authorized: true })
      expect(other).not.toHaveProperty('fault')
    }
  })

  test('has logged no secret', () => {
    expect(daemon.output).not.toMatch(/BEGIN|eyJ|ya29/)
  })
})
