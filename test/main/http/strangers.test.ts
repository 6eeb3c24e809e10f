import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { HttpServer } from '../../../src/main/http/server.ts'
import { Metrics } from '../../../src/main/metrics/table.ts'
import { until } from '../../support/until.ts'
import { good, portsOf, type Running, run, servers } from './running.ts'

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

function open(url: string): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname.replace(/^\[(.*)\]$/, '$1'))
  sockets.push(socket)
  socket.on('error', () => socket.destroy())
  return socket
}

async function toEnd(socket: Socket): Promise<string> {
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk
  })
  await once(socket, 'close')
  return received
}

/** Status and body of a request whose head is written as it stands. */
async function ask(url: string, target: string, ...fields: string[]): Promise<[number, string]> {
  const socket = open(url)
  const head = [
    `GET ${target} HTTP/1.1`,
    ...fields,
    `authorization: ${good.authorization}`,
    'connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  const answer = await toEnd(socket)
  return [Number(answer.split(' ')[1]), answer.slice(answer.indexOf('\r\n\r\n') + 4)]
}

async function limit({ metrics }: Pick<Running, 'metrics'>, name: string): Promise<number> {
  const { body } = await metrics.render(undefined)
  return Number(new RegExp(`^xmpp_pushd_limits_hit_total\\{limit="${name}"\\} (.*)$`, 'm').exec(body)?.[1])
}

describe('a request goes to a server that knows itself by that name', () => {
  test.each(['127.0.0.1', '127.0.0.1:9590', 'localhost', 'LOCALHOST:80', 'localhost.'])(
    'Host: %s is the listen address or localhost',
    async (host) => {
      const { url } = await run()
      expect((await ask(url, '/admin', `host: ${host}`))[0]).toBe(200)
    },
  )

  test.each([
    'rebound.example',
    'rebound.example:9590',
    '127.0.0.1.rebound.example',
    'localhost.rebound.example',
    'rebound.example#localhost',
    'user@localhost',
    '10.0.0.1',
    '[::1]',
    '',
  ])('a foreign Host, %j, is 421, token or not', async (host) => {
    const { url } = await run()
    const [status, body] = await ask(url, '/admin', `host: ${host}`)
    expect({ status, body: JSON.parse(body) }).toMatchObject({
      status: 421,
      body: { error: 'misdirected-request' },
    })
    expect(JSON.parse(body).message).toContain('http.hosts')
  })

  test.each(['/v1/publish', '/v1/events/message', '/nothing', '/'])(
    'a foreign Host is 421 at %s too',
    async (path) => {
      const { url } = await run()
      expect((await ask(url, path, 'host: rebound.example'))[0]).toBe(421)
    },
  )

  test('without any Host, as HTTP/1.0 has it, it is 421', async () => {
    const { url } = await run()
    const socket = open(url)
    socket.write(`GET /admin HTTP/1.0\r\nauthorization: ${good.authorization}\r\n\r\n`)
    expect(await toEnd(socket)).toMatch(/^HTTP\/1\.1 421 /)
  })

  test.each(['/metrics', '/healthz', '/readyz'])(
    '%s is open, for any Host, without a token',
    async (path) => {
      const { url } = await run()
      const socket = open(url)
      socket.write(`GET ${path} HTTP/1.1\r\nhost: monitoring.example\r\nconnection: close\r\n\r\n`)
      expect(await toEnd(socket)).toMatch(/^HTTP\/1\.1 200 /)
    },
  )

  test('http.hosts names more, which may change while running', async () => {
    let named = ['admin.example.com', '[2001:db8::1]']
    const { url } = await run({ hosts: () => named })
    expect((await ask(url, '/admin', 'host: Admin.example.com:8443'))[0]).toBe(200)
    expect((await ask(url, '/admin', 'host: [2001:DB8:0::1]:9590'))[0]).toBe(200)
    expect((await ask(url, '/admin', 'host: another.example.com'))[0]).toBe(421)
    named = ['another.example.com']
    expect((await ask(url, '/admin', 'host: another.example.com'))[0]).toBe(200)
    expect((await ask(url, '/admin', 'host: admin.example.com'))[0]).toBe(421)
  })

  test.each([
    ['0.0.0.0', '192.0.2.7:9590'],
    ['0.0.0.0', '[2001:db8::7]'],
    ['::', '[::1]:9590'],
  ])('listening on %s, any literal address is a good Host: %s', async (host, authority) => {
    const { url } = await run({}, { host })
    const local = url.replace('0.0.0.0', '127.0.0.1').replace('[::]', '[::1]')
    expect((await ask(local, '/admin', `host: ${authority}`))[0]).toBe(200)
    expect((await ask(local, '/admin', 'host: rebound.example'))[0]).toBe(421)
  })

  test.each(['127.0.0.1:9590', '[::1]', 'localhost'])(
    'listening on localhost, so is the address of that name: %s',
    async (authority) => {
      const { url } = await run({}, { host: 'localhost' })
      expect((await ask(url, '/admin', `host: ${authority}`))[0]).toBe(200)
      expect((await ask(url, '/admin', 'host: 10.0.0.1'))[0]).toBe(421)
    },
  )

  test('an IPv6 address is known however it is written', async () => {
    const { url } = await run({}, { host: '::1' })
    expect((await ask(url, '/admin', 'host: [::1]:9590'))[0]).toBe(200)
    expect((await ask(url, '/admin', 'host: [0:0:0:0:0:0:0:1]'))[0]).toBe(200)
    expect((await ask(url, '/admin', 'host: [::2]'))[0]).toBe(421)
    expect((await ask(url, '/admin', 'host: ::1'))[0]).toBe(421)
  })

  test('the name in an absolute-form target counts, and Host does not', async () => {
    const { url } = await run()
    expect((await ask(url, 'http://localhost:9590/admin', 'host: rebound.example'))[0]).toBe(200)
    expect((await ask(url, 'http://rebound.example/admin', 'host: localhost'))[0]).toBe(421)
    expect((await ask(url, 'http://rebound.example/healthz', 'host: localhost'))[0]).toBe(200)
    expect((await ask(url, 'http://localhost?x', 'host: localhost'))[0]).toBe(404)
  })
})

describe('a request does not come from a page of another site', () => {
  test.each([
    'http://attacker.example',
    'https://attacker.example:9590',
    'http://localhost:3000',
    'http://localhost.attacker.example',
    'null',
    'file://',
    'moz-extension://localhost:9590',
  ])('Origin: %s is 403', async (origin) => {
    const { url } = await run()
    const [status, body] = await ask(url, '/admin', 'host: localhost:9590', `origin: ${origin}`)
    expect({ status, body: JSON.parse(body) }).toMatchObject({
      status: 403,
      body: { error: 'foreign-origin' },
    })
  })

  test.each([
    ['localhost:9590', 'http://localhost:9590'],
    ['127.0.0.1:9590', 'http://localhost:9590'],
    ['localhost', 'http://localhost'],
    ['localhost:9590', 'https://admin.example.com'],
  ])('to %s from %s, a page of its own, it is taken', async (host, origin) => {
    const hosts = ['admin.example.com']
    const { url } = await run({ hosts: () => hosts })
    expect((await ask(url, '/admin', `host: ${host}`, `origin: ${origin}`))[0]).toBe(200)
  })
})

describe('a unix socket of mode 0660', () => {
  test('wants no token, and is for its owner and group', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'pushd-http-'))
    const path = join(dir, 'http.sock')
    const server = new HttpServer(portsOf(new Metrics('1')))
    servers.push(server)
    const umask = process.umask(0)
    await server.listen({ kind: 'unix', path })
    process.umask(umask)
    expect(statSync(path).mode & 0o777).toBe(0o660)
    const status = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const request = httpRequest({ socketPath: path, path: '/admin', headers }, (response) =>
          resolve(response.resume().statusCode),
        )
        request.on('error', reject).end()
      })
    expect(await status({})).toBe(200)
    expect(await status({ host: 'rebound.example' })).toBe(421)
    expect(await status({ origin: 'http://attacker.example' })).toBe(403)
    rmSync(dir, { recursive: true })
  })
})

describe('a limit of the HTTP server', () => {
  test('a head that is not there in time, or never begins, is 408 and the end', async () => {
    const running = await run({}, { limits: { headMs: 200 } })
    const [slow, silent] = [open(running.url), open(running.url)]
    const dripping = setInterval(() => slow.write('x'), 50)
    slow.write('GET /admin HTTP/1.1\r\nhost: localhost\r\nx-slow: ')
    const ends = await Promise.all([toEnd(slow), toEnd(silent)])
    clearInterval(dripping)
    for (const end of ends) expect(end).toMatch(/^HTTP\/1\.1 408 /)
    expect(await limit(running, 'http_request_time')).toBe(2)
  })

  test('a body that drips past its time is 408 and the end', async () => {
    const running = await run({}, { limits: { headMs: 100, requestMs: 300 } })
    const socket = open(running.url)
    const head = `POST /v1/publish HTTP/1.1\r\nhost: localhost\r\nauthorization: ${good.authorization}`
    socket.write(`${head}\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{`)
    const dripping = setInterval(() => socket.write(' '), 50)
    const end = await toEnd(socket)
    clearInterval(dripping)
    expect(end).toMatch(/^HTTP\/1\.1 408 /)
    expect(running.published).toEqual([])
    expect(await limit(running, 'http_request_time')).toBe(1)
  })

  test('an answer that nobody reads is given up, and its connection closed', async () => {
    const body = 'x'.repeat(32 * 1024 * 1024)
    const metrics = new Metrics('1.2.3')
    const shown = { render: metrics.render.bind(metrics) }
    metrics.render = async () => ({ contentType: 'text/plain', body })
    const running = await run({ metrics }, { limits: { idleMs: 300 } })
    const socket = open(running.url)
    socket.pause()
    socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n')
    const count = /^xmpp_pushd_limits_hit_total\{limit="http_idle_time"\} 1$/m
    await until('it is given up', async () => count.test((await shown.render(undefined)).body))
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    socket.resume()
    await once(socket, 'close')
    expect(bytes).toBeLessThan(body.length)
  })

  test('of /metrics a connection has one at a time: what it does not read is not piled up', async () => {
    const running = await run()
    const socket = open(running.url)
    socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(500))
    let received = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
    })
    await until('all are answered', () => received.split('HTTP/1.1 ').length === 501)
    expect(received.match(/HTTP\/1\.1 200 /g)?.length).toBeLessThan(50)
    expect(await limit(running, 'http_open_requests')).toBeGreaterThan(450)
    // One after the other they are all answered.
    for (let i = 0; i < 3; i++) expect((await fetch(`${running.url}/metrics`)).status).toBe(200)
    expect((await fetch(`${running.url}/metrics`, { method: 'POST' })).status).toBe(405)
    expect((await fetch(`${running.url}/readyz`)).status).toBe(200)
  })

  test('1,000 connections are let in, and no more until one has ended', async () => {
    const running = await run()
    const held = Array.from({ length: 1_000 }, () => open(running.url))
    await Promise.all(held.map((socket) => once(socket, 'connect')))
    await toEnd(open(running.url))
    expect(await limit(running, 'http_connections')).toBe(1)
    held[0]?.destroy()
    await until('there is room again', () =>
      fetch(`${running.url}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    )
  })
})
