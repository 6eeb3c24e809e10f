import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { answerAll, logLevels, metricValue, OpenDomain } from './open-domain.ts'
import { domain, iq, type Peer, ScriptedServer } from './scripted-server.ts'

/** Refuses the next stream as servers do that take only one. */
async function conflict(server: ScriptedServer): Promise<void> {
  const peer = await server.nextPeer()
  await peer.open()
  await peer.digest()
  peer.refuse('conflict', 'Component already connected')
}

/** The next stream, with its handshake done and its ping not answered. */
async function unanswered(server: ScriptedServer): Promise<Peer> {
  const peer = await server.nextPeer()
  await peer.open('some id')
  await peer.digest()
  peer.send('<handshake/>')
  return peer
}

test('one stream connects at a time: the next one when that is up, at the start and after all were lost', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { connections: 3 })
  for (const round of ['start', 'loss']) {
    const peers: Peer[] = []
    for (let i = 0; i < 3; i++) {
      const peer = await unanswered(server)
      for (let turn = 0; turn < 20; turn++) await nextTurn()
      expect(
        open.domain.state().filter(({ state }) => state === 'connecting'),
        round,
      ).toHaveLength(1)
      expect(open.domain.streamsUp).toBe(i)
      peers.push(peer)
      await peer.answerPing()
      await open.log.until('connected')
    }
    for (const peer of peers) peer.socket.destroy()
    for (let i = 0; i < 3; i++) await open.log.until('stream lost')
  }
})

test('a stream is not up before a ping came back, and what comes before that is answered on it', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, {}, answerAll)
  const peer = await server.nextPeer()
  await peer.open('some id')
  await peer.digest()
  peer.send(`<handshake/>${iq('early')}`)
  await peer.until(/id='early'/)
  expect(open.domain.fault).toBe('not connected yet')
  expect(open.domain.state()).toMatchObject([{ state: 'connecting' }])
  expect(open.log.count('connected', logLevels.info)).toBe(0)
  await peer.until(/id='[^']*-1'[^>]*><ping /)
  peer.send("<iq type='error' id='nobody’s' from='push.chat.test' to='push.chat.test'/>")
  expect(open.domain.streamsUp).toBe(0)
  await peer.answerPing()
  await open.log.until('connected')
  expect(open.domain.fault).toBeUndefined()
})

test('when nothing is routed to the domain after a handshake, its other streams are closed', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { connections: 2, reconnectBaseMs: 20 })
  const first = await server.accept()
  await open.log.until('connected')
  const second = await unanswered(server)
  await first.until(/<\/stream:stream>/)
  expect(await open.log.until('stream lost')).toMatchObject({
    stream: 0,
    reason: 'the server routes nothing to the domain',
  })
  await second.answerPing()
  await open.log.until('connected')
  await server.accept()
  await open.log.until('connected')
  expect(open.domain.streamsUp).toBe(2)
})

test('a single stream over which nothing comes gives way to the stream of another daemon, after a random time', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server)
  for (let i = 0; i < 2; i++) {
    const peer = await unanswered(server)
    await peer.until(/<\/stream:stream>/)
    expect(await open.log.until('no stream')).toMatchObject({
      reason: 'the server routes nothing to the domain',
    })
  }
  await server.accept()
  await open.log.until('connected')
  expect(metricValue(open.metrics.componentStreamsLost, domain, 'network')).toBe(2)
})

test('a stream that came up while nothing was read is tried when it is read again, and given up if nothing comes', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server)
  open.domain.pauseReading()
  const first = await unanswered(server)
  await open.log.until('connected')
  expect(first.text).not.toContain('<ping ')
  open.domain.resumeReading()
  await first.until(/<ping /)
  await first.until(/<\/stream:stream>/)
  expect(await open.log.until('stream lost')).toMatchObject({
    reason: 'the server routes nothing to the domain',
  })

  open.domain.pauseReading()
  const second = await unanswered(server)
  await open.log.until('connected')
  open.domain.resumeReading()
  await second.answerPing()
  // Longer than the first one was waited for: it would be given up.
  await new Promise((resolve) => setTimeout(resolve, 3_500))
  expect(open.domain.streamsUp).toBe(1)
})

test('a server that is slow to answer the first ping keeps the other streams, if something comes over them', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { connections: 2, pingTimeoutMs: 400 }, answerAll)
  const first = await server.accept()
  await open.log.until('connected')
  const second = await unanswered(server)
  for (let i = 1; i < 4; i++) {
    first.send(iq(`n${i}`))
    await second.until(new RegExp(`id='[^']*-${i}'[^>]*><ping `))
  }
  first.send(iq('last'))
  await first.until(/id='last'/)
  expect(open.domain.streamsUp).toBe(1)
  expect(open.log.count('stream lost', logLevels.debug)).toBe(0)
})

test('where the server takes one stream the other stands by, without an error, and does not connect', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { connections: 2, standbyMs: 1, reconnectCapMs: 1 })
  await server.accept()
  await conflict(server)
  await open.log.until('standby')
  // Another domain, whose server refuses it at that pace, is the clock.
  await using other = new OpenDomain(server, { standbyMs: 1 })
  for (let i = 0; i < 5; i++) await conflict(server)
  await other.log.until('no stream')
  expect(server.peers).toHaveLength(7)
  expect(open.domain.state()).toMatchObject([{ state: 'up' }, { state: 'standby' }])
  expect(open.log.count('standby', logLevels.info)).toBe(1)
  expect(open.log.lines.filter(({ level }) => level > logLevels.info)).toEqual([])
  expect(open.domain.fault).toBeUndefined()
})

test('the standby connects when the stream that was up is lost', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { connections: 2, reconnectBaseMs: 3_600_000 }, answerAll)
  const first = await server.accept()
  await conflict(server)
  await open.log.until('standby')
  expect(open.domain.state()).toMatchObject([{ state: 'up' }, { state: 'standby' }])
  first.socket.destroy()
  await open.log.until('stream lost')
  const next = await server.accept(iq('a'))
  await open.log.until('connected')
  await next.until(/id='a'/)
  await conflict(server)
  await open.log.until('standby')
  expect(open.domain.streamsUp).toBe(1)
})

test('while another daemon holds the domain, the stream connects again and again', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { standbyMs: 5, reconnectBaseMs: 3_600_000 })
  for (let i = 0; i < 4; i++) await conflict(server)
  expect(open.domain.fault).toMatch(/another stream holds the domain/)
  await server.accept()
  await open.log.until('connected')
})

test('where the newcomer wins, the stream that was thrown out stands by', async () => {
  await using server = await ScriptedServer.listen()
  await using open = new OpenDomain(server, { connections: 2, reconnectBaseMs: 1000 })
  const first = await server.accept()
  await open.log.until('connected')
  const second = await server.nextPeer()
  await second.open()
  await second.digest()
  // Prosody's kick_old: the old stream hears of it before the new one is up.
  first.refuse('conflict', 'Replaced by a new connection')
  await open.log.until('stream lost')
  expect(open.domain.state()[0]?.state).toBe('waiting')
  second.send('<handshake/>')
  await second.answerPing()
  await open.log.until('connected')
  expect(open.domain.state()).toMatchObject([{ state: 'standby' }, { state: 'up' }])
})
