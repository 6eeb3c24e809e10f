import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { componentDefaults } from '../../../src/main/xmpp/component-options.ts'
import {
  ComponentStream,
  type DetachedStream,
  type StreamOwner,
} from '../../../src/main/xmpp/component-stream.ts'
import { until } from '../../support/until.ts'
import { answerAll, logLevels, OpenDomain } from './open-domain.ts'
import { domain, iq, type Peer, ScriptedServer, secret } from './scripted-server.ts'
import { roomy } from './stream-recording.ts'

/** A stream at a scripted server, and what its owner is told. */
class Opened {
  readonly stream: ComponentStream
  readonly ids: (string | undefined)[] = []
  readonly losses: string[] = []
  isUp = false

  constructor(port: number, handedOver?: DetachedStream) {
    const owner: StreamOwner = {
      streamUp: () => {
        this.isUp = true
      },
      stanza: (stanza) => {
        const id = stanza.attr('id')
        if (id?.startsWith('ping-') === true) this.stream.pingSeen(id)
        else this.ids.push(id)
      },
      streamLost: (_, loss) => this.losses.push(loss.text),
      sendElsewhere: () => false,
      answerElsewhere: () => false,
      limitHit: () => {},
      streamSilent: () => {},
      readSlowly: () => {},
    }
    const options = {
      ...componentDefaults,
      domain,
      server: `127.0.0.1:${port}`,
      serverKind: 'standard' as const,
      secret,
      connections: 1,
      tls: undefined,
      limits: roomy,
      standbyMs: 20,
      pingIntervalMs: 20,
      pingTimeoutMs: 10_000,
    }
    this.stream = new ComponentStream(
      {
        options,
        address: { kind: 'tcp', host: '127.0.0.1', port },
        secureContext: undefined,
        handshakeTimeoutMs: 5_000,
        pingId: handedOver?.progress.pingId ?? 'ping-1-',
      },
      owner,
      handedOver,
    )
  }
}

/** A stream that is up; `more` comes with the last of the handshake. */
async function open(server: ScriptedServer, more = ''): Promise<{ peer: Peer; opened: Opened }> {
  const opened = new Opened(server.port)
  const peer = await server.accept(more)
  await until('the stream to be up', () => opened.isUp)
  return { peer, opened }
}

/** Halts and detaches, which must succeed. */
async function detached({ stream }: Opened): Promise<DetachedStream> {
  expect(await stream.halt()).toBe(true)
  const handedOverStream = stream.detach('this process')
  if (handedOverStream === undefined) throw new Error('it cannot be detached')
  return handedOverStream
}

describe('a stream that is handed over', () => {
  test('goes on with the same connection: each stanza is read once, in order, and nothing ends', async () => {
    await using server = await ScriptedServer.listen()
    const { peer, opened } = await open(server)
    peer.send(iq('1') + iq('2'))
    await until('two stanzas', () => opened.ids.length === 2)
    const later = new Opened(server.port, await detached(opened))
    peer.send(iq('3'))
    await until('the third', () => later.ids.length === 1)
    later.stream.send(`<iq id='answer'/>`)
    await peer.until(/<iq id='answer'\/>/)
    expect([opened.ids, later.ids]).toEqual([['1', '2'], ['3']])
    expect([...opened.losses, ...later.losses]).toEqual([])
    expect(server.peers).toHaveLength(1)
    await later.stream.close()
    await peer.ended
  })

  test('is read to the end of the stanza at hand, wherever that was cut, and not past it', async () => {
    const xml = iq(
      'long',
      'chat.test',
      `<x xmlns='jabber:x:data'><value a='>'>a &gt; b ä€ <![CDATA[>]]></value></x>`,
    )
    const bytes = Buffer.from(xml)
    for (let cut = 1; cut < bytes.length; cut += 7) {
      await using server = await ScriptedServer.listen()
      const { peer, opened } = await open(server)
      peer.socket.write(Buffer.concat([Buffer.from(iq('before')), bytes.subarray(0, cut)]))
      await until('the stanza before', () => opened.ids.length === 1)
      const halted = opened.stream.halt()
      peer.socket.write(Buffer.concat([bytes.subarray(cut), Buffer.from(iq('after'))]))
      expect(await halted).toBe(true)
      const later = new Opened(server.port, await detached(opened))
      await until('the stanza behind', () => later.ids.length === 1)
      expect([opened.ids, later.ids], `cut at ${cut}`).toEqual([['before', 'long'], ['after']])
      await later.stream.close()
    }
  })

  test('leaves what comes after the halt to the later reader, however much that is', async () => {
    await using server = await ScriptedServer.listen()
    const { peer, opened } = await open(server)
    expect(await opened.stream.halt()).toBe(true)
    const sent = Array.from({ length: 4_000 }, (_, i) => `n${i}`)
    peer.send(sent.map((id) => iq(id)).join(''))
    for (let i = 0; i < 20; i++) await nextTurn()
    const handedOverStream = await detached(opened)
    // Node.js has read it, so no other process could.
    expect(handedOverStream.progress.unread.toString()).toContain("id='n0'")
    const later = new Opened(server.port, handedOverStream)
    await until('all of them', () => later.ids.length === sent.length)
    expect(later.ids).toEqual(sent)
    expect(opened.ids).toEqual([])
    await later.stream.close()
  })

  test('is halted although its reading was paused, and stays so when it is resumed', async () => {
    await using server = await ScriptedServer.listen()
    const { peer, opened } = await open(server)
    const [begin, rest] = [iq('1').slice(0, 20), iq('1').slice(20)]
    peer.send(iq('0') + begin)
    await until('the bytes', () => opened.ids.length === 1)
    opened.stream.pause()
    const halted = opened.stream.halt()
    peer.send(rest + iq('2'))
    expect(await halted).toBe(true)
    opened.stream.resume()
    for (let i = 0; i < 20; i++) await nextTurn()
    const before = [...opened.ids]
    const later = new Opened(server.port, await detached(opened))
    await until('the last', () => later.ids.at(-1) === '2')
    expect([...before, ...later.ids]).toEqual(['0', '1', '2'])
    await later.stream.close()
  })

  test('keeps the meaning of prefixes that its header declares', async () => {
    await using server = await ScriptedServer.listen()
    const opened = new Opened(server.port)
    const peer = await server.nextPeer()
    await peer.until(/<stream:stream [^>]*>/)
    const ns = `xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' xmlns:odd='urn:odd&amp;&apos;even'`
    peer.send(`<?xml version='1.0'?><s:stream id='a' ${ns} from='push.chat.test'>`)
    await peer.digest()
    peer.send('<handshake/>')
    await peer.answerPing()
    await until('the stream to be up', () => opened.isUp)
    const handedOverStream = await detached(opened)
    const seen: string[] = []
    const later = new Opened(server.port, handedOverStream)
    later.ids.push = (id) => seen.push(String(id))
    peer.send(iq('1', 'chat.test', '<odd:x/>'))
    await until('a stanza', () => seen.length === 1)
    peer.send('</s:stream>')
    await until('its end', () => later.losses.length === 1)
    expect(handedOverStream.progress.header).toBe(
      `<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' xmlns:odd='urn:odd&amp;&apos;even'>`,
    )
    expect(later.losses).toEqual(['the server closed the stream'])
  })

  test('sends what was queued when it was halted, once', async () => {
    await using server = await ScriptedServer.listen()
    const { peer, opened } = await open(server)
    expect(await opened.stream.halt()).toBe(true)
    opened.stream.send('<message>1</message>')
    await peer.until(/<message>1<\/message>/)
    opened.stream.send('<message>2</message>')
    const handedOverStream = await detached(opened)
    expect(handedOverStream.progress.unsent.toString()).toBe('<message>2</message>')
    const later = new Opened(server.port, handedOverStream)
    later.stream.send('<message>3</message>')
    await peer.until(/<message>2<\/message>(<iq [^>]*><ping [^>]*><\/iq>)*<message>3<\/message>/)
    await later.stream.close()
  })

  test('knows its earlier pings, and sends none with an id that was used', async () => {
    await using server = await ScriptedServer.listen()
    const { peer, opened } = await open(server)
    await peer.until(/id='ping-1-1'/)
    const later = new Opened(server.port, await detached(opened))
    later.stream.pingSeen('ping-1-1')
    const [, id] = await peer.until(/id='(ping-1-\d+)'/)
    expect(id).not.toBe('ping-1-1')
    await later.stream.close()
  })

  test('cannot be halted before it is up', async () => {
    await using server = await ScriptedServer.listen()
    const { stream } = new Opened(server.port)
    expect(await stream.halt()).toBe(false)
    expect(stream.detach('this process')).toBeUndefined()
    await stream.close()
  })

  test('cannot be halted when it is lost on the way', async () => {
    await using server = await ScriptedServer.listen()
    const { peer, opened } = await open(server)
    peer.send(`${iq('1')}<iq`)
    await until('the bytes', () => opened.ids.length === 1)
    const halted = opened.stream.halt()
    peer.socket.end()
    expect(await halted).toBe(false)
    expect(opened.stream.detach('this process')).toBeUndefined()
    expect(opened.losses).toHaveLength(1)
  })

  test('that is lost after its halt cannot be detached', async () => {
    await using server = await ScriptedServer.listen()
    const { peer, opened } = await open(server)
    expect(await opened.stream.halt()).toBe(true)
    peer.socket.resetAndDestroy()
    await once(peer.socket, 'close')
    await until('the loss', () => opened.losses.length === 1)
    expect(opened.stream.detach('this process')).toBeUndefined()
  })
})

describe('a domain that is handed over', () => {
  test('goes on with the streams that are up, opens the others anew, and answers on the one that asked', async () => {
    await using server = await ScriptedServer.listen()
    await using old = new OpenDomain(server, { connections: 2 })
    const first = await server.accept()
    await old.log.until('connected')
    const second = await server.nextPeer()
    await old.domain.halt(5_000)
    await second.ended
    const handedOverStream = old.domain.detach(0, 'this process')
    expect(handedOverStream).toBeDefined()
    expect(old.domain.detach(1, 'this process')).toBeUndefined()

    const handedOver = new Map([[0, handedOverStream!]])
    await using later = new OpenDomain(server, { connections: 2 }, answerAll, undefined, handedOver)
    expect(later.domain.streamsUp).toBe(1)
    await later.log.until('taken over')
    first.send(iq('a'))
    await first.until(/<iq type='result' id='a'/)
    await server.accept()
    await later.log.until('connected')
    expect(later.domain.state().map(({ state }) => state)).toEqual(['up', 'up'])
    expect(old.log.count('stream lost', logLevels.debug)).toBe(0)
  })

  test('waits no longer than it may for the end of a stanza, and keeps that stream', async () => {
    await using server = await ScriptedServer.listen()
    await using old = new OpenDomain(server)
    const peer = await server.accept()
    peer.send(`${iq('a')}<iq`)
    await until('the bytes', () => old.ids.length === 1)
    await old.domain.halt(1)
    expect(old.domain.detach(0, 'this process')).toBeUndefined()
    expect(old.domain.streamsUp).toBe(1)
    await old.domain.close()
    await peer.until(/<\/stream:stream>/)
  })

  test('answers no addresses of the server that the old one has learned not to answer from', async () => {
    await using server = await ScriptedServer.listen()
    await using old = new OpenDomain(server, { reconnectBaseMs: 2 })
    const first = await server.accept()
    await old.log.until('connected')
    first.refuse('invalid-from')
    await old.log.until('stream lost')
    const second = await server.accept()
    await old.log.until('connected')
    await old.domain.halt(5_000)
    const handedOverStream = old.domain.detach(0, 'this process')
    expect(handedOverStream).toMatchObject({ answersAll: false })
    await using later = new OpenDomain(server, {}, answerAll, undefined, new Map([[0, handedOverStream!]]))
    second.send(
      `<iq type='get' id='other' from='chat.test' to='rooms.chat.test'><x xmlns='urn:x'/></iq>${iq('own')}`,
    )
    const [said] = await second.until(/^.*id='own'/)
    expect(said).not.toContain("id='other'")
    expect(later.ids).toEqual(['own'])
  })
})
