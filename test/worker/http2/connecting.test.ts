import { once } from 'node:events'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ApnsSandbox, startApnsSandbox } from '../../../src/sandbox/providers/apns.ts'
import { Authority, localhostCertificate } from '../../../src/sandbox/providers/authority.ts'
import { until } from '../../support/until.ts'
import { PoolAtWork } from './pool-at-work.ts'

let apns: ApnsSandbox
const authority = new Authority()

beforeEach(async () => {
  apns = await startApnsSandbox({ tls: localhostCertificate(authority) })
})
afterEach(async () => {
  await apns.close()
})

const localhost = { commonName: 'localhost', names: ['localhost'] }
const aDayMs = 86_400_000

test.each([
  ['of an unknown authority', () => new Authority().issue(localhost), /certificate|ISSUER/i],
  [
    'that has expired',
    () => authority.issue({ ...localhost, notAfter: new Date(Date.now() - aDayMs) }),
    /expired/,
  ],
  [
    'that is not valid yet',
    () => authority.issue({ ...localhost, notBefore: new Date(Date.now() + aDayMs) }),
    /not yet valid/,
  ],
  ['for another name', () => authority.issue({ commonName: 'x', names: ['push.example'] }), /altnames/],
])('a certificate %s is a connect_error that says so', async (_, certificate, words) => {
  await using work = PoolAtWork.to(apns)
  apns.useCertificate(certificate())
  work.push('a', 'b', 'c')
  for (const told of await work.toldOf(3)) {
    expect(told).toMatchObject({ status: 0, cause: 'connect_error' })
    expect(told.detail).toMatch(words)
  }
  expect(apns.connectionsMade).toBe(0)
})

test.each(['garbage', 'cut', 'silence', 'refuse'] as const)(
  'where connections meet %s, all that waits is a connect_error, until the provider is well again',
  async (harm) => {
    await using work = PoolAtWork.to(apns, { connectTimeoutMs: 1000 })
    if (harm === 'refuse') await apns.wire.refuse()
    else apns.wire.mode = harm
    work.push('a', 'b', 'c')
    for (const told of await work.toldOf(3)) expect(told).toMatchObject({ cause: 'connect_error' })
    if (harm === 'refuse') await apns.wire.accept()
    apns.wire.mode = 'forward'
    expect(await work.only('d')).toMatchObject({ status: 200 })
  },
)

test('a server without HTTP/2 is a connect_error that says so', async () => {
  const server = createHttpsServer({ ...localhostCertificate(authority) }, (_, response) => response.end())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`
  await using work = PoolAtWork.to(apns, { origin })
  const told = await work.only('a')
  expect(told).toMatchObject({ cause: 'connect_error' })
  expect(told?.detail).toMatch(/HTTP\/2|ALPN|alert no application protocol/i)
  await work.pool.close()
  server.close()
})

test('a name that does not resolve is a connect_error', async () => {
  await using work = PoolAtWork.to(apns, { origin: 'https://no-such-host.invalid' })
  expect(await work.only('a')).toMatchObject({ cause: 'connect_error' })
})

test('where new connections fail, what waits goes over the one that is there', async () => {
  await using work = PoolAtWork.to(apns, { connections: 2 })
  await work.only('first')
  apns.setMaxStreams(1)
  await apns.settingsTaken()
  apns.hold()
  apns.wire.mode = 'cut'
  work.push('a', 'b', 'c')
  await apns.until('a second connection was tried twice', () => apns.wire.made >= 3)
  apns.release()
  await work.toldOf(4)
  expect(work.summary).toEqual({ first: 200, a: 200, b: 200, c: 200 })
})

test('connections to a provider that refuses them are not tried without a pause', async () => {
  await using work = PoolAtWork.to(apns, { connections: 2 })
  await work.only('first')
  apns.wire.mode = 'cut'
  apns.setMaxStreams(1)
  await apns.settingsTaken()
  work.push(...Array.from({ length: 200 }, (_, i) => `d${i}`))
  await work.toldOf(201)
  expect(apns.wire.made).toBeLessThan(100)
})

test('a pool that is closed tells what is left, and leaves no socket behind', async () => {
  const before = sockets()
  const work = PoolAtWork.to(apns, { connections: 2 })
  await work.only('a')
  apns.goAway('all')
  await work.only('b')
  apns.hold()
  work.push('c', 'd')
  await apns.next(4)
  apns.wire.freeze()
  const { made } = apns.wire
  const stuck = PoolAtWork.to(apns)
  apns.wire.mode = 'silence'
  stuck.push('e')
  await apns.until('a connection that leads nowhere', () => apns.wire.made > made)
  await work[Symbol.asyncDispose]()
  await stuck[Symbol.asyncDispose]()
  expect(work.summary).toEqual({ a: 200, b: 200, c: 'connection_lost', d: 'connection_lost' })
  expect(stuck.summary).toEqual({ e: 'not_processed' })
  await apns.close()
  await until('all sockets are closed', () => sockets() < before)
})

/** Of this process, listening ones too. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(?:TCP|TLS)/.test(name)).length
}
