import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { type ServedClient, ServedInstallation, type Told } from './served-installation.ts'

const dir = mkdtempSync(join(tmpdir(), 'pushd-tokens-'))
const tokens = join(dir, 'tokens')
let installation: ServedInstallation
let client: ServedClient

beforeAll(async () => {
  writeFileSync(tokens, 'of-mongooseim\nof-a-script\n')
  installation = await ServedInstallation.start({ token_file: tokens })
  client = installation.http2()
}, 30_000)
afterAll(async () => {
  await client.close()
  await installation[Symbol.asyncDispose]()
  rmSync(dir, { recursive: true })
})

function push(token: string, message: object, path = '/v3/notification/device'): Promise<Told> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const body = JSON.stringify({ service: 'apns', ...message })
  return client.ask({ method: 'POST', path, headers, body })
}

const small = { alert: { title: 'T', body: 'B' } }

test('gateway.token_file names callers, and is reread at SIGHUP', async () => {
  const { daemon } = installation
  expect((await push('of-mongooseim', small)).status).toBe(200)
  expect((await push('of-a-script', small)).status).toBe(200)
  expect((await push('of-another', small)).status).toBe(401)
  const { body } = await client.ask({ method: 'GET', path: '/healthcheck' })
  expect(body).toContain('"status":"pass"')

  writeFileSync(tokens, 'of-mongooseim\nof-another\n')
  daemon.signal('SIGHUP')
  await until('the reload', () => daemon.log.some(({ msg }) => msg === 'configuration reread'))
  expect((await push('of-another', small)).status).toBe(200)
  expect((await push('of-a-script', small)).status).toBe(401)
  expect((await push('of-mongooseim', small)).status).toBe(200)
  expect(daemon.output).not.toContain('of-mongooseim')
})

describe('a push larger than its provider takes', () => {
  const tooLarge = [
    ['data', { data: { k: 'x'.repeat(5_000) } }],
    ['a title', { alert: { title: 'x'.repeat(5_000), body: 'B' } }],
    ['numbers that grow when they are written out', { data: { k: Array.from({ length: 250 }, () => 1e20) } }],
  ] as const

  test.each(tooLarge)(
    'for its %s is 413 at once, with wait=false too, and never a dead letter',
    async (what, push_) => {
      const { daemon, providers } = installation
      const before = providers.apns.requests.length
      // Its provider would not answer: nobody asks it.
      for (const path of ['/v3/notification/hang-1', '/v3/notification/hang-1?wait=false']) {
        const answer = await push('of-mongooseim', push_, path)
        expect({ what, ...answer }).toMatchObject({ status: 413, body: '{"reason":"payload_too_large"}' })
      }
      expect(await push('of-mongooseim', push_, '/v2/notification/hang-1')).toMatchObject({
        status: 413,
        body: '{"details":"payload_too_large"}',
      })
      expect(providers.apns.requests).toHaveLength(before)
      expect(await daemon.metric('stored')).toBe(0)
      expect(await (await daemon.request('/admin/dead-letters')).json()).toMatchObject({ letters: [] })
    },
  )

  test('but for a text that can be shortened is delivered with its beginning', async () => {
    const { providers } = installation
    const body = 'ä'.repeat(20_000)
    for (const query of ['', '?wait=false']) {
      const before = providers.apns.requests.length
      const answer = await push(
        'of-mongooseim',
        { alert: { title: 'T', body } },
        `/v3/notification/cut${query}`,
      )
      expect(answer.status).toBe(query === '' ? 200 : 202)
      await until('it is sent', () => providers.apns.requests.length > before)
      const sent = JSON.stringify(providers.apns.requests.at(-1)?.body)
      expect(sent).toContain('ä'.repeat(1_900))
      expect(Buffer.byteLength(sent)).toBeLessThanOrEqual(4_096)
    }
  })

  test('a body over 64 KiB is 413 unread', async () => {
    const { daemon } = installation
    expect((await push('of-mongooseim', { alert: { title: 'T', body: 'x'.repeat(70_000) } })).status).toBe(
      413,
    )
    expect(await daemon.metric('limits_hit_total', { limit: 'served_body_bytes' })).toBe(1)
  })
})
