import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { Child } from '../support/child.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { lacks } from '../support/installed.ts'
import { SmallDisk } from '../support/small-disk.ts'
import { until } from '../support/until.ts'
import { fullDomain, type Installation, install, virtualDomain } from './installation.ts'

const commandLine = new URL('../../src/main/cli.ts', import.meta.url).pathname

/** Quick deadlines, so that what the gateway does not take is soon stored. */
const quick = {
  push: { reply_deadline_ms: 500 },
  mongoosepush: { request_timeout_ms: 200 },
  queue: { retry: { base_ms: 100, cap_ms: 500 } },
}

function publish(deviceId: string, service: string): string {
  const options = { service, device_id: deviceId }
  const summary = summaryOf('juliet@chat.test', 'x'.repeat(500))
  return publishIq({ id: deviceId, from: 'chat.test', to: virtualDomain, node: 'n', options, summary })
}

const create = (node: string) =>
  `<iq type='set' id='create-${node}' from='romeo@chat.test/phone' to='${fullDomain}'>` +
  `<pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='${node}' type='push'/></pubsub></iq>`

/** Publishes to devices that the gateway does not take; those that were acknowledged. `wait` is the only other answer. */
async function publishLate({ xmpp }: Installation, prefix: string, count: number): Promise<string[]> {
  const devices = Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
  const iqs = devices.map((device) => publish(device, 'apns'))
  const answers = await xmpp.requestAll(virtualDomain, iqs, { timeoutMs: 30_000 })
  return devices.filter((_, i) => {
    const xml = answers[i]?.xml ?? ''
    if (xml.includes("type='result'")) return true
    expect(xml).toContain("type='wait'")
    return false
  })
}

interface Health {
  readonly status: number
  readonly store: { readonly status: string; readonly output?: string } | undefined
}

async function health({ daemon }: Installation): Promise<Health> {
  const response = await fetch(`${daemon.url}/healthz`)
  const { checks } = (await response.json()) as { checks: Record<string, Health['store'][]> }
  return { status: response.status, store: checks['store:writable']?.[0] }
}

interface Fault {
  breaks(): void
  mends(): void
  readonly code: RegExp
  readonly advice: RegExp
}

/** The promises of docs/reliability.md, around a fault of the store. */
async function expectPromisesKept(installed: Installation, fault: Fault): Promise<void> {
  const { gateway, xmpp, daemon } = installed
  gateway.answerWith(({ body }) => (body.service === 'apns' ? { status: 503 } : undefined))
  const acknowledged = await publishLate(installed, 'before', 5)
  expect(acknowledged).toHaveLength(5)

  fault.breaks()
  const during = await until('the store to refuse', async () => {
    const taken = await publishLate(installed, `during-${acknowledged.length}`, 20)
    acknowledged.push(...taken)
    return taken.length < 20 && taken
  })
  expect(during.length).toBeLessThan(20)
  expect((await xmpp.request(fullDomain, create('n1'))).xml).toMatch(/type='wait'.*internal-server-error/)
  const sick = await health(installed)
  expect(sick).toMatchObject({ status: 503, store: { status: 'fail' } })
  expect(sick.store?.output).toMatch(fault.advice)
  expect(await daemon.metric('store_writable')).toBe(0)
  const delivered = await xmpp.request(virtualDomain, publish('meanwhile', 'fcm'))
  expect(delivered.xml, 'what needs no store goes on').toContain("type='result'")
  const complaint = daemon.complaints.find(({ msg }) => msg === 'the store does not take changes')
  expect(complaint?.err).toMatchObject({ code: expect.stringMatching(fault.code) })
  expect(JSON.stringify(complaint?.err)).toMatch(fault.advice)

  fault.mends()
  await until('the store to be well', async () => (await health(installed)).status === 200)
  expect((await xmpp.request(fullDomain, create('n2'))).xml).toContain("type='result'")
  const after = await publishLate(installed, 'after', 5)
  expect(after).toHaveLength(5)
  gateway.answerWith(undefined)
  await until('all that was acknowledged to be delivered', () => {
    const seen = new Set(gateway.requests.filter(({ status }) => status === 200).map((r) => r.deviceId))
    return [...acknowledged, ...after].every((device) => seen.has(device))
  })
  await until('the outbox to be empty', async () => (await daemon.metric('stored')) === 0)
  expect(
    daemon.log.filter(({ msg }) => msg === 'starting'),
    'without a restart',
  ).toHaveLength(1)
  expect(await daemon.stop()).toBe(0)
}

describe.skipIf(lacks('mount'))('a disk without room', () => {
  test('costs no push that was acknowledged and no registration, says what to do, and is forgotten when there is room', async () => {
    using disk = new SmallDisk(16_384)
    await using installed = await install({ config: { ...quick, data_dir: join(disk.path, 'data') } })
    await expectPromisesKept(installed, {
      breaks: () => disk.fill(),
      mends: () => disk.free(),
      code: /^(no-space|io)$/,
      advice: /disk of data_dir/,
    })
  })

  test('keeps no daemon from starting that has a store', async () => {
    using disk = new SmallDisk(16_384)
    await using installed = await install({ config: { data_dir: join(disk.path, 'data') } })
    const { daemon, xmpp } = installed
    expect((await xmpp.request(fullDomain, create('n1'))).xml).toContain("type='result'")
    await daemon.stop()
    disk.fill()
    await daemon.start()
    await xmpp.waitForStreams(fullDomain, 2)
    const delivered = await xmpp.request(virtualDomain, publish('meanwhile', 'fcm'))
    expect(delivered.xml).toContain("type='result'")
  })

  test('at the first start is told as what it is, and tried again by the service manager', async () => {
    using disk = new SmallDisk(512)
    await using installed = await install()
    const { daemon, config } = installed
    daemon.configure({ ...config, data_dir: join(disk.path, 'data'), http: { listen: '127.0.0.1:0' } })
    mkdirSync(join(disk.path, 'data'))
    disk.fill()
    const second = new Child(process.execPath, [commandLine, 'start', '--config', daemon.configFile])
    expect({ ...(await second.exited), output: second.output }).toMatchObject({
      code: 75,
      output: expect.stringMatching(/cannot open the store .*free space on the disk of data_dir/),
    })
  })
})

describe.skipIf(lacks('mount'))('a disk that is mounted read-only', () => {
  test('at the start is told as what it is, and works once it is mounted for writing', async () => {
    using disk = new SmallDisk(16_384)
    await using installed = await install({ config: { data_dir: join(disk.path, 'data') } })
    const { daemon, xmpp } = installed
    expect((await xmpp.request(fullDomain, create('n1'))).xml).toContain("type='result'")
    await daemon.stop()
    disk.remount('ro')
    const refused = new Child(process.execPath, [commandLine, 'start', '--config', daemon.configFile])
    expect({ ...(await refused.exited), output: refused.output }).toMatchObject({
      code: 78,
      output: expect.stringMatching(/cannot open the store .*read-only/),
    })
    disk.remount('rw')
    await daemon.start()
    await xmpp.waitForStreams(fullDomain, 2)
    expect((await xmpp.request(fullDomain, create('n1'))).xml).toContain('<conflict')
  })
})

describe.skipIf(lacks('cc'))('a disk that fails under the running daemon', () => {
  test.each([
    ['with input/output errors', 'EIO', /^io$/, /look at the disk of data_dir .*and at the system log/],
    ['since it was mounted read-only', 'EROFS', /^permission$/, /[Rr]ead-only file system/],
  ] as const)(
    '%s costs no push that was acknowledged and no registration, and is forgotten when it works',
    async (_, error, code, advice) => {
      using disk = new FaultyDisk()
      await using installed = await install({ config: quick, env: disk.env })
      const breaks = () => disk.fail(error)
      await expectPromisesKept(installed, { breaks, mends: () => disk.mend(), code, advice })
    },
  )
})
