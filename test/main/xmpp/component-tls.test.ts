import { readFileSync } from 'node:fs'
import type { TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { answerAll, OpenDomain } from './open-domain.ts'
import { iq, ScriptedServer } from './scripted-server.ts'

function pem(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url))
}

const ca = pem('ca.pem').toString()
const named = { cert: pem('server.pem'), key: pem('server.key.pem') }
const otherName = { cert: pem('other-name.pem'), key: pem('other-name.key.pem') }

test.each([
  ['localhost', 'localhost'],
  ['127.0.0.1', false],
])('direct TLS to %s with an own authority; its name (%s) is asked for', async (host, serverName) => {
  await using server = await ScriptedServer.listen({ tls: named, host })
  await using _open = new OpenDomain(`${host}:${server.port}`, { tls: { ca, verify: true } }, answerAll)
  const peer = await server.accept(iq('a'))
  await peer.until(/id='a'/)
  expect((peer.socket as TLSSocket).servername).toBe(serverName)
})

test.each([
  ['of an unknown authority', { tls: named, ca: undefined }, /UNABLE_TO_VERIFY_LEAF_SIGNATURE/],
  ['for another name', { tls: otherName, ca }, /ERR_TLS_CERT_ALTNAME_INVALID/],
])('a certificate %s is refused before anything is said', async (_name, { tls, ca }, fault) => {
  await using server = await ScriptedServer.listen({ tls, host: 'localhost' })
  await using open = new OpenDomain(`localhost:${server.port}`, { tls: { ca, verify: true } })
  await open.log.until('no stream')
  expect(open.domain.fault).toMatch(fault)
  expect(server.peers.map(({ text }) => text).join('')).toBe('')
})

test('without verification any certificate will do', async () => {
  await using server = await ScriptedServer.listen({ tls: otherName })
  await using open = new OpenDomain(server, { tls: { ca: undefined, verify: false } })
  await server.accept()
  await open.log.until('connected')
})

test('a server without TLS is a fault', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { tls: { ca, verify: true } })
  const peer = await server.nextPeer()
  peer.socket.end('<stream:stream>')
  await open.log.until('no stream')
  expect(open.domain.fault).toMatch(/connection failed/)
})

test('an authority that is no certificate is refused at once', () => {
  expect(() => new OpenDomain('localhost:1', { tls: { ca: 'no PEM', verify: true } })).toThrow(/PEM/)
})
