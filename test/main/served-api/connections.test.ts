import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
} from 'node:http2'
import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { holderOf } from '../../../src/main/served-api/address-counts.ts'
import { listenerLimits } from '../../../src/main/served-api/listener-limits.ts'
import { Http2Client } from '../../sandbox/providers/http2-client.ts'
import { until } from '../../support/until.ts'
import { head, held, json, open, sessions, sockets, text, toEnd, whole } from './clients.ts'
import { certificate, metric, push, type Running, run } from './running.ts'

const limit = async ({ metrics }: Running, name: string) =>
  Number(await metric(metrics, `limits_hit_total{limit="${name}"}`))

async function session(url: string): Promise<ClientHttp2Session> {
  const opened = connectHttp2(url, { ca: certificate.ca, peerMaxConcurrentStreams: 1_000 })
  sessions.push(opened)
  opened.on('error', () => opened.destroy())
  await once(opened, 'remoteSettings')
  return opened
}

/** A request without its body's end. */
function begin(on: ClientHttp2Session): ClientHttp2Stream {
  const stream = on.request({ ':method': 'POST', ':path': '/v3/notification/d', ...json })
  stream.on('error', () => stream.destroy())
  stream.write('{')
  return stream
}

const refused = (streams: readonly ClientHttp2Stream[]) =>
  streams.filter(({ rstCode }) => rstCode === constants.NGHTTP2_REFUSED_STREAM).length

async function from(address: string, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: address })
  sockets.push(socket)
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

describe('connections', () => {
  test('of one address are 100, and another address has its own', async () => {
    const running = await run()
    const first = await Promise.all(Array.from({ length: 100 }, () => from('127.0.0.1', running.port)))
    await toEnd(await from('127.0.0.1', running.port))
    expect(await limit(running, 'served_connections_per_address')).toBe(1)
    const other = await from('127.0.0.2', running.port)
    other.write(whole)
    expect(String(await once(other, 'data'))).toContain('200 OK')
    first[0]?.destroy()
    await until('there is room again', () =>
      push(running.url).then(
        ({ status }) => status === 200,
        () => false,
      ),
    )
  })

  test('are 1,000 in all', async () => {
    const running = await run()
    for (let i = 1; i <= 10; i++) {
      await Promise.all(Array.from({ length: 100 }, () => from(`127.0.1.${i}`, running.port)))
    }
    await toEnd(await from('127.0.2.1', running.port))
    expect(await limit(running, 'served_connections')).toBe(1)
    expect(await limit(running, 'served_connections_per_address')).toBe(0)
  })

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:0:7:8:9:a:b', '2001:db8:0:7::/64'],
    ['2001:db8:0:7::1', '2001:db8:0:7::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('from %s are those of %s: whoever has an IPv6 address has 2⁶⁴ of them', (address, holder) => {
    expect(holderOf(address)).toBe(holder)
  })
})

describe('requests of one HTTP/2 connection', () => {
  test('are 16 until it has sent a whole one: the rest is refused and may come again', async () => {
    const running = await run({ tls: true })
    const client = await session(running.url)
    const streams = Array.from({ length: 200 }, () => begin(client))
    await until('they are refused', () => refused(streams) === 184)
    expect(streams.filter(({ closed }) => !closed)).toHaveLength(16)
    expect(await limit(running, 'served_streams')).toBe(184)
    // It has had its grace: from now on they are refused at once.
    const later = begin(client)
    await until('it is refused', () => refused([later]) === 1)
  })

  test('are 256 from then on', async () => {
    const running = await run({ tls: true })
    const client = await session(running.url)
    const first = begin(client)
    first.end(text.slice(1))
    await once(first.resume(), 'close')
    const streams = Array.from({ length: 256 }, () => begin(client))
    const answered = streams.map((stream) => once(stream, 'response'))
    for (const stream of streams) stream.end(text.slice(1))
    for (const [headers] of await Promise.all(answered)) expect(headers[':status']).toBe(200)
    expect(await limit(running, 'served_streams')).toBe(0)
    expect(client.remoteSettings.maxConcurrentStreams).toBe(256)
  })

  test('sent in a burst on a new connection are all answered: an honest client loses none', async () => {
    const running = await run({ tls: true })
    const client = connectHttp2(running.url, { ca: certificate.ca })
    sessions.push(client)
    // Before the server's settings are there, as HTTP/2 allows: 100 by default.
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const stream = client.request({ ':method': 'POST', ':path': '/v3/notification/d', ...json })
        stream.end(text)
        const [headers] = await once(stream, 'response')
        stream.resume()
        return headers[':status']
      }),
    )
    expect(answers.filter((status) => status === 200)).toHaveLength(100)
    expect(await limit(running, 'served_streams')).toBe(0)
  })

  test('that wait for a first whole one do not take all memory: on all connections they are so many', async () => {
    const running = await run({ tls: true, limits: { maxWaitingStreams: 10, newStreamsMs: 60_000 } })
    const [one, two] = [await session(running.url), await session(running.url)]
    const streams = [one, two].flatMap((client) => Array.from({ length: 24 }, () => begin(client)))
    await until('two of each are refused, or four of one', () => refused(streams) === 6)
    // What was given up has room for others.
    one.destroy()
    await once(one, 'close')
    const more = Array.from({ length: 8 }, () => begin(two))
    await until('some wait', () => refused(more) > 0)
    expect(refused(more)).toBeLessThan(8)
  })
})

describe('requests under way', () => {
  test('are 20,000 in all, and one more is to come again', async () => {
    expect(listenerLimits.maxRequests).toBe(20_000)
    const { waiting, options } = held({ tls: true, limits: { maxRequests: 20 } })
    const running = await run(options)
    const client = await Http2Client.connect(running.url, certificate.ca)
    const asked = Array.from({ length: 20 }, (_, i) => client.post(`/v3/notification/${i}`, json, text))
    await until('they are under way', () => waiting.length === 20)
    expect(await client.post('/v3/notification/d', json, text)).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
    })
    expect(await limit(running, 'served_requests')).toBe(1)
    for (const settled of waiting) settled({ kind: 'delivered' })
    for (const { status } of await Promise.all(asked)) expect(status).toBe(200)
    await client.close()
  })

  test('that come one after the other on an HTTP/1.1 connection, unanswered, are no more than streams', async () => {
    const { waiting, options } = held({ limits: { maxStreams: 4 } })
    const running = await run(options)
    const socket = await open(running.port)
    socket.write(whole)
    await until('the first is whole', () => waiting.length === 1)
    socket.write(whole.repeat(9))
    await until('the rest is refused', async () => (await limit(running, 'served_streams')) === 6)
    expect(waiting).toHaveLength(4)
    let received = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
    })
    for (const settled of waiting) settled({ kind: 'delivered' })
    await until('all are answered', () => received.split('HTTP/1.1 ').length === 11)
    expect(received.match(/200 OK/g)).toHaveLength(4)
    expect(received.match(/429 Too Many/g)).toHaveLength(6)
  })

  test('have 10 s for their bodies, however they drip', async () => {
    expect(listenerLimits.requestMs).toBe(10_000)
    const running = await run({ limits: { requestMs: 400 } })
    const socket = await open(running.port)
    socket.write(`${head}content-length: 60000\r\n\r\n`)
    const dripping = setInterval(() => socket.write(' '), 50)
    expect(await toEnd(socket)).toContain('408 Request Timeout')
    clearInterval(dripping)
    expect(await limit(running, 'served_request_time')).toBe(1)
  })

  test('have 10 s for their bodies over HTTP/2, however they drip', async () => {
    const running = await run({ tls: true, limits: { requestMs: 400 } })
    const client = await session(running.url)
    const stream = begin(client)
    const dripping = setInterval(() => stream.write(' '), 50)
    const [headers] = await once(stream, 'response')
    clearInterval(dripping)
    expect(headers[':status']).toBe(408)
    await once(stream.resume(), 'close')
    expect(await limit(running, 'served_request_time')).toBe(1)
  })

  test('for /metrics are one at a time on a connection: what it does not read is not piled up', async () => {
    const running = await run({ tls: true })
    const client = await Http2Client.connect(running.url, certificate.ca)
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => client.request('GET', '/metrics', {})),
    )
    const refused = answers.filter(({ status }) => status === 429).length
    expect(refused).toBeGreaterThan(0)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(100 - refused)
    expect(await limit(running, 'served_open_requests')).toBe(refused)
    expect(await client.request('GET', '/metrics', {})).toMatchObject({ status: 200 })
    await client.close()
  })

  test('whose answers nobody reads are cut', async () => {
    const running = await run({ tls: true, limits: { requestMs: 100 } })
    const client = connectHttp2(running.url, { ca: certificate.ca, settings: { initialWindowSize: 0 } })
    sessions.push(client)
    await once(client, 'remoteSettings')
    const stream = client.request({ ':method': 'POST', ':path': '/v3/notification/d', ...json })
    stream.on('error', () => stream.destroy())
    stream.end(text)
    await once(stream, 'close')
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL)
    expect(await limit(running, 'served_answer_time')).toBe(1)
  })
})
