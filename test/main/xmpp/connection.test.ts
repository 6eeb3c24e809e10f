import { describe, expect, test, vi } from 'vitest'
import { componentDefaults } from '../../../src/main/xmpp/component-options.ts'
import { handshakeTimeMs } from '../../../src/main/xmpp/reconnect-policy.ts'
import { answerAll, OpenDomain } from './open-domain.ts'
import { ScriptedServer } from './scripted-server.ts'

describe('the connection', () => {
  test('a handshake has 10 s, twice as long after each failure in a row, and a minute at most', () => {
    const { handshakeTimeoutMs, handshakeTimeoutCapMs } = componentDefaults
    const times = [0, 1, 2, 3, 4, 40].map((failures) =>
      handshakeTimeMs(failures, handshakeTimeoutMs, handshakeTimeoutCapMs),
    )
    expect(times).toEqual([10_000, 20_000, 40_000, 60_000, 60_000, 60_000])
  })

  test('the time of the handshake grows with its failures, and is back where it began after a success', async () => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server, { handshakeTimeoutMs: 20, handshakeTimeoutCapMs: 60 })
    // The first stream is on its way already.
    const setups = vi.spyOn(open.domain, 'nextSetup')
    for (let i = 0; i < 4; i++) await (await server.nextPeer()).ended
    const peer = await server.accept()
    await open.log.until('connected')
    peer.socket.destroy()
    await server.nextPeer()
    const times = setups.mock.results.map(({ value }) => value.handshakeTimeoutMs)
    expect(times.slice(0, 4)).toEqual([20, 40, 60, 60])
    expect(times.at(-1)).toBe(20)
  })

  test('a server that refuses the connection costs the next handshake no time', async () => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server, { handshakeTimeoutMs: 5_000 })
    const setups = vi.spyOn(open.domain, 'nextSetup')
    for (let i = 0; i < 3; i++) (await server.nextPeer()).socket.destroy()
    await server.nextPeer()
    for (const { value } of setups.mock.results) expect(value.handshakeTimeoutMs).toBe(5_000)
  })

  test.each([
    ['the server', "from='chat.test'"],
    ['the domain itself', "from='push.chat.test'"],
    ['a user', "from='somebody@far.test/x'"],
    ['nobody', ''],
  ])('an error to the liveness ping from %s shows that the server lives', async (_name, from) => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server, { pingIntervalMs: 1, pingTimeoutMs: 160 }, answerAll)
    const peer = await server.accept()
    for (let i = 0; i < 18; i++) {
      const [, id] = await peer.until(/<iq type='get' id='(xmpp-pushd-ping-[^']*)'[^>]*><ping [^>]*><\/iq>/)
      const error =
        "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
      peer.send(`<iq type='error' id='${id}' ${from} to='push.chat.test'>${error}</iq>`)
    }
    expect(open.domain.streamsUp).toBe(1)
    expect(open.ids).toEqual([])
    expect(server.peers).toHaveLength(1)
  })

  test('an error with the id of nobody’s ping shows nothing', async () => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server, { pingIntervalMs: 1, pingTimeoutMs: 20 }, answerAll)
    const peer = await server.accept()
    const guess = setInterval(
      () => peer.send("<iq type='error' id='xmpp-pushd-ping-' from='a@far.test' to='push.chat.test'/>"),
      5,
    )
    expect(await open.log.until('stream lost')).toMatchObject({ reason: 'the server does not answer pings' })
    clearInterval(guess)
  })

  test.each([
    ['before the handshake', false],
    ['of a stream that is up', true],
  ])('a stream error that is bare text, %s, is shown in the log and in the fault', async (_name, isUp) => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server)
    const peer = await server.nextPeer()
    if (isUp) await peer.accept()
    else await peer.open()
    peer.socket.end('<stream:error>\n Invalid &lt;handshake/&gt; </stream:error></stream:stream>')
    const reason = 'the server ended the stream with an error ("Invalid <handshake/>")'
    expect(await open.log.until(isUp ? 'stream lost' : 'no stream')).toMatchObject({ reason })
    expect(open.domain.fault).toBe(reason)
  })

  test.each([
    ['openfire', true],
    ['standard', false],
  ] as const)('with server_kind = "%s" the stream header has allowMultiple: %s', async (serverKind, has) => {
    await using server = await ScriptedServer.listen()
    await using _open = new OpenDomain(server, { serverKind })
    const peer = await server.nextPeer()
    const [header] = await peer.until(/<stream:stream [^>]*>/)
    expect(header.includes(" allowMultiple='true'")).toBe(has)
  })
})
