import { describe, expect, test } from 'vitest'
import { XmppServers } from '../../../src/core/xmpp-servers.ts'
import { answerAll, logLevels, metricValue, OpenDomain } from './open-domain.ts'
import { domain, iq, ScriptedServer, streamError } from './scripted-server.ts'

const ping = "<ping xmlns='urn:xmpp:ping'/>"
const scope = new XmppServers([
  { domain, server: 'a:5347', hosts: ['chat.test'] },
  { domain: 'pubsub.chat.test', server: 'a:5347', hosts: ['chat.test'] },
  { domain: 'push.other.test', server: 'b:5347', hosts: ['other.test'] },
]).scopeOf(domain)

function stanza(name: string, from: string, to: string, type: string, id = 'x', payload = ping): string {
  return `<${name} from='${from}' to='${to}' type='${type}' id='${id}'>${payload}</${name}>`
}

describe('a stream speaks for its own server', () => {
  test.each(['iq', 'message', 'presence'])(
    'a %s from a host of another component is dropped, counted and logged with the domain alone, whatever it wants',
    async (name) => {
      await using server = await ScriptedServer.listen()
      await using open = new OpenDomain(server, {}, answerAll, scope)
      const peer = await server.accept()
      const froms = [
        'other.test',
        'secretly@other.test',
        'secretly@other.test/x',
        'push.other.test',
        'r@rooms.other.test',
      ]
      for (const from of froms) {
        for (const type of ['get', 'set', 'result', 'error']) peer.send(stanza(name, from, domain, type))
      }
      peer.send(iq('after', 'bob@chat.test'))
      await peer.until(/^<iq type='result' id='after'/)
      expect(open.ids).toEqual(['after'])
      expect(metricValue(open.metrics.stanzasDropped, domain, 'foreign-from')).toBe(20)
      const line = 'dropped stanzas from a host that belongs to another server'
      expect(open.log.lines.filter(({ msg }) => msg === line)).toMatchObject([
        { level: logLevels.warn, host: 'other.test', times: 1 },
      ])
      expect(JSON.stringify(open.log.lines)).not.toContain('secretly')
    },
  )

  test.each(['dave@far.test/x', 'far.test', 'bob@chat.test', 'pubsub.chat.test', 'rooms.chat.test'])(
    'a from of %s, of its own server or of none here, is believed',
    async (from) => {
      await using server = await ScriptedServer.listen()
      await using open = new OpenDomain(server, {}, answerAll, scope)
      const peer = await server.accept(iq('one', from))
      await peer.until(/id='one'/)
      expect(open.ids).toEqual(['one'])
      expect(metricValue(open.metrics.stanzasDropped, domain, 'foreign-from')).toBe(0)
    },
  )

  test.each([domain, `x@${domain}/y`, 'PUSH.chat.test', 'pubsub.chat.test', 'n@pubsub.chat.test'])(
    'a to of %s, the stream’s own domain or one with the same server, is handed on',
    async (to) => {
      await using server = await ScriptedServer.listen()
      await using open = new OpenDomain(server, {}, answerAll, scope)
      const peer = await server.accept(stanza('iq', 'bob@chat.test', to, 'get'))
      await peer.until(/id='x'/)
      expect(open.ids).toEqual(['x'])
    },
  )

  test.each(['get', 'set'])(
    'an IQ %s to another component is answered item-not-found from there, counted, and logged with the cure',
    async (type) => {
      await using server = await ScriptedServer.listen()
      await using open = new OpenDomain(server, {}, answerAll, scope)
      const peer = await server.accept(stanza('iq', 'bob@chat.test/x', 'rooms.chat.test', type))
      const [answer] = await peer.until(/<iq .*?<\/iq>/)
      expect(answer).toMatch(
        /^<iq type='error' id='x' from='rooms.chat.test' to='bob@chat.test\/x'><error type='cancel'><item-not-found /,
      )
      expect(open.ids).toEqual([])
      expect(metricValue(open.metrics.stanzasDropped, domain, 'foreign-to')).toBe(1)
      const [line] = open.log.lines.filter(({ msg }) => msg.includes('global_routes: false'))
      expect(line).toMatchObject({ level: logLevels.warn, host: 'rooms.chat.test', times: 1 })
    },
  )

  test.each([
    ['an IQ result', stanza('iq', 'bob@chat.test', 'rooms.chat.test', 'result')],
    ['an IQ error', stanza('iq', 'bob@chat.test', 'rooms.chat.test', 'error')],
    ['a message', stanza('message', 'bob@chat.test', 'rooms.chat.test', 'chat')],
    ['a presence', stanza('presence', 'bob@chat.test', 'rooms.chat.test', 'subscribe')],
    ['an IQ without an id', `<iq from='bob@chat.test' to='rooms.chat.test' type='get'>${ping}</iq>`],
    ['an IQ without a from', `<iq to='rooms.chat.test' type='get' id='x'>${ping}</iq>`],
    ['an IQ to what is no JID', stanza('iq', 'bob@chat.test', '@', 'get')],
    ['an IQ to its own server', stanza('iq', 'bob@chat.test', 'chat.test', 'get')],
    ['an IQ to anywhere else', stanza('iq', 'bob@chat.test', 'far.test', 'get')],
    ['an IQ to a component of another server', stanza('iq', 'bob@chat.test', 'push.other.test', 'get')],
  ])('%s to where the stream does not lead is met with silence', async (_name, xml) => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server, {}, answerAll, scope)
    const peer = await server.accept(xml + iq('after', 'bob@chat.test'))
    await peer.until(/^<iq type='result' id='after'/)
    expect(open.ids).toEqual(['after'])
  })

  test('a server that does not take such an answer ends one stream for it, and is met with silence from then on', async () => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server, {}, answerAll, scope)
    const peer = await server.accept(stanza('iq', 'bob@chat.test', 'rooms.chat.test', 'get'))
    await peer.until(/from='rooms.chat.test'/)
    peer.socket.end(`${streamError('invalid-from')}</stream:stream>`)
    await open.log.until('stream lost')
    const next = await server.accept(
      stanza('iq', 'bob@chat.test', 'rooms.chat.test', 'get') + iq('after', 'bob@chat.test'),
    )
    await next.until(/^<iq type='result' id='after'/)
    expect(metricValue(open.metrics.stanzasDropped, domain, 'foreign-to')).toBe(2)
  })

  test('a flood of them is one line of log a minute', async () => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server, {}, answerAll, scope)
    const peer = await server.accept()
    for (let i = 0; i < 500; i++) {
      peer.send(
        stanza('iq', `u${i}@other.test`, domain, 'set') +
          stanza('iq', 'bob@chat.test', `h${i}.chat.test`, 'set', `q${i}`),
      )
    }
    await peer.until(/id='q499'/)
    expect(open.log.lines.filter(({ level }) => level > logLevels.info)).toHaveLength(2)
  })

  test('a scope that was replaced holds from the next stanza on', async () => {
    await using server = await ScriptedServer.listen()
    await using open = new OpenDomain(server, {}, answerAll, scope)
    const peer = await server.accept(iq('1', 'x@new.test'))
    await peer.until(/id='1'/)
    open.domain.scope = new XmppServers([
      { domain, server: 'a:5347', hosts: ['chat.test'] },
      { domain: 'push.other.test', server: 'b:5347', hosts: ['new.test'] },
    ]).scopeOf(domain)
    peer.send(iq('2', 'x@new.test') + iq('3', 'x@other.test'))
    await peer.until(/id='3'/)
    expect(open.ids).toEqual(['1', '3'])
  })
})
