/** What MongoosePush was recorded with, sent to the whole daemon between real sockets. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  bytesOf,
  type CapturedCase,
  type CapturedProviderRequest,
  capturedCases,
  type Exchange,
} from '../core/gateway/captured-cases.ts'
import { differences } from '../core/gateway/differences.ts'
import { capturedAnswer, type ServedClient, ServedInstallation, type Told } from './served-installation.ts'

let installation: ServedInstallation

beforeAll(async () => {
  // The capture's 5 s: long enough for every answer that comes, short for those that do not.
  installation = await ServedInstallation.start({ request_timeout_ms: 2_000 })
  installation.answerWith(capturedAnswer)
}, 30_000)
afterAll(async () => {
  await installation[Symbol.asyncDispose]()
})

const shown = new Set(['/healthcheck', '/metrics', '/swagger.json'])
const pushes = capturedCases.filter(({ path }) => !shown.has(path))

/** Devices whose names are none of APNs's. */
const oddDevices = new Set(['device id percent-encoded slash', 'device id utf8'])

const page = readFileSync(new URL('../../docs/migration-mongoosepush.md', import.meta.url), 'utf8')

function theirs({ provider, status, answer = '' }: CapturedCase): Exchange {
  return { provider, status, answer, headers: { 'content-type': 'application/json; charset=utf-8' } }
}

function expected(captured: CapturedCase): Exchange {
  return differences
    .filter(({ applies }) => applies(captured))
    .reduce((result, { change }) => change(result, captured), theirs(captured))
}

function providersByName() {
  const { providers, apnsDev } = installation
  return { 'apns-prod': providers.apns, 'apns-dev': apnsDev, fcm: providers.fcm }
}

function totals(): Record<string, number> {
  return Object.fromEntries(Object.entries(providersByName()).map(([to, { total }]) => [to, total]))
}

/** What providers were asked for since then. */
function askedSince(before: Record<string, number>): CapturedProviderRequest[] {
  return Object.entries(providersByName()).flatMap(([to, { requests, total }]) => {
    const fresh = requests.slice(requests.length - (total - (before[to] ?? 0)))
    return fresh.map(({ path, headers, body }) => {
      const apns = Object.entries(headers).filter(([name]) => name.startsWith('apns-'))
      return { to, path, headers: Object.fromEntries(apns) as Record<string, string>, body }
    })
  })
}

/** What differs from one run to the next is looked at, and then put as it was expected. `sentAtMs`: before it was. */
function likeExpected(
  asked: CapturedProviderRequest | undefined,
  wanted: CapturedProviderRequest | undefined,
  sentAtMs: number,
): CapturedProviderRequest | undefined {
  if (asked === undefined || wanted === undefined) return asked
  const headers: Record<string, string> = { ...asked.headers }
  const { 'apns-id': id, 'apns-expiration': expiration } = wanted.headers
  if (id !== undefined && /^[0-9a-f-]{36}$/.test(headers['apns-id'] ?? '')) headers['apns-id'] = id
  if (expiration !== undefined && expiration !== '0') {
    const lifetimeS = Number(expiration) - 1_700_000_000
    const takenAtS = Number(headers['apns-expiration']) - lifetimeS
    const wasSent = takenAtS >= Math.floor(sentAtMs / 1_000) && takenAtS <= Date.now() / 1_000
    if (wasSent) headers['apns-expiration'] = expiration
  }
  // The capture's project has a name that Google gives none.
  return { ...asked, headers, path: asked.path.replace('/projects/fake-name/', '/projects/fake_name/') }
}

function parsed({ answer, ...rest }: Exchange) {
  return { ...rest, answer: answer === '' ? '' : (JSON.parse(answer) as unknown) }
}

function headersOf({ headers }: Told): Record<string, string> {
  const kept = ['content-type', 'retry-after', 'allow'].filter((name) => name in headers)
  return Object.fromEntries(kept.map((name) => [name, String(headers[name])]))
}

/** Failures in a row would have the pool left out, which is another matter. */
async function deliverSome(client: ServedClient, service: 'apns' | 'fcm', mode: string): Promise<void> {
  const body = JSON.stringify({ service, mode, alert: { title: 'T', body: 'B' } })
  for (const i of [1, 2, 3]) {
    const path = `/v3/notification/between-${i}`
    await client.ask({ method: 'POST', path, headers: { 'content-type': 'application/json' }, body })
  }
}

describe.each(['http1', 'http2'] as const)('over %s', (protocol) => {
  let client: ServedClient
  beforeAll(() => {
    client = installation[protocol]()
  })
  afterAll(() => client.close())

  test.each(pushes.map((captured) => [captured.name, captured] as const))('%s', async (_name, captured) => {
    const wanted = expected(captured)
    const before = totals()
    const { method, path } = captured
    const { omittedBytes } = captured.body ?? {}
    const body = omittedBytes === undefined ? bytesOf(captured) : new Uint8Array(omittedBytes)
    const sentAtMs = Date.now()
    const told = await client.ask({
      method,
      path,
      headers: { ...(captured.body && { 'content-type': 'application/json' }), ...captured.headers },
      body,
    })
    if (oddDevices.has(captured.name)) {
      // The capture's APNs took any name; this one does not, but is asked for it alone.
      expect(told.status).toBe(400)
      expect(installation.providers.apns.refused.at(-1)?.path).toBe(wanted.provider?.path)
      return
    }
    const [asked, second] = askedSince(before)
    expect(second).toBeUndefined()
    const provider = likeExpected(asked, wanted.provider, sentAtMs)
    const exchange = { provider, status: told.status, answer: told.body, headers: headersOf(told) }
    expect(parsed(exchange)).toEqual(parsed(wanted))
    if (told.status < 500 || wanted.provider === undefined) return
    const service = wanted.provider.to === 'fcm' ? 'fcm' : 'apns'
    await deliverSome(client, service, wanted.provider.to === 'apns-dev' ? 'dev' : 'prod')
  })
})

describe('what MongoosePush shows', () => {
  let client: ServedClient
  beforeAll(() => {
    client = installation.http1()
  })
  afterAll(() => client.close())

  const captured = capturedCases.filter(({ path }) => shown.has(path))
  test.each(captured.map((one) => [one.name, one.path, one] as const))('%s: %s', async (_name, path, one) => {
    const { method, headers = {}, answer = '' } = one
    const told = await client.ask({ method, path, headers })
    // `Accept` is not judged.
    expect(told.status).toBe(200)
    expect(headersOf(told)['content-type']).toMatch(
      path === '/metrics' ? /^text\/plain;.*charset=utf-8/ : /^application\/json; charset=utf-8$/,
    )
    if (one.status !== 200) expect(headers.accept).toBeDefined()
    if (answer !== '') expect(shapeOf(JSON.parse(told.body))).toEqual(shapeOf(JSON.parse(answer)))
  })
})

/** Names, and what kind of value each has; pools are called as everybody likes. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value
  let pools = 0
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name.startsWith('pool:') ? `pool ${pools++}` : name,
      shapeOf(item),
    ]),
  )
}

test('every request that MongoosePush was recorded with is sent, as the page says', () => {
  expect(page).toContain(`${capturedCases.length} requests`)
})
