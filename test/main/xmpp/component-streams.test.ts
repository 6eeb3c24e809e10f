import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { answerAll, logLevels, metricValue, OpenDomain, result } from './open-domain.ts'
import { domain, iq, type Peer, ScriptedServer } from './scripted-server.ts'

/** Plays a server that sends each stanza from the domain to the domain back, on the stream that `route` names. */
function loopBack(peer: Peer, route: () => Peer | undefined): void {
  peer.socket.on('data', () => {
    const looped = /<iq [^>]*to='push\.chat\.test'(?:\/>|>.*?<\/iq>)/g
    for (const stanza of peer.text.match(looped) ?? []) route()?.send(stanza)
    peer.text = ''
  })
}

test('a domain has as many streams as configured, each with requests and answers of its own', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { connections: 3 }, answerAll)
  for (let i = 0; i < 3; i++) {
    const peer = await server.accept(iq(`stream ${i}`))
    await peer.until(new RegExp(`^<iq type='result' id='stream ${i}'`))
    await open.log.until('connected')
  }
  expect(open.domain.streamsUp).toBe(3)
  expect(open.domain.state().map(({ state }) => state)).toEqual(['up', 'up', 'up'])
})

test('an answer whose stream is gone takes another one of the domain', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { connections: 2, reconnectBaseMs: 20 })
  const first = await server.accept(iq('a'))
  const second = await server.accept()
  await open.log.until('connected')
  await open.log.until('connected')
  const [request] = open.stanzas
  first.socket.destroy()
  await open.log.until('stream lost')
  expect(request?.answerTo.send(result('a'))).toBe(true)
  await second.until(/id='a'/)
})

test('an answer that no stream can take is false, and counted', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server)
  const peer = await server.accept(iq('a'))
  await open.log.until('connected')
  peer.socket.destroy()
  await open.log.until('stream lost')
  expect(open.stanzas[0]?.answerTo.send(result('a'))).toBe(false)
  expect(metricValue(open.metrics.stanzasDropped, domain, 'no-stream')).toBe(1)
})

test('a ping that the server sends back is answered, and neither it nor its result reaches the handler', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { pingIntervalMs: 1, pingTimeoutMs: 400 }, answerAll)
  const peer = await server.accept()
  for (let i = 0; i < 3; i++) {
    const [ping, id] = await peer.until(
      /<iq type='get' id='([^']*)' from='push.chat.test' to='push.chat.test'><ping xmlns='urn:xmpp:ping'\/><\/iq>/,
    )
    peer.send(ping)
    const [answer] = await peer.until(new RegExp(`<iq type='result' id='${id}' [^>]*to='push.chat.test'/>`))
    peer.send(answer)
  }
  peer.send(iq('a', domain))
  await peer.until(/id='a'/)
  expect(open.ids).toEqual(['a'])
  expect(open.log.count('stream lost', logLevels.debug)).toBe(0)
})

test('a half-open connection, on which no ping is answered, is dead: the component comes back', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { pingIntervalMs: 1, pingTimeoutMs: 20 }, answerAll)
  await server.accept()
  expect(await open.log.until('stream lost')).toMatchObject({ reason: 'the server does not answer pings' })
  const next = await server.accept(iq('a'))
  await next.until(/id='a'/)
})

test('of two streams only the dead one is given up, though the server sends pings back on either', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { connections: 2, pingIntervalMs: 1, pingTimeoutMs: 200 })
  const alive = await server.accept()
  const halfOpen = await server.accept()
  let turn = 0
  loopBack(alive, () => (turn++ % 2 === 0 ? alive : undefined))
  await halfOpen.ended
  expect(open.domain.state()[0]).toMatchObject({ state: 'up', lastError: undefined })
  expect(open.domain.state()[1]).toMatchObject({ lastError: 'the server does not answer pings' })
})

test('a stream that we do not read is not declared dead', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { pingIntervalMs: 2, pingTimeoutMs: 4 }, answerAll)
  await server.accept()
  await open.log.until('connected')
  open.domain.pauseReading()
  // Another domain, which is read, is the clock: its streams die of the same silence.
  await using other = new OpenDomain(server, { pingIntervalMs: 2, pingTimeoutMs: 4 })
  for (let i = 0; i < 3; i++) {
    await server.accept()
    await other.log.until('stream lost')
  }
  expect(open.domain.streamsUp).toBe(1)
  expect(open.log.count('stream lost', logLevels.debug)).toBe(0)
})

test('while reading is paused answers go out and requests wait in the socket', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server)
  const peer = await server.accept(iq('before'))
  await open.log.until('connected')
  open.domain.pauseReading()
  peer.send(iq('during'))
  open.stanzas[0]?.answerTo.send(result('before'))
  await peer.until(/id='before'/)
  expect(open.ids).toEqual(['before'])
  const handled = Promise.withResolvers<void>()
  open.onStanza = () => handled.resolve()
  open.domain.resumeReading()
  await handled.promise
  expect(open.ids).toEqual(['before', 'during'])
})

test('a stream that is opened while reading is paused comes up, and is not read', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server)
  open.domain.pauseReading()
  const peer = await server.nextPeer()
  await peer.open('some id')
  await peer.digest()
  peer.send('<handshake/>')
  await open.log.until('connected')
  peer.send(iq('a'))
  open.domain.send(result('b'))
  await peer.until(/id='b'/)
  expect(open.ids).toEqual([])
})

test('2 000 requests in one write get their 2 000 answers, in order', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, {}, answerAll)
  const ids = Array.from({ length: 2000 }, (_, i) => `request ${i}`)
  const peer = await server.accept(ids.map((id) => iq(id)).join(''))
  const [all] = await peer.until(/^.*id='request 1999'[^>]*>/)
  expect([...all.matchAll(/ id='([^']*)'/g)].map(([, id]) => id)).toEqual(ids)
  expect(open.ids).toEqual(ids)
})

test('a server that does not read costs bounded memory: past it the stream is given up', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { maxUnsentBytes: 100_000 })
  const peer = await server.accept()
  await open.log.until('connected')
  peer.socket.pause()
  const answer = result('x'.repeat(50_000))
  let sent = 0
  while (open.domain.send(answer)) {
    sent++
    await nextTurn()
  }
  // What the kernel's buffers hold comes on top; it has bounds of its own.
  expect(sent).toBeGreaterThan(1)
  expect(sent).toBeLessThan(1000)
  expect(await open.log.until('stream lost')).toMatchObject({
    reason: 'the server does not read what is sent to it',
  })
  expect(metricValue(open.metrics.limitsHit, 'unsent_bytes')).toBe(1)
  await server.accept()
})

test('on stop nothing is read any more, answers still go out, then the stream is ended', async () => {
  await using server = await ScriptedServer.listen()
  const open = new OpenDomain(server)
  const peer = await server.accept(iq('a'))
  await open.log.until('connected')
  open.domain.stopReading()
  open.domain.resumeReading()
  peer.send(iq('b'))
  for (const id of ['in-flight 1', 'in-flight 2']) {
    open.domain.send(result(id))
    await peer.until(new RegExp(`id='${id}'[^>]*>`))
  }
  open.stanzas[0]?.answerTo.send(result('a'))
  const closed = open.domain.close()
  expect(open.domain.send(result('late'))).toBe(false)
  await peer.until(/^<iq type='result' id='a' [^>]*><\/stream:stream>$/)
  await closed
  expect(open.ids).toEqual(['a'])
  expect(open.domain.state()[0]?.state).toBe('stopped')
  expect(open.log.count('stream lost', logLevels.debug)).toBe(0)
})

test('on stop a server that does not end the stream is not waited for long', async () => {
  await using server = await ScriptedServer.listen()
  const open = new OpenDomain(server, { closeTimeoutMs: 10 })
  const peer = await server.accept()
  peer.isPolite = false
  await open.log.until('connected')
  await open.domain.close()
  await peer.until(/<\/stream:stream>/)
  await peer.ended
})

test('after stop there are no new streams', async () => {
  await using server = await ScriptedServer.listen()
  const open = new OpenDomain(server, { reconnectCapMs: 0 })
  const peer = await server.accept()
  await open.log.until('connected')
  open.domain.stopReading()
  peer.socket.resetAndDestroy()
  // A stream that is not read sees the reset when it writes.
  while (open.domain.send(result('a'))) await nextTurn()
  await open.log.until('stream lost')
  for (let i = 0; i < 3; i++) {
    await using _other = new OpenDomain(server)
    await server.accept()
  }
  expect(server.peers).toHaveLength(4)
  await open.domain.close()
})

test('stop while a stream is connecting, or before any did, ends at once', async () => {
  await using server = await ScriptedServer.listen()
  const connecting = new OpenDomain(server)
  await server.nextPeer()
  await connecting.domain.close()
  const waiting = new OpenDomain(server)
  await waiting.domain.close()
  expect(server.peers).toHaveLength(1)
})

test('losing a stream a hundred times leaves nothing behind', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { reconnectCapMs: 0 }, answerAll)
  for (let i = 0; i < 100; i++) {
    const peer = await server.accept(iq(`a${i}`))
    await peer.until(new RegExp(`id='a${i}'`))
    peer.socket.destroy()
    await open.log.until('stream lost')
  }
  const sockets = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap')
  expect(sockets.length).toBeLessThan(10)
})
