import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { constants } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { localhostCertificate } from '../../../src/sandbox/providers/authority.ts'
import { Http2Client } from '../../sandbox/providers/http2-client.ts'
import { until } from '../../support/until.ts'
import { head, held, http2Push, json, open, sockets, text, toEnd, whole } from './clients.ts'
import { certificate, metric, push, run } from './running.ts'

describe('over TLS', () => {
  test('a client that offers HTTP/2 is served it', async () => {
    const { url, submitted } = await run({ tls: true })
    const client = await Http2Client.connect(url, certificate.ca)
    expect(await client.post('/v3/notification/a', json, text)).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8', 'content-length': '4' },
      body: 'null',
    })
    expect(await client.request('HEAD', '/healthcheck', {})).toMatchObject({ status: 200, body: '' })
    expect(await client.request('GET', '/nothing', {})).toMatchObject({ status: 404 })
    await client.close()
    expect(submitted).toHaveLength(1)
  })

  test('many HTTP/2 requests at a time are answered each with its own outcome', async () => {
    const { url } = await run({
      tls: true,
      outcome: ({ device }) =>
        Number(device.id) % 2 === 0 ? { kind: 'delivered' } : { kind: 'dead_device', reason: 'Unregistered' },
    })
    const client = await Http2Client.connect(url, certificate.ca)
    const asked = Array.from({ length: 200 }, (_, i) => client.post(`/v3/notification/${i}`, json, text))
    const answers = await Promise.all(asked)
    expect(answers.map(({ status }) => status)).toEqual(answers.map((_, i) => (i % 2 === 0 ? 200 : 410)))
    await client.close()
  })

  test('a client that does not is served HTTP/1.1', async () => {
    const { url } = await run({ tls: true })
    expect(await push(url)).toMatchObject({ status: 200, body: 'null' })
  })

  test('connections are counted by their protocol', async () => {
    const { url, port, metrics } = await run({ tls: true })
    const client = await Http2Client.connect(url, certificate.ca)
    const socket = connectTls({ port, host: 'localhost', ca: certificate.ca })
    sockets.push(socket)
    await once(socket, 'secureConnect')
    await until('both are counted', async () => {
      const h1 = await metric(metrics, 'served_connections{protocol="http/1.1"}')
      const h2 = await metric(metrics, 'served_connections{protocol="h2"}')
      return h1 === '1' && h2 === '1'
    })
    await client.close()
    socket.destroy()
    await until('none is left', async () => {
      return (await metric(metrics, 'served_connections{protocol="h2"}')) === '0'
    })
  })

  test('a renewed certificate is shown to new connections', async () => {
    const { url, api } = await run({ tls: true })
    const renewed = { ...localhostCertificate(), clientCa: undefined }
    api.renew(renewed)
    const client = await Http2Client.connect(url, renewed.ca)
    expect(await client.request('GET', '/healthcheck', {})).toMatchObject({ status: 200 })
    await client.close()
    expect(() => api.renew({ cert: 'nonsense', key: renewed.key, clientCa: undefined })).toThrow()
    const again = await Http2Client.connect(url, renewed.ca)
    await again.close()
  })
})

test('it listens on a unix socket', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'pushd-api-'))
  try {
    const unixPath = join(dir, 'api.sock')
    const { api, url } = await run({ unixPath })
    expect(url).toBe(`unix:${unixPath}`)
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    request({ socketPath: unixPath, path: '/swagger.json' }, (response) =>
      resolve(response.resume().statusCode),
    )
      .on('error', reject)
      .end()
    expect(await promise).toBe(200)
    await api.close()
  } finally {
    rmSync(dir, { recursive: true })
  }
})

describe('a connection', () => {
  test('is kept for further requests, and requests that were sent ahead are answered in their order', async () => {
    const { waiting, options } = held()
    const { port } = await run(options)
    const socket = await open(port)
    let received = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
    })
    socket.write(whole + whole)
    await until('both are in', () => waiting.length === 2)
    waiting[1]?.({ kind: 'dead_device', reason: 'Unregistered' })
    waiting[0]?.({ kind: 'delivered' })
    await until('both are answered', () => received.includes('unregistered'))
    expect(received.indexOf('200 OK')).toBeLessThan(received.indexOf('410 Gone'))
    socket.write(whole)
    await until('it is in', () => waiting.length === 3)
  })

  test('may be gone before the answer: the push is sent all the same', async () => {
    const { waiting, options } = held()
    const { port, metrics } = await run(options)
    const socket = await open(port)
    socket.write(whole)
    await until('it is in', () => waiting.length === 1)
    socket.destroy()
    await until('that is noticed', async () => {
      return (await metric(metrics, 'served_connections{protocol="http/1.1"}')) === '0'
    })
    waiting[0]?.({ kind: 'delivered' })
    expect(await metric(metrics, 'served_requests_total{route="v3",status="gone"}')).toBe('1')
  })

  test('may be gone in the midst of a body: nothing is sent', async () => {
    const { port, metrics, submitted } = await run()
    const socket = await open(port)
    socket.write(`${head}content-length: 1000\r\n\r\n{`)
    await until('it is there', async () => {
      return (await metric(metrics, 'served_connections{protocol="http/1.1"}')) === '1'
    })
    socket.destroy()
    await until('it is gone', async () => {
      return (await metric(metrics, 'served_connections{protocol="http/1.1"}')) === '0'
    })
    expect(submitted).toEqual([])
  })

  test('of HTTP/2 may take back a request: its push is sent all the same', async () => {
    const { waiting, options } = held({ tls: true })
    const { url, metrics } = await run(options)
    const { session, stream } = http2Push(url)
    stream.end(text)
    await until('it is in', () => waiting.length === 1)
    stream.close(constants.NGHTTP2_CANCEL)
    await once(stream, 'close')
    // A later request is answered only when what came before it is known.
    const ping = Promise.withResolvers<void>()
    session.ping(() => ping.resolve())
    await ping.promise
    waiting[0]?.({ kind: 'delivered' })
    expect(await metric(metrics, 'served_requests_total{route="v3",status="gone"}')).toBe('1')
  })
})

describe('the end', () => {
  test('comes when what is under way is answered, and the last answer says that it is the last', async () => {
    const { waiting, options } = held()
    const { port, api } = await run(options)
    const socket = await open(port)
    const received = toEnd(socket)
    socket.write(whole)
    await until('it is in', () => waiting.length === 1)
    api.drain()
    await expect(open(port)).rejects.toThrow()
    waiting[0]?.({ kind: 'delivered' })
    expect(await received).toMatch(/200 OK.*connection: close/is)
    await api.close()
  })

  test('of HTTP/2 is said at once, and comes when what is under way is answered', async () => {
    const { waiting, options } = held({ tls: true })
    const { url, api } = await run(options)
    const { session, stream } = http2Push(url)
    stream.end(text)
    await until('it is in', () => waiting.length === 1)
    const goneAway = once(session, 'goaway')
    api.drain()
    await goneAway
    const response = once(stream, 'response')
    waiting[0]?.({ kind: 'delivered' })
    expect((await response)[0][':status']).toBe(200)
    stream.resume()
    await api.close()
  })

  test('cuts a client that does not go when its time is over', async () => {
    const { options } = held()
    const { port, api } = await run(options)
    const socket = await open(port)
    const received = toEnd(socket)
    socket.write(whole)
    await api.close(50)
    expect(await received).toBe('')
  })

  test('is told to a request that was still coming in when it began', async () => {
    const { port, api, metrics } = await run({ ports: { submitOnce: () => false } })
    const socket = await open(port)
    const received = toEnd(socket)
    socket.write(whole.slice(0, -1))
    await until('it is there', async () => {
      return (await metric(metrics, 'served_connections{protocol="http/1.1"}')) === '1'
    })
    api.drain()
    socket.write('}')
    expect(await received).toMatch(/503 Service Unavailable.*retry-after: 5.*unable_to_connect/is)
    await api.close()
  })
})
