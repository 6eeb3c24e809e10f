import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { oneServer } from '../../support/one-server.ts'
import { answerAll, logLevels, metricValue, OpenDomain, result } from './open-domain.ts'
import { domain, iq, ScriptedServer, secret, streamError, streamHeader } from './scripted-server.ts'
import { roomy } from './stream-recording.ts'

test('a stream that comes up is told of: log, state, gauge; and no secret is in the log', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server)
  expect(open.domain.fault).toBe('not connected yet')
  expect(open.domain.send(result('a'))).toBe(false)
  await server.accept()
  expect(await open.log.until('connected')).toMatchObject({ level: logLevels.info, stream: 0, domain })
  expect(open.domain.streamsUp).toBe(1)
  expect(open.domain.fault).toBeUndefined()
  expect(open.domain.state()).toMatchObject([{ stream: 0, state: 'up', lastError: undefined }])
  expect(metricValue(open.metrics.componentConnected, domain)).toBe(1)
  expect(metricValue(open.metrics.componentReconnects, domain)).toBe(0)
  expect(metricValue(open.metrics.stanzasDropped, domain, 'no-stream')).toBe(1)
  expect(JSON.stringify(open.log.lines)).not.toContain(secret)
})

test('requests in the same segment as <handshake/> are answered (Prosody)', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, {}, answerAll)
  const peer = await server.accept(iq('first') + iq('second'))
  await peer.until(/id='first'.*id='second'/)
  expect(open.ids).toEqual(['first', 'second'])
})

test('requests before there is a handler wait for it: not more than come at once, the others in the socket', async () => {
  await using server = await ScriptedServer.listen()
  const scope = oneServer(domain).scopeOf(domain)
  await using open = new OpenDomain(server, {}, answerAll, scope, undefined, true)
  const peer = await server.nextPeer()
  await peer.open('some id')
  await peer.digest()
  const ids = Array.from({ length: 1000 }, (_, i) => `early${i}`)
  peer.send(`<handshake/>${ids.map((id) => iq(id)).join('')}`)
  // A stream that brings stanzas is up: the answer to the ping may be behind them.
  await open.log.until('connected')
  for (let turn = 0; turn < 100; turn++) await nextTurn()
  const read = metricValue(open.metrics.stanzas, domain, 'iq')
  expect(read).toBeGreaterThan(0)
  expect(read).toBeLessThan(ids.length)
  expect(open.ids).toEqual([])

  open.handle()
  await peer.until(/id='early999'/)
  expect(open.ids).toEqual(ids)
})

test('a handshake and requests that come one byte at a time are the same', async () => {
  await using server = await ScriptedServer.listen()
  await using _open = new OpenDomain(server, {}, answerAll)
  const peer = await server.nextPeer()
  for (const byte of streamHeader('some id')) peer.send(byte)
  await peer.digest()
  for (const byte of Buffer.from(`<handshake/>${iq('Zażółć-🚀')}`)) peer.socket.write(Uint8Array.of(byte))
  await peer.until(/id='Zażółć-🚀'/)
})

test('nothing is answered before the handshake: a stanza that comes earlier costs the stream', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, {}, answerAll)
  const peer = await server.nextPeer()
  await peer.open()
  peer.send(iq('early'))
  await peer.until(/<stream:error><not-authorized .*<\/stream:stream>/)
  expect(open.ids).toEqual([])
})

test.each([
  ['a wrong secret', 'not-authorized', 'Given token does not match calculated token', /secret is wrong/],
  ['an unknown domain (ejabberd)', 'not-authorized', '', /server does not know the domain/],
])(
  '%s is one error in the log for all streams, and is in the fault',
  async (_name, condition, text, fault) => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server, { connections: 2 })
    for (let i = 0; i < 4; i++) {
      const peer = await server.nextPeer()
      await peer.open()
      await peer.digest()
      peer.refuse(condition, text)
    }
    for (let i = 0; i < 4; i++) await open.log.until('stream refused')
    expect(open.log.count('stream refused', logLevels.error)).toBe(1)
    expect(open.domain.fault).toMatch(fault)
    expect(open.domain.state()[0]?.lastError).toMatch(fault)
  },
)

test('an unknown domain that is reported with an empty stream id, before any handshake (Prosody), is understood', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server)
  const peer = await server.nextPeer()
  await peer.open('')
  peer.refuse('host-unknown', 'push.chat.test does not match any configured external components')
  await peer.ended
  expect(peer.text).not.toContain('<handshake>')
  const line = await open.log.until('stream refused')
  expect(line.level).toBe(logLevels.error)
  expect(open.domain.fault).toMatch(/does not know the domain \(host-unknown, "push.chat.test does not match/)
})

test('a refused stream is tried again at the slowest pace, and comes up when the configuration is right', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server)
  const refused = await server.nextPeer()
  await refused.open()
  refused.refuse('not-authorized')
  expect(await open.log.until('stream refused')).toMatchObject({ retryInMs: expect.any(Number) })
  await server.accept()
  await open.log.until('connected')
  expect(open.domain.fault).toBeUndefined()
  expect(metricValue(open.metrics.componentReconnects, domain)).toBe(1)
})

test.each([
  ['a domain that is a virtual host (ejabberd)', 'conflict', /another stream holds the domain \(conflict/],
  ['a server that is stopping', 'system-shutdown', /ended the stream with an error \(system-shutdown/],
  ['a header that the server dislikes', 'improper-addressing', /improper-addressing/],
])('%s: the only stream is down, says why and tries again', async (_name, condition, fault) => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server)
  const peer = await server.nextPeer()
  await peer.open()
  peer.refuse(condition)
  expect(await open.log.until('no stream')).toMatchObject({ level: logLevels.warn })
  expect(open.domain.fault).toMatch(fault)
  expect(open.domain.state()[0]?.state).toBe('waiting')
  await server.accept()
})

test('a server that never answers the handshake is given up in time and tried again', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { handshakeTimeoutMs: 30 })
  const peer = await server.nextPeer()
  await peer.ended
  expect(await open.log.until('no stream')).toMatchObject({ reason: 'no answer to the handshake in time' })
  await server.nextPeer()
})

test('an empty stream id that no error follows is given up in time', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { handshakeTimeoutMs: 30 })
  const peer = await server.nextPeer()
  await peer.open('')
  expect(await open.log.until('no stream')).toMatchObject({ reason: 'no answer to the handshake in time' })
})

test('a server that is away (connection refused) is one warning, and is found when it comes', async () => {
  const away = await ScriptedServer.listen()
  const { port } = away
  await away[Symbol.asyncDispose]()
  await using open = new OpenDomain(`127.0.0.1:${port}`)
  for (let i = 0; i < 4; i++) await open.log.until('no stream')
  expect(open.log.count('no stream', logLevels.warn)).toBe(1)
  expect(open.domain.fault).toMatch(/ECONNREFUSED/)
  await using server = await ScriptedServer.listen({ port })
  await server.accept()
  await open.log.until('connected')
})

test.each([
  ['only closes the connection (server stop)', '', 'the server closed the connection'],
  ['ends the stream', '</stream:stream>', 'the server closed the stream'],
  ['reports a stream error', streamError('reset'), 'the server ended the stream with an error (reset)'],
  [
    'throws the stream out',
    streamError('conflict', 'Replaced'),
    'another stream holds the domain (conflict, "Replaced")',
  ],
])('a server that %s finds the component back', async (_name, xml, reason) => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, {}, answerAll)
  const peer = await server.accept()
  await open.log.until('connected')
  peer.socket.end(xml)
  expect(await open.log.until('stream lost')).toMatchObject({ level: logLevels.warn, reason })
  const next = await server.accept(iq('again'))
  await open.log.until('connected')
  await next.until(/id='again'/)
  expect(open.domain.state()).toMatchObject([{ state: 'up', lastError: reason }])
  expect(metricValue(open.metrics.componentReconnects, domain)).toBe(1)
})

test('a connection that is reset finds the component back', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server)
  const peer = await server.accept()
  await open.log.until('connected')
  peer.socket.resetAndDestroy()
  expect((await open.log.until('stream lost')).reason).toMatch(/ECONNRESET/)
  await server.accept()
})

test('what follows </stream:stream> or a stream error is not looked at', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, {}, answerAll)
  const peer = await server.accept(
    `${iq('before')}${streamError('reset')}${iq('after')}</stream:stream>${iq('last')}`,
  )
  await peer.ended
  await server.accept()
  expect(open.ids).toEqual(['before'])
})

test.each([
  ['malformed XML', '<iq></message>', 'not-well-formed', 0],
  ['a control character', '<iq>\u0001</iq>', 'not-well-formed', 0],
  ['a comment', '<!-- -->', 'restricted-xml', 0],
  ['too large a stanza', `<message><body>${'x'.repeat(600)}</body></message>`, 'policy-violation', 1],
])('%s ends in the right stream error and a reconnect', async (_name, xml, condition, count) => {
  await using server = await ScriptedServer.listen()
  const limits = { ...roomy, maxStreamStanzaBytes: 512 }
  await using open = new OpenDomain(server, { limits }, answerAll)
  const peer = await server.accept()
  await open.log.until('connected')
  peer.send(iq('good') + xml)
  await peer.until(/id='good'[^>]*>/)
  await peer.until(new RegExp(`^<stream:error><${condition} .*</stream:error></stream:stream>$`))
  expect((await open.log.until('stream lost')).reason).toContain(condition)
  expect(metricValue(open.metrics.limitsHit, 'stream_stanza')).toBe(count)
  const next = await server.accept(iq('again'))
  await next.until(/id='again'/)
})

test('whitespace between stanzas keeps the stream (Prosody, after silence)', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, {}, answerAll)
  const peer = await server.accept(' ')
  peer.send(` \n ${iq('a')} `)
  await peer.until(/id='a'/)
  expect(open.domain.state()[0]?.lastError).toBeUndefined()
})

test('stanzas are counted by kind; what is no stanza is not handed out', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, {}, answerAll)
  const peer = await server.accept("<message id='m'/><presence id='p'/><presence/><other/>")
  peer.send(iq('i'))
  await peer.until(/id='i'/)
  expect(open.ids).toEqual(['m', 'p', undefined, 'i'])
  const { stanzas } = open.metrics
  const kinds = ['iq', 'message', 'presence', 'other']
  // One is the answer to the first ping.
  expect(kinds.map((kind) => metricValue(stanzas, domain, kind))).toEqual([2, 1, 2, 1])
})

test('a stanza that the handler throws on costs neither the stream nor the stanzas behind it', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, {}, (name, stanza, answerTo) => {
    if (stanza.attr('id') === 'bad') throw new Error('a bug')
    answerAll(name, stanza, answerTo)
  })
  const peer = await server.accept(iq('bad') + iq('good'))
  await peer.until(/id='good'/)
  expect(open.log.count('a stanza could not be handled', logLevels.error)).toBe(1)
})

test('a Unix socket is an address', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'xmpp-pushd-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'component.sock')
  await using server = await ScriptedServer.listen({ path })
  await using _open = new OpenDomain(`unix:${path}`, {}, answerAll)
  const peer = await server.accept(iq('a'))
  await peer.until(/id='a'/)
})

test('an IPv6 address is an address', async () => {
  await using server = await ScriptedServer.listen({ host: '::1' })
  await using _open = new OpenDomain(`[::1]:${server.port}`, {}, answerAll)
  const peer = await server.accept(iq('a'))
  await peer.until(/id='a'/)
})

test.each(['unix:/nowhere/component.sock', `unix:/${'x'.repeat(300)}`])(
  'a socket that cannot be (%s) is a fault, not an exception',
  async (address) => {
    await using open = new OpenDomain(address)
    await open.log.until('no stream')
    expect(open.domain.fault).toMatch(/connection failed/)
  },
)
