import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { http, ok, type RawRequest, rawServer } from './raw-server.ts'
import { SessionAtWork } from './session-at-work.ts'

test('a request is a POST of JSON on a keep-alive connection, and nothing more', async () => {
  await using server = await rawServer(({ socket }) => socket.write(ok))
  await using worker = new SessionAtWork(server.url)
  worker.post(['/v3/notification/tok'], 0, '{"service":"fcm"}')
  expect(await worker.answered(1)).toMatchObject([{ id: 1, status: 200 }])
  expect(server.requests[0]?.body).toBe('{"service":"fcm"}')
  expect(server.requests[0]?.head.split('\r\n')).toEqual([
    'POST /v3/notification/tok HTTP/1.1',
    `host: 127.0.0.1:${server.port}`,
    'connection: keep-alive',
    'content-type: application/json',
    'content-length: 17',
  ])
})

test('one slow request delays no other of its batch', async () => {
  const held: RawRequest[] = []
  await using server = await rawServer((request) => {
    if (request.path === '/slow') held.push(request)
    else request.socket.write(ok)
  })
  await using worker = new SessionAtWork(server.url)
  worker.post(['/slow', ...Array.from({ length: 63 }, (_, i) => `/${i}`)])
  const answers = await worker.answered(63)
  expect(answers.map(({ id }) => id)).not.toContain(1)
  held[0]?.socket.write(ok)
  expect((await worker.answered(64)).at(-1)).toMatchObject({ id: 1, status: 200 })
})

test('never more connections than its share, each used again', async () => {
  await using server = await rawServer(({ socket }) => socket.write(ok))
  await using worker = new SessionAtWork(server.url, { connections: [3] })
  worker.post(Array.from({ length: 300 }, (_, i) => `/${i}`))
  await worker.answered(300)
  expect(server.mostConnections).toBe(3)
  expect(server.connections).toBe(3)
  expect(await worker.openConnections()).toEqual([3])
})

test('the shares of several origins are apart', async () => {
  const held: RawRequest[] = []
  await using stuck = await rawServer((request) => held.push(request))
  await using server = await rawServer(({ socket }) => socket.write(ok))
  await using worker = new SessionAtWork([stuck.url, server.url], { connections: [2, 1] })
  worker.post(['/a', '/b', '/c'], 0)
  worker.post(['/d', '/e'], 1)
  expect((await worker.answered(2)).map(({ id }) => id)).toEqual([4, 5])
  await until('two requests held', () => held.length === 2)
  expect([stuck.mostConnections, server.mostConnections]).toEqual([2, 1])
  for (const { socket } of held) socket.write(ok)
  await until('the third', () => held.length === 3)
  held[2]?.socket.write(ok)
  await worker.answered(5)
})

test('a connection that the server closes while it is idle costs no request', async () => {
  await using server = await rawServer(({ socket }) => socket.write(ok))
  await using worker = new SessionAtWork(server.url)
  for (let i = 0; i < 5; i++) {
    expect(await worker.only(`/${i}`)).toMatchObject({ status: 200 })
    const closed = server.requests.at(-1)?.socket
    closed?.end()
    if (closed !== undefined && !closed.closed) await once(closed, 'close')
  }
  expect(server.connections).toBe(5)
})

test('a connection that the server will not keep is opened anew', async () => {
  await using server = await rawServer(({ socket }) =>
    socket.end(http('200 OK', 'null', 'connection: close\r\n')),
  )
  await using worker = new SessionAtWork(server.url, { connections: [2] })
  worker.post(Array.from({ length: 20 }, (_, i) => `/${i}`))
  const answers = await worker.answered(20)
  expect(answers.every(({ status }) => status === 200)).toBe(true)
  expect(server.connections).toBe(20)
})

test('no answer within the request timeout is a timeout, and its connection is dropped', async () => {
  await using server = await rawServer(({ path, socket }) => {
    if (path === '/ok') socket.write(ok)
  })
  await using worker = new SessionAtWork(server.url, { connections: [1], requestTimeoutMs: 100 })
  worker.post(['/hang', '/ok'])
  const answers = await worker.answered(2)
  expect(answers[0]).toMatchObject({ id: 1, status: 0, cause: 'timeout' })
  expect(answers[1]).toMatchObject({ id: 2, status: 200 })
  expect(server.connections).toBe(2)
})

test('a refused connection is a connect_error for every request, and the next one tries again', async () => {
  const server = await rawServer(({ socket }) => socket.write(ok))
  const { url, port } = server
  await server[Symbol.asyncDispose]()
  await using worker = new SessionAtWork(url)
  worker.post(Array.from({ length: 50 }, (_, i) => `/${i}`))
  for (const answer of await worker.answered(50)) {
    expect(answer).toMatchObject({ status: 0, cause: 'connect_error' })
    expect(answer.reason).toContain('ECONNREFUSED')
  }
  await using _again = await rawServer(({ socket }) => socket.write(ok), port)
  expect(await worker.only('/x')).toMatchObject({ status: 200 })
})

test('a name that does not resolve is a connect_error', async () => {
  await using worker = new SessionAtWork('http://no-such-host.invalid:1')
  expect(await worker.only('/x')).toMatchObject({ status: 0, cause: 'connect_error' })
})

test('a peer that takes no connection is a connect_error at the request timeout, and holds up nothing', async () => {
  // Its backlog is full: connections are taken by nobody.
  const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await using tlsWorker = new SessionAtWork(`https://127.0.0.1:${port}`, {
    connections: [1],
    requestTimeoutMs: 100,
  })
  // TCP connects, TLS never does: nothing of the request was sent.
  tlsWorker.post(['/a', '/b', '/c'])
  for (const answer of await tlsWorker.answered(3)) {
    expect(answer).toMatchObject({ status: 0, cause: 'connect_error' })
  }
  server.close()
})

test('a connection cut under the request is connection_lost, and the request is not sent again', async () => {
  await using server = await rawServer(({ socket }) => socket.resetAndDestroy())
  await using worker = new SessionAtWork(server.url, { connections: [2] })
  worker.post(['/a', '/b', '/c', '/d'])
  for (const answer of await worker.answered(4)) {
    expect(answer).toMatchObject({ status: 0, cause: 'connection_lost' })
  }
  expect(server.requests.map(({ path }) => path).sort()).toEqual(['/a', '/b', '/c', '/d'])
})

test('an end in the midst of the status line is connection_lost', async () => {
  await using server = await rawServer(({ socket }) => socket.end('HTTP/1.1 20'))
  await using worker = new SessionAtWork(server.url)
  expect(await worker.only('/x')).toMatchObject({ status: 0, cause: 'connection_lost' })
})

test('what is not HTTP is connection_lost', async () => {
  await using server = await rawServer(({ socket }) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'))
  await using worker = new SessionAtWork(server.url)
  expect(await worker.only('/x')).toMatchObject({ status: 0, cause: 'connection_lost' })
})

test('an answer cut off in its body is judged by its status', async () => {
  await using server = await rawServer(({ path, socket }) => {
    const status = path === '/a' ? '200 OK' : '410 Gone'
    socket.write(`HTTP/1.1 ${status}\r\ncontent-length: 100\r\n\r\n{"reason":"unreg`, () => socket.destroy())
  })
  await using worker = new SessionAtWork(server.url)
  expect(await worker.only('/a')).toMatchObject({ status: 200 })
  expect(await worker.only('/b')).toMatchObject({ status: 410, reason: undefined })
})

test('an answer whose body never ends is judged by its status at the request timeout', async () => {
  await using server = await rawServer(({ socket }) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnull'),
  )
  await using worker = new SessionAtWork(server.url, { requestTimeoutMs: 100 })
  expect(await worker.only('/a')).toMatchObject({ status: 200 })
})

test('of a huge body at most 64 KiB are read, then the connection is dropped', async () => {
  let writtenBytes = 0
  await using server = await rawServer(({ path, socket }) => {
    if (path === '/ok') {
      socket.write(ok)
      return
    }
    socket.write('HTTP/1.1 503 Down\r\ntransfer-encoding: chunked\r\n\r\n')
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    const write = () => {
      writtenBytes += 0x10000
      if (!socket.destroyed) socket.write(chunk, () => setImmediate(write))
    }
    write()
  })
  await using worker = new SessionAtWork(server.url, { connections: [1] })
  expect(await worker.only('/huge')).toMatchObject({ status: 503, reason: undefined })
  expect(await worker.only('/ok')).toMatchObject({ status: 200 })
  expect(server.connections).toBe(2)
  // What the kernel's buffers took; without a limit it would not end.
  expect(writtenBytes).toBeLessThan(32 * 1024 * 1024)
})

test('a large body within the limit is read whole, and the connection kept', async () => {
  const body = JSON.stringify({ padding: 'x'.repeat(60_000), reason: 'service_internal' })
  await using server = await rawServer(({ socket }) => socket.write(http('503 Down', body)))
  await using worker = new SessionAtWork(server.url, { connections: [1] })
  expect(await worker.only('/a')).toMatchObject({ status: 503, reason: 'service_internal' })
  expect(await worker.only('/b')).toMatchObject({ status: 503 })
  expect(server.connections).toBe(1)
})

test('the word of the body and Retry-After come along', async () => {
  await using server = await rawServer(({ socket }) =>
    socket.write(http('429 Too Many', '{"reason":"too_many_requests"}', 'Retry-After: 7\r\n')),
  )
  await using worker = new SessionAtWork(server.url)
  expect(await worker.only('/a')).toMatchObject({
    status: 429,
    reason: 'too_many_requests',
    retryAfterMs: 7_000,
  })
})

test('of several Retry-After the first counts', async () => {
  await using server = await rawServer(({ socket }) =>
    socket.write(http('503 Busy', '', 'Retry-After: 7\r\nRetry-After: 9\r\n')),
  )
  await using worker = new SessionAtWork(server.url)
  expect(await worker.only('/a')).toMatchObject({ status: 503, retryAfterMs: 7_000 })
})

test.each([
  ['nothing', ''],
  ['null', 'null'],
  ['HTML', '<html>'],
  ['bytes that are no UTF-8', '\xff\xfe'],
])('a body of %s has no word', async (_, body) => {
  await using server = await rawServer(({ socket }) => {
    const head = `HTTP/1.1 500 Oops\r\ncontent-length: ${body.length}\r\n\r\n`
    socket.write(Buffer.from(head + body, 'latin1'))
  })
  await using worker = new SessionAtWork(server.url)
  expect(await worker.only('/a')).toMatchObject({ status: 500, reason: undefined })
})

test('a redirect is an answer like any other', async () => {
  await using server = await rawServer(({ socket }) =>
    socket.write(http('302 Found', '', 'location: http://127.0.0.1:1/\r\n')),
  )
  await using worker = new SessionAtWork(server.url)
  expect(await worker.only('/a')).toMatchObject({ status: 302 })
})

test('an interim answer (103) is not the answer', async () => {
  await using server = await rawServer(({ socket }) =>
    socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${ok}`),
  )
  await using worker = new SessionAtWork(server.url)
  expect(await worker.only('/a')).toMatchObject({ status: 200 })
})

test('the time a request waits for a connection is not taken for the gateway’s', async () => {
  await using server = await rawServer(({ socket }) => void setTimeout(() => socket.write(ok), 60))
  await using worker = new SessionAtWork(server.url, { connections: [1], requestTimeoutMs: 150 })
  worker.post(['/a', '/b', '/c', '/d', '/e'])
  for (const answer of await worker.answered(5)) expect(answer.status).toBe(200)
})

test('close answers what is held, then ends every connection', async () => {
  const held: RawRequest[] = []
  await using server = await rawServer((request) => held.push(request))
  const worker = new SessionAtWork(server.url)
  worker.post(['/a', '/b'])
  await until('both requests', () => held.length === 2)
  const closed = worker.session.close()
  for (const { socket } of held) socket.write(ok)
  await closed
  expect(worker.answers).toHaveLength(2)
  await until('no connection', () => server.openConnections === 0)
})
