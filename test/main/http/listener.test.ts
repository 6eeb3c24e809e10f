import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { stanzaErrors } from '../../../src/core/stanza-error.ts'
import { HttpServer } from '../../../src/main/http/server.ts'
import { Metrics } from '../../../src/main/metrics/table.ts'
import type { PublishSink } from '../../../src/main/roles/app-server/publish-end.ts'
import { get, good, portsOf, post, publish, run, servers } from './running.ts'

describe('the listener', () => {
  test('may be a unix socket, and takes over the file that a killed daemon left behind', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'pushd-http-'))
    const path = join(dir, 'http.sock')
    const askOver = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const request = httpRequest({ socketPath: path, path: '/readyz' }, (response) =>
          resolve(response.resume().statusCode),
        )
        request.on('error', reject).end()
      })
    try {
      await leaveSocketBehind(path)
      const { metrics } = await run()
      const server = new HttpServer({ ...portsOf(metrics) })
      servers.push(server)
      expect(await server.listen({ kind: 'unix', path })).toBe(`unix:${path}`)
      expect(await askOver()).toBe(200)

      const second = new HttpServer({ ...portsOf(metrics) })
      await expect(second.listen({ kind: 'unix', path })).rejects.toMatchObject({ code: 'EADDRINUSE' })
      expect(await askOver()).toBe(200)
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  test('does not remove a file that is no socket', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'pushd-http-'))
    const path = join(dir, 'file')
    writeFileSync(path, 'precious')
    const server = new HttpServer(portsOf(new Metrics('1')))
    await expect(server.listen({ kind: 'unix', path })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    rmSync(dir, { recursive: true })
  })

  test('rejects with the reason when the port is taken', async () => {
    const { url } = await run()
    const server = new HttpServer(portsOf(new Metrics('1')))
    const port = Number(new URL(url).port)
    await expect(server.listen({ kind: 'tcp', host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })

  test('closes only when the requests that it has are answered', async () => {
    const started = Promise.withResolvers<void>()
    const outcome = Promise.withResolvers<void>()
    const { url } = await run({
      publish: (_input, sink) => {
        started.resolve()
        outcome.promise.then(() => sink.publishEnded({ error: undefined, result: 'stored' }))
      },
    })
    const answer = post(url, JSON.stringify(publish))
    await started.promise
    const closed = servers.splice(0).map((server) => server.close())
    outcome.resolve()
    expect(await answer).toMatchObject({ status: 200, body: { result: 'stored' } })
    await Promise.all(closed)
    await expect(fetch(`${url}/readyz`)).rejects.toThrow()
  })

  test.each([
    ['result', { error: undefined, result: 'delivered' }],
    ['error', { error: stanzaErrors.remoteServerTimeout, result: 'failed' }],
  ] as const)('lets go a %s that its client has not waited for', async (_kind, end) => {
    const asked = Promise.withResolvers<PublishSink>()
    const { url, log } = await run({ publish: (_input, sink) => asked.resolve(sink) })
    const body = JSON.stringify(publish)
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    const head = [
      'POST /v1/publish HTTP/1.1',
      'host: localhost',
      `authorization: ${good.authorization}`,
      'content-type: application/json',
    ]
    socket.write(`${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    const sink = await asked.promise
    socket.destroy()
    // Another request of the same server, there and back.
    await get(`${url}/readyz`)
    sink.publishEnded(end)
    expect(await get(`${url}/readyz`)).toMatchObject({ status: 200 })
    expect(log).toEqual([])
  })

  test('closes although a refused request was still being sent', async () => {
    const { url } = await run()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write('POST /nothing HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n12')
    await new Promise<void>((resolve) => socket.once('data', () => resolve()))
    const closed = servers.splice(0).map((server) => server.close(60_000))
    socket.write('34')
    await Promise.all(closed)
  })

  test('cuts who is still asking when the time to close is over', async () => {
    const { url } = await run()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => socket.destroy())
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    socket.write('GET /readyz HTTP/1.1\r\nhost: x\r\n\r\nGET /half')
    await new Promise<void>((resolve) => socket.once('data', () => resolve()))
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    await Promise.all(servers.splice(0).map((server) => server.close(10)))
    await gone
  })
})

/** Node removes a socket's file when it closes: one that is renamed meanwhile stays. */
async function leaveSocketBehind(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${path}.old`, resolve))
  renameSync(`${path}.old`, path)
  await new Promise((resolve) => server.close(resolve))
}
