import { connect as connectHttp2 } from 'node:http2'
import { Agent, request } from 'node:https'
import { describe, expect, test } from 'vitest'
import { KnownHosts } from '../../../src/main/http/known-hosts.ts'
import { BearerTokens } from '../../../src/main/secret.ts'
import { Authority, localhostCertificate } from '../../../src/sandbox/providers/authority.ts'
import { Http2Client } from '../../sandbox/providers/http2-client.ts'
import { answerTo } from '../../support/http-answer.ts'
import { head, json, open, sessions, text, toEnd } from './clients.ts'
import { ask, certificate, metric, openRules, push, run } from './running.ts'

const hosts = new KnownHosts({ kind: 'tcp', host: '127.0.0.1', port: 0 }, ['push.example.com'])

describe('callers with tokens', () => {
  const admission = () => ({ ...openRules, tokens: new BearerTokens(['first-caller', 'second-caller']) })
  const pushAs = (url: string, authorization: string, path = '/v3/notification/d') =>
    ask(url + path, { method: 'POST', headers: { ...json, authorization }, body: text })

  test('may push with the token of any of them', async () => {
    const { url, submitted } = await run({ ports: { admission } })
    expect((await pushAs(url, 'Bearer first-caller')).status).toBe(200)
    expect((await pushAs(url, 'bearer second-caller')).status).toBe(200)
    expect(submitted).toHaveLength(2)
  })

  test.each([
    '',
    'Bearer third-caller',
    'Bearer first-caller second-caller',
    'Basic first-caller',
    'first-caller',
  ])('and nobody with %j', async (authorization) => {
    const { url, submitted, metrics } = await run({ ports: { admission } })
    expect(await pushAs(url, authorization)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="xmpp-pushd"' },
      body: '{"reason":"unauthorized"}',
    })
    expect(await pushAs(url, authorization, '/v1/notification/d')).toMatchObject({
      status: 401,
      body: '{"details":"unauthorized"}',
    })
    expect((await pushAs(url, authorization, '/v3/notification/d?wait=false')).status).toBe(401)
    expect(submitted).toEqual([])
    expect(await metric(metrics, 'served_requests_total{route="v3",status="401"}')).toBe('2')
  })

  test('are known before anything of a body is read', async () => {
    const { port } = await run({ ports: { admission } })
    const socket = await open(port)
    socket.write(`${head}content-length: 60000\r\nconnection: close\r\n\r\n{`)
    expect(await toEnd(socket)).toMatch(/^HTTP\/1\.1 401 /)
  })

  test('are asked over HTTP/2 as well', async () => {
    const { url } = await run({ tls: true, ports: { admission } })
    const client = await Http2Client.connect(url, certificate.ca)
    expect(await client.post('/v3/notification/d', json, text)).toMatchObject({ status: 401 })
    const authorization = 'Bearer second-caller'
    expect(await client.post('/v3/notification/d', { ...json, authorization }, text)).toMatchObject({
      status: 200,
    })
    await client.close()
  })

  test.each(['/healthcheck', '/metrics'])('%s asks for none, whatever the Host', async (path) => {
    const onlyByName = true
    const { url } = await run({ ports: { admission: () => ({ ...admission(), onlyByName }) } })
    expect(await ask(url + path, { headers: { host: 'monitoring.example' } })).toMatchObject({ status: 200 })
  })

  test('are asked for anything else', async () => {
    const { url } = await run({ ports: { admission } })
    for (const path of ['/swagger.json', '/nothing', '/healthcheck/x', '//healthcheck']) {
      expect((await ask(url + path)).status).toBe(401)
    }
  })
})

describe('callers with certificates', () => {
  const authority = new Authority()
  const client = authority.issue({ commonName: 'mongooseim' })
  const stranger = localhostCertificate()

  test('may push with one of the authority', async () => {
    const { url } = await run({ tls: true, clientCa: authority.ca })
    const h2 = await Http2Client.connect(url, certificate.ca, client)
    expect(await h2.post('/v3/notification/d', json, text)).toMatchObject({ status: 200 })
    await h2.close()
    const asked = request(`${url}/healthcheck`, { ca: certificate.ca, ...client, agent: new Agent() })
    expect(await answerTo(asked)).toMatchObject({ status: 200 })
  })

  test.each([
    ['without any', {}],
    ['with one of another authority', { cert: stranger.cert, key: stranger.key }],
  ])('and there is no connection %s, a resumed session or not', async (_what, shown) => {
    const { url, submitted } = await run({ tls: true, clientCa: authority.ca })
    for (let attempt = 0; attempt < 2; attempt++) {
      const session = connectHttp2(url, { ca: certificate.ca, ...shown })
      sessions.push(session)
      const stream = session.request({ ':method': 'POST', ':path': '/v3/notification/d', ...json })
      session.on('error', () => session.destroy())
      stream.on('error', () => stream.destroy())
      const closed = new Promise((resolve) => stream.once('close', resolve))
      stream.end(text)
      await closed
    }
    const asked = request(`${url}/healthcheck`, { ca: certificate.ca, ...shown, agent: new Agent() })
    await expect(answerTo(asked)).rejects.toThrow()
    expect(submitted).toEqual([])
  })
})

describe('on loopback, where nothing is asked of callers', () => {
  const admission = () => ({ tokens: undefined, hosts, onlyByName: true })

  test.each(['rebound.example', 'rebound.example:8443', '10.0.0.1', '[::1]'])(
    'a foreign Host, %s, is 421: a page whose name leads here (DNS rebinding) cannot push',
    async (host) => {
      const { url, submitted } = await run({ ports: { admission } })
      const answer = await ask(`${url}/v3/notification/d`, {
        method: 'POST',
        headers: { ...json, host },
        body: text,
      })
      expect(answer).toMatchObject({ status: 421, body: '{"reason":"misdirected_request"}' })
      expect(submitted).toEqual([])
    },
  )

  test.each(['127.0.0.1', 'localhost', 'localhost:8443', 'push.example.com'])('%s is ours', async (host) => {
    const { url } = await run({ ports: { admission } })
    const answer = await ask(`${url}/v3/notification/d`, {
      method: 'POST',
      headers: { ...json, host },
      body: text,
    })
    expect(answer).toMatchObject({ status: 200 })
  })

  test('an :authority counts as a Host does', async () => {
    const { url } = await run({ tls: true, ports: { admission } })
    const client = await Http2Client.connect(url, certificate.ca)
    const to = (authority: string) =>
      client.post('/v3/notification/d', { ...json, ':authority': authority }, text)
    expect(await to('rebound.example')).toMatchObject({ status: 421 })
    expect(await to('localhost:8443')).toMatchObject({ status: 200 })
    await client.close()
  })

  test('the name in an absolute-form target counts, and Host does not', async () => {
    const { port } = await run({ ports: { admission } })
    const status = async (target: string, host: string) => {
      const socket = await open(port)
      const fields = `host: ${host}\r\nconnection: close\r\ncontent-type: application/json`
      socket.write(`POST ${target} HTTP/1.1\r\n${fields}\r\ncontent-length: ${text.length}\r\n\r\n${text}`)
      return Number((await toEnd(socket)).split(' ')[1])
    }
    expect(await status('http://localhost/v3/notification/d', 'rebound.example')).toBe(200)
    expect(await status('http://rebound.example/v3/notification/d', 'localhost')).toBe(421)
  })
})

test('a page of another site is 403, whatever else is asked of callers', async () => {
  const { url, submitted } = await run({ ports: { admission: () => ({ ...openRules, hosts }) } })
  const from = (origin: string) =>
    ask(`${url}/v3/notification/d`, {
      method: 'POST',
      headers: { ...json, origin, host: 'localhost:8443' },
      body: text,
    })
  for (const origin of ['http://attacker.example', 'null', 'http://localhost:3000']) {
    expect(await from(origin)).toMatchObject({ status: 403, body: '{"reason":"foreign_origin"}' })
  }
  expect(submitted).toEqual([])
  expect(await from('https://push.example.com')).toMatchObject({ status: 200 })
  expect(await push(url)).toMatchObject({ status: 200 })
})
