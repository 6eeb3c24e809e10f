import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { Http2Client } from '../../sandbox/providers/http2-client.ts'
import { until } from '../../support/until.ts'
import { head, http2Push, open, text, toEnd, whole } from './clients.ts'
import { ask, certificate, metric, push, run } from './running.ts'

describe('a limit', () => {
  test('of a body: it is refused, and the connection goes on', async () => {
    const { port, url, metrics } = await run({ limits: { maxBodyBytes: 100 } })
    expect(await push(url, '/v1/notification/d', 'x'.repeat(101))).toMatchObject({
      status: 413,
      body: '{"details":"payload_too_large"}',
    })
    const socket = await open(port)
    let received = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
    })
    socket.write(`${head}content-length: 100000\r\n\r\n${'x'.repeat(100_000)}${whole}`)
    await until('both are answered', () => received.includes('200 OK'))
    expect(received).toContain('413 Payload Too Large')
    expect(await metric(metrics, 'limits_hit_total{limit="served_body_bytes"}')).toBe('2')
  })

  test('of a body over HTTP/2: it is refused before its end', async () => {
    const { url, metrics } = await run({ tls: true, limits: { maxBodyBytes: 100 } })
    const { stream } = http2Push(url)
    stream.write('x'.repeat(200))
    const [headers] = await once(stream, 'response')
    expect(headers[':status']).toBe(413)
    await once(stream.resume(), 'close')
    expect(await metric(metrics, 'limits_hit_total{limit="served_body_bytes"}')).toBe('1')
  })

  test('of all bodies together: what comes beyond it is to come again, what is there goes on', async () => {
    const { port, url, metrics, submitted } = await run({ limits: { maxBodiesBytes: 1000 } })
    const socket = await open(port)
    socket.write(`${head}content-length: 900\r\n\r\n${' '.repeat(899 - text.length)}`)
    await until('it is being read', async () => (await push(url)).status === 200)
    const body = text + ' '.repeat(500)
    await until('there is no room', async () => (await push(url, undefined, body)).status === 429)
    expect(await push(url, undefined, body)).toMatchObject({ headers: { 'retry-after': '1' } })
    const before = submitted.length
    const received = once(socket.setEncoding('utf8'), 'data')
    socket.write(` ${text}`)
    expect(String(await received)).toContain('200 OK')
    expect(submitted).toHaveLength(before + 1)
    expect(await push(url, undefined, body)).toMatchObject({ status: 200 })
    expect(Number(await metric(metrics, 'limits_hit_total{limit="served_bodies_bytes"}'))).toBeGreaterThan(0)
  })

  test('of headers', async () => {
    const { url, metrics } = await run({ limits: { maxHeaderBytes: 2_000 } })
    const headers = { 'x-long': 'x'.repeat(4_000) }
    expect(await ask(`${url}/healthcheck`, { headers })).toMatchObject({ status: 431 })
    expect(await metric(metrics, 'limits_hit_total{limit="served_header_bytes"}')).toBe('1')
  })

  test('of the time that a request takes to come in', async () => {
    const { port, metrics } = await run({ limits: { requestMs: 100 } })
    const socket = await open(port)
    socket.write(`${head}content-length: 1000\r\n\r\n{`)
    expect(await toEnd(socket)).toContain('408 Request Timeout')
    expect(await metric(metrics, 'limits_hit_total{limit="served_request_time"}')).toBe('1')
  })

  test('of the time that a request takes to come in over HTTP/2', async () => {
    const { url, metrics } = await run({ tls: true, limits: { requestMs: 100 } })
    const { stream } = http2Push(url)
    stream.write('{')
    const [headers] = await once(stream, 'response')
    expect(headers[':status']).toBe(408)
    expect(await metric(metrics, 'limits_hit_total{limit="served_request_time"}')).toBe('1')
  })

  test('of the time that a connection is idle', async () => {
    const { port, url, api } = await run({ limits: { idleMs: 100 } })
    await toEnd(await open(port))
    expect(await push(url)).toMatchObject({ status: 200 })
    await api.close()
    const tls = await run({ tls: true, limits: { idleMs: 100 } })
    const client = await Http2Client.connect(tls.url, certificate.ca)
    await client.ended
  })

  test('of connections: what is over it is not let in', async () => {
    const { port, url, metrics } = await run({ limits: { maxConnections: 1 } })
    const socket = await open(port)
    await toEnd(await open(port))
    expect(await metric(metrics, 'limits_hit_total{limit="served_connections"}')).toBe('1')
    socket.destroy()
    await until('there is room again', () =>
      push(url).then(
        ({ status }) => status === 200,
        () => false,
      ),
    )
  })

  test('of what is HTTP', async () => {
    const { port } = await run()
    const socket = await open(port)
    socket.write('this is no HTTP\r\n\r\n')
    expect(await toEnd(socket)).toContain('400 Bad Request')
  })
})
