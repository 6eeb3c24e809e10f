import { once } from 'node:events'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { type ServedClient, ServedInstallation, type Told } from './served-installation.ts'

let installation: ServedInstallation
let client: ServedClient

beforeAll(async () => {
  installation = await ServedInstallation.start()
  client = installation.http1()
}, 30_000)
afterAll(async () => {
  await client.close()
  await installation[Symbol.asyncDispose]()
})

const json = { 'content-type': 'application/json' }

function push(device: string, more: object = {}, query = ''): Promise<Told> {
  const body = JSON.stringify({ service: 'apns', alert: { title: 'T', body: 'B' }, ...more })
  return client.ask({ method: 'POST', path: `/v3/notification/${device}${query}`, headers: json, body })
}

describe('MongooseIM, pointed at the daemon', () => {
  test('has its pushes delivered as it sends them', async () => {
    const { apnsDev, providers } = installation
    // Byte for byte what MongooseIM 6.2.1 sends: numbers and truth values as texts.
    const full =
      '{"topic":"com.t","time_to_live":"3600","priority":"high","mutable_content":"true","mode":"dev",' +
      '"service":"apns","alert":{"sound":"default.wav","click_action":"ca","title":"bob@localhost",' +
      '"tag":"bob@localhost","body":"hello apns","badge":1}}'
    expect(
      await client.ask({ method: 'POST', path: '/v3/notification/abcd', headers: json, body: full }),
    ).toMatchObject({ status: 200, body: 'null' })
    expect(apnsDev.requests.at(-1)).toMatchObject({
      deviceId: 'abcd',
      headers: { 'apns-topic': 'com.t', 'apns-priority': '10', 'apns-push-type': 'alert' },
      body: {
        aps: {
          alert: { title: 'bob@localhost', body: 'hello apns' },
          badge: 1,
          category: 'ca',
          'mutable-content': 1,
          sound: 'default.wav',
        },
      },
    })

    const silent =
      '{"mode":"prod","service":"apns","data":{"message-count":1,"last-message-sender":"bob@localhost",' +
      '"last-message-body":"silent one"}}'
    expect(
      await client.ask({ method: 'POST', path: '/v3/notification/dev', headers: json, body: silent }),
    ).toMatchObject({ status: 200 })
    expect(providers.apns.requests.at(-1)).toMatchObject({
      headers: { 'apns-push-type': 'background', 'apns-priority': '5' },
      body: { aps: { 'content-available': 1 }, 'message-count': 1, 'last-message-body': 'silent one' },
    })

    const toFcm =
      '{"service":"fcm","alert":{"title":"bob@localhost","tag":"bob@localhost","body":"hello fcm","badge":1}}'
    expect(
      await client.ask({ method: 'POST', path: '/v3/notification/tok:fcm', headers: json, body: toFcm }),
    ).toMatchObject({ status: 200 })
    expect(providers.fcm.requests.at(-1)?.body).toEqual({
      message: {
        android: { notification: { title: 'bob@localhost', tag: 'bob@localhost', body: 'hello fcm' } },
        data: {},
        notification: {},
        token: 'tok:fcm',
      },
    })
  })

  test('has pushes to one device at one moment sent as different pushes', async () => {
    const many = installation.http2()
    const body = JSON.stringify({ service: 'apns', alert: { title: 'T', body: 'B' } })
    const request = { method: 'POST', path: '/v3/notification/crowd', headers: json, body }
    const answers = await Promise.all(Array.from({ length: 90 }, () => many.ask(request)))
    await many.close()
    for (const answer of answers) expect(answer.status).toBe(200)
    const sent = installation.providers.apns.requests.filter(({ deviceId }) => deviceId === 'crowd')
    expect(new Set(sent.map(({ headers }) => headers['apns-id'])).size).toBe(90)
  })

  test('is told 410 of a device that is gone, each time: nothing of it is remembered', async () => {
    const { apns } = installation.providers
    const before = apns.total
    for (const _ of [1, 2]) {
      expect(await push('Unregistered-a')).toMatchObject({ status: 410, body: '{"reason":"unregistered"}' })
    }
    expect(apns.total).toBe(before + 2)
    expect(await installation.daemon.metric('dead_devices')).toBe(0)
  })
})

describe('wait=false', () => {
  test('is answered 202 and delivered, also when the provider has trouble at first', async () => {
    const { apns } = installation.providers
    expect(await push('ServiceUnavailable1-a', {}, '?wait=false')).toMatchObject({
      status: 202,
      body: 'null',
    })
    await until('it is delivered', () =>
      apns.requests.some(({ deviceId, status }) => deviceId === 'ServiceUnavailable1-a' && status === 200),
    )
    const ids = apns.requests
      .filter(({ deviceId }) => deviceId === 'ServiceUnavailable1-a')
      .map(({ headers }) => headers['apns-id'])
    expect(ids).toHaveLength(2)
    expect(new Set(ids).size).toBe(1)
  })

  test('is refused where no pool is for it', async () => {
    expect(await push('a', { tags: ['none'] }, '?wait=false')).toMatchObject({
      status: 400,
      body: '{"reason":"no_matching_pool"}',
    })
  })
})

describe('the daemon', () => {
  test('counts what is asked of it under our names and under MongoosePush’s', async () => {
    const { body } = await client.ask({ method: 'GET', path: '/metrics' })
    const value = (pattern: RegExp) => Number(pattern.exec(body)?.[1])
    expect(value(/^xmpp_pushd_served_requests_total\{route="v3",status="200"\} (\d+)$/m)).toBeGreaterThan(2)
    expect(
      value(
        /^mongoose_push_notification_send_time_microsecond_count\{error_category="",error_reason="",service="apns",status="success"\} (\d+)$/m,
      ),
    ).toBeGreaterThan(1)
    expect(value(/^sparrow_h2_worker_request_success_count (\d+)$/m)).toBeGreaterThan(4)
    expect(value(/^sparrow_h2_worker_conn_success_count (\d+)$/m)).toBeGreaterThan(0)
  })

  test.each([
    ['fcm', 'pool:fcm-prod', 'pool:apns-prod'],
    ['apns', 'pool:apns-prod', 'pool:fcm-prod'],
  ] as const)(
    'shows a pool as failed from the first connection that cannot be made: %s',
    async (service, failing, other) => {
      const { wire } = installation.providers[service]
      const health = async () => {
        const { status, body } = await client.ask({ method: 'GET', path: '/healthcheck' })
        const report = JSON.parse(body) as { status: string; checks: Record<string, { status: string }[]> }
        return { status, word: report.status, of: (pool: string) => report.checks[pool]?.[0]?.status }
      }
      await wire.refuse()
      await wire.cut()
      try {
        await until('its connections are gone', async () => (await push('a', { service })).status !== 200)
        const failed = await until('it is failed', async () => {
          const now = await health()
          return now.word === 'warn' ? now : undefined
        })
        expect([failed.status, failed.of(failing), failed.of(other)]).toEqual([200, 'fail', 'pass'])
        expect(await push('other-pool', { service: service === 'fcm' ? 'apns' : 'fcm' })).toMatchObject({
          status: 200,
        })
      } finally {
        await wire.accept()
      }
      await until('it works again', async () => (await push('again', { service })).status === 200)
      expect(await health()).toMatchObject({ status: 200, word: 'pass' })
    },
  )

  test('takes a renewed certificate over at a SIGHUP', async () => {
    const { providers, daemon, url, ca } = installation
    const names = ['localhost', '127.0.0.1']
    const renewed = providers.authority.issue({ commonName: 'renewed', names })
    providers.put('served.pem', renewed.cert)
    providers.put('served.key', renewed.key)
    daemon.signal('SIGHUP')
    await until('it is shown', async () => (await commonName(url, ca)) === 'renewed')
    expect(await push('after-renewal')).toMatchObject({ status: 200 })
  })

  test('answers what is under way before it stops', async () => {
    const answer = push('slow500-a')
    await until('the provider has it', () =>
      installation.providers.apns.requests.some(({ deviceId }) => deviceId === 'slow500-a'),
    )
    const stopped = installation.daemon.stop()
    expect(await answer).toMatchObject({ status: 200, body: 'null' })
    expect(await stopped).toBe(0)
  })
})

async function commonName(url: string, ca: string): Promise<string | undefined> {
  const socket = connect({ host: 'localhost', port: Number(new URL(url).port), ca })
  await once(socket, 'secureConnect')
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return Array.isArray(subject.CN) ? subject.CN[0] : subject.CN
}
