import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { logLevels, metricValue, OpenDomain, result } from './open-domain.ts'
import { iq, ScriptedServer } from './scripted-server.ts'

describe('what we send is bounded', () => {
  test('answers to queries are dropped, and counted, before the stream is: it goes on answering publishes', async () => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server, { maxUnsentBytes: 1_000_000 })
    const peer = await server.accept(iq('first'))
    await open.log.until('connected')
    await until('the first request', () => open.stanzas.length > 0)
    const answerTo = open.stanzas[0]?.answerTo
    peer.socket.pause()
    let written = 0
    let taken = 0
    for (let i = 0; i < 1_000; i++) {
      if (answerTo?.answerQuery(result('x'.repeat(50_000)), () => written++) === true) taken++
      await nextTurn()
    }
    const dropped = metricValue(open.metrics.limitsHit, 'unsent_queries')
    expect(dropped).toBe(1_000 - taken)
    expect(dropped).toBeGreaterThan(100)
    expect(answerTo?.send(result('a publish'))).toBe(true)
    expect(open.log.count('stream lost', logLevels.debug)).toBe(0)
    peer.socket.resume()
    await peer.until(/id='a publish'/)
    await until('all to be written', () => written === taken)
  })

  test('an answer to a query whose stream is gone goes out on another of the domain', async () => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server, { connections: 2 })
    const [lost, other] = [await server.accept(iq('first')), await server.accept()]
    await until('both streams', () => open.domain.streamsUp === 2 && open.stanzas.length > 0)
    lost.socket.destroy()
    await open.log.until('stream lost')
    let written = 0
    expect(open.stanzas[0]?.answerTo.answerQuery(result('list'), () => written++)).toBe(true)
    await other.until(/id='list'/)
    expect(written).toBe(1)
  })

  test.each([
    ['ASCII', 'x'.repeat(60 * 1024 - result('').length), 'x'],
    ['three-byte characters', '本'.repeat((60 * 1024 - result('').length) / 3), '本'],
  ])(
    'a stanza of more than 60 KiB is not sent, but counted, and costs no stream: %s',
    async (_, id, more) => {
      await using server = await ScriptedServer.listen()
      await using open = new OpenDomain(server)
      const peer = await server.accept(iq('first'))
      await open.log.until('connected')
      await until('the first request', () => open.stanzas.length > 0)
      const answerTo = open.stanzas[0]?.answerTo
      expect(answerTo?.send(result(id))).toBe(true)
      expect(answerTo?.send(result(id + more))).toBe(true)
      expect(answerTo?.answerQuery(result(id + more), undefined)).toBe(false)
      answerTo?.send(result('last'))
      const [sent] = await peer.until(/^.*id='last'[^>]*>/s)
      expect(sent.match(/<iq/g)).toHaveLength(2)
      expect(metricValue(open.metrics.limitsHit, 'sent_stanza_bytes')).toBe(2)
    },
  )
})
