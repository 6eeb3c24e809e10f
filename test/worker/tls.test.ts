import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { SessionAtWork } from './session-at-work.ts'

const tlsFile = (name: string) => readFileSync(`test/fixtures/tls/${name}`, 'utf8')

test('an HTTPS gateway is spoken to when its own authority is trusted', async () => {
  await using server = await tlsServer('server')
  await using worker = new SessionAtWork(server.url, { ca: tlsFile('ca.pem') })
  worker.post(['/a', '/b', '/c'])
  for (const answer of await worker.answered(3)) expect(answer.status).toBe(200)
})

test('an HTTPS gateway of an unknown authority is a connect_error that says so', async () => {
  await using server = await tlsServer('server')
  await using worker = new SessionAtWork(server.url)
  const answer = await worker.only('/a')
  expect(answer).toMatchObject({ status: 0, cause: 'connect_error' })
  expect(answer?.reason).toMatch(/certificate|UNABLE_TO_VERIFY/i)
})

test('an HTTPS gateway with another name in its certificate is a connect_error, for every request', async () => {
  await using server = await tlsServer('other-name')
  await using worker = new SessionAtWork(server.url, { ca: tlsFile('ca.pem') })
  worker.post(Array.from({ length: 20 }, (_, i) => `/${i}`))
  for (const answer of await worker.answered(20)) {
    expect(answer).toMatchObject({ status: 0, cause: 'connect_error' })
  }
})

test('with verification off, any certificate will do', async () => {
  await using server = await tlsServer('other-name')
  await using worker = new SessionAtWork(server.url, { verifyTls: false })
  expect(await worker.only('/a')).toMatchObject({ status: 200 })
})

test('HTTPS spoken to a plain HTTP port is a connect_error', async () => {
  const server = createHttpServer((_, response) => response.end('null')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await using worker = new SessionAtWork(`https://127.0.0.1:${port}`)
  expect(await worker.only('/a')).toMatchObject({ status: 0, cause: 'connect_error' })
  server.close()
})

async function tlsServer(name: string): Promise<AsyncDisposable & { url: string }> {
  const tls = { key: tlsFile(`${name}.key.pem`), cert: tlsFile(`${name}.pem`) }
  const server = createTlsServer(tls, (_, response) => response.end('null')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
