// It is over 300 lines: one test for each of the many things that the server can do.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { component, xml } from '@xmpp/component'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { errorOf } from '../../src/sandbox/element.ts'
import { pingIq } from '../../src/sandbox/stanzas.ts'
import { startXmppSandbox, type XmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { header, RawComponent } from './raw-component.ts'

const domain = 'push.example.test'
const secret = 'sauce'
let server: XmppSandbox
const peers: RawComponent[] = []

beforeEach(async () => {
  server = await startXmppSandbox({ domains: { [domain]: secret, 'other.example.test': 'x' } })
})
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.destroy()
  await server.close()
})

function connect(): RawComponent {
  const peer = new RawComponent(server.port)
  peers.push(peer)
  return peer
}

function open(): Promise<RawComponent> {
  return connect().open(domain, secret)
}

const iqTo = (to: string, id: string, type = 'get') =>
  `<iq to='${to}' from='${domain}' type='${type}' id='${id}'><ping xmlns='urn:xmpp:ping'/></iq>`
const resultTo = (to: string, id: string) => `<iq from='${domain}' to='${to}' type='result' id='${id}'/>`

describe('the handshake', () => {
  test('a real component library gets in and is asked and answers', async () => {
    const library = component({ service: `xmpp://127.0.0.1:${server.port}`, domain, password: secret })
    library.on('error', () => undefined)
    library.on('stanza', (stanza) => {
      const { id, from, to } = stanza.attrs
      library.send(xml('iq', { id, to: from, from: to, type: 'result' }, xml('got')))
    })
    await library.start()
    const answer = await server.request(domain, pingIq({ id: 'a<b', from: 'example.test', to: domain }))
    expect(answer.firstChild()?.name).toBe('got')
    await library.stop()
    expect(server.closed).toEqual([{ domain, stream: 0, reason: 'ended' }])
  })

  test('upper case hex is not accepted', async () => {
    const peer = connect()
    await peer.handshake(domain, secret, (digest) => digest.toUpperCase())
    await peer.closed
    expect(peer.text).toContain('<not-authorized ')
    expect(peer.text).not.toContain('<handshake/>')
  })

  test('a wrong secret is not accepted', async () => {
    const peer = connect()
    await peer.handshake(domain, 'salt')
    await peer.closed
    expect(peer.text).toContain('<not-authorized ')
    expect(server.openedCount(domain)).toBe(0)
  })

  test('an unknown domain is refused before the handshake, in a stream with an empty id', async () => {
    const peer = connect()
    peer.write(header('elsewhere.test'))
    await peer.closed
    expect(peer.text).toContain("id=''")
    expect(peer.text).toContain('<host-unknown ')
    expect(peer.text).toMatch(/<\/stream:stream>$/)
  })

  test('what is to come with the handshake comes in one piece with it', async () => {
    await server.close()
    server = await startXmppSandbox({ domains: { [domain]: secret }, withHandshake: () => '<message/>' })
    const peer = await open()
    expect(peer.text).toContain('<handshake/><message/>')
  })
})

describe('more than one stream of a domain', () => {
  test('requests are shared out in turn', async () => {
    const [first, second] = [await open(), await open()]
    for (let i = 0; i < 4; i++) server.send(domain, `<message id='m${i}'/>`)
    await first.until("'m2'")
    await second.until("'m3'")
    expect(first.text).not.toContain("'m1'")
  })

  test('an answer is known by its id on whatever stream it comes', async () => {
    const first = await open()
    const second = await open()
    const answer = server.request(domain, pingIq({ id: 'q1', from: 'a.test', to: domain }), { stream: 0 })
    await first.until('q1')
    second.write(resultTo('a.test', 'q1'))
    expect((await answer).attr('id')).toBe('q1')
  })

  test('as MongooseIM it accepts two at one instant, and routes nothing to them until one is gone; a later one gets conflict', async () => {
    await server.close()
    server = await startXmppSandbox({ domains: { [domain]: secret }, secondStream: 'MongooseIM' })
    const [first, second] = await Promise.all([open(), open()])
    first.write(iqTo(domain, 'mute'))
    server.send(domain, "<message id='mute'/>")
    first.destroy()
    await server.waitForStreams(domain, 1)
    second.write(iqTo(domain, 'routed'))
    await second.until('routed')
    expect(first.text + second.text).not.toContain('mute')
    const third = connect()
    await third.handshake(domain, secret)
    await third.closed
    expect(third.text).toContain('<conflict ')
  })

  test('a shaped stream is read at its rate', async () => {
    await server.close()
    server = await startXmppSandbox({ domains: { [domain]: secret }, readBytesPerSecond: 200_000 })
    const peer = await open()
    const since = performance.now()
    const body = 'x'.repeat(20_000)
    for (let i = 0; i < 10; i++)
      peer.write(`<message to='a.test' from='${domain}' id='m${i}'><body>${body}</body></message>`)
    await server.waitFor(({ xml }) => xml.includes("id='m9'"))
    // The last piece is read, and waited for after that: 65 kB at most.
    expect(performance.now() - since).toBeGreaterThan(600)
  })

  test('the second gets conflict where the server allows one, and the first stays', async () => {
    await server.close()
    server = await startXmppSandbox({ domains: { [domain]: secret }, secondStream: 'conflict' })
    await open()
    const second = connect()
    await second.handshake(domain, secret)
    await second.closed
    expect(second.text).toContain('<conflict ')
    expect(server.streamCount(domain)).toBe(1)
  })

  test('numbers of streams are not used again', async () => {
    const first = await open()
    first.write('</stream:stream>')
    await first.closed
    await open()
    server.send(domain, '<message/>', 1)
    expect(() => server.send(domain, '<message/>', 0)).toThrow('no open stream 0')
  })
})

describe('routing', () => {
  test("a stanza to the component's own domain loops back as it was", async () => {
    const peer = await open()
    const ping = `<iq  to="${domain}" from='${domain}' type='get' id='p1'><ping xmlns='urn:xmpp:ping'/>é🚀</iq>`
    peer.write(ping)
    await peer.until(ping)
    expect(server.received).toEqual([{ domain, stream: 0, xml: ping }])
  })

  test('a stanza to another component of the server gets there', async () => {
    const other = await connect().open('other.example.test', 'x')
    const peer = await open()
    peer.write(iqTo('other.example.test', 'x1'))
    await other.until("id='x1'")
    peer.write(`<message to='other.example.test' from='other.example.test' id='m1'/>`)
    await other.until("id='m1'")
  })

  test("the server answers pings and disco to its own domain and refuses what it doesn't know", async () => {
    const peer = await open()
    peer.write(iqTo('example.test', 'p1'))
    await peer.until("type='result' id='p1'")
    peer.write(iqTo('user@example.test/r', 'p2', 'set'))
    expect(await peer.until("type='error' id='p2'")).toContain('service-unavailable')
    peer.write(
      `<iq to='example.test' from='${domain}' type='get' id='d1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
    )
    expect(await peer.until("type='result' id='d1'")).toContain("category='server'")
  })
})

describe('what ends the stream', () => {
  test.each([
    ['a stanza without to', `<message from='${domain}'/>`, 'improper-addressing'],
    ['a stanza without from', "<message to='a.test'/>", 'improper-addressing'],
    ['a foreign from', "<message to='a.test' from='b.test'/>", 'invalid-from'],
    ['something that is no stanza', '<enable/>', 'unsupported-stanza-type'],
    ['a tag that closes another', '<message></iq>', 'not-well-formed'],
    ['a tag that closes one further out', '<message><body></message>', 'not-well-formed'],
    ['an undeclared prefix', '<message><a:b/></message>', 'not-well-formed'],
    ['bytes that are no UTF-8', Buffer.from([0x3c, 0xff]), 'not-well-formed'],
    ['a control character', `<message to='a.test' from='${domain}'>\u0001</message>`, 'not-well-formed'],
    ['a comment', '<!-- -->', 'restricted-xml'],
    ['text between stanzas', 'hello<message/>', 'bad-format'],
  ])('%s', async (_, bytes, condition) => {
    const peer = await open()
    peer.write(bytes)
    await peer.closed
    expect(peer.text).toContain(`<stream:error><${condition} `)
    expect(server.closed).toEqual([{ domain, stream: 0, reason: 'error' }])
    expect(server.received).toEqual([])
  })

  test('a from with a user and a resource of the domain does not', async () => {
    const peer = await open()
    peer.write(`<message from='x@${domain}/r' to='a.test'/>`)
    await server.waitFor(({ xml }) => xml.includes('x@'))
    expect(server.streamCount(domain)).toBe(1)
  })
})

test('a stanza split at every byte is the same stanza', async () => {
  const peer = await open()
  const xml = `<message from='${domain}' to='a.test'><body a="1" b='>'>é🚀 &lt;&#10;<![CDATA[<x>]]></body></message>`
  const bytes = Buffer.from(xml)
  for (let at = 0; at < bytes.length; at++) {
    peer.write(bytes.subarray(0, at))
    peer.write(bytes.subarray(at))
    peer.write(' ')
  }
  await server.waitFor(() => server.received.length === bytes.length)
  expect(new Set(server.received.map((stanza) => stanza.xml))).toEqual(new Set([xml]))
})

test('many requests go out in one write and get their answers in their order', async () => {
  const peer = await open()
  const ids = Array.from({ length: 50 }, (_, i) => `m${i}`)
  const iqs = ids.map((id) => pingIq({ id, from: 'a.test', to: domain }))
  const answers = server.requestAll(domain, iqs)
  await peer.until("'m49'")
  peer.write(
    ids
      .map((id) => resultTo('a.test', id))
      .reverse()
      .join(''),
  )
  expect((await answers).map((answer) => answer.attr('id'))).toEqual(ids)
})

test('an error is taken apart', async () => {
  const peer = await open()
  const answer = server.request(domain, pingIq({ id: 'e', from: 'a.test', to: domain }))
  await peer.until("'e'")
  const stanzas = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
  peer.write(
    `<iq from='${domain}' to='a.test' type='error' id='e'><error type='cancel'><conflict ${stanzas}/><text ${stanzas}>no</text><precondition-not-met xmlns='http://jabber.org/protocol/pubsub#errors'/></error></iq>`,
  )
  expect(errorOf(await answer)).toEqual({
    type: 'cancel',
    condition: 'conflict',
    detail: 'precondition-not-met',
    text: 'no',
  })
})

test('a request without an answer, without a stream, or with a used id is rejected', async () => {
  const iq = pingIq({ id: 'r', from: 'a.test', to: domain })
  await expect(server.request(domain, iq)).rejects.toThrow(`no open stream of ${domain}`)
  await open()
  await expect(server.request(domain, iq, { timeoutMs: 1 })).rejects.toThrow('within 1 ms')
  const waiting = server.request(domain, iq)
  await expect(server.request(domain, iq)).rejects.toThrow('waits already')
  const closed = expect(waiting).rejects.toThrow('closed')
  await server.close()
  await closed
})

describe('nasty networks', () => {
  test('dropped streams are cut without a word', async () => {
    const peer = await open()
    server.dropStreams(domain)
    await peer.closed
    expect(peer.text).not.toContain('</stream:stream>')
    expect(server.closed).toEqual([{ domain, stream: 0, reason: 'cut' }])
  })

  test('a stream error of choice ends the streams', async () => {
    const peer = await open()
    server.failStreams('system-shutdown')
    await peer.closed
    expect(peer.text).toContain('<system-shutdown ')
  })

  test('refused connections are accepted again later, on the same port', async () => {
    const { port } = server
    await open()
    await server.refuseConnections()
    await connect().closed
    expect(server.streamCount(domain)).toBe(1)
    await server.acceptConnections()
    expect(server.port).toBe(port)
    await open()
    expect(server.streamCount(domain)).toBe(2)
  })

  test('a black hole reads and says nothing', async () => {
    const peer = await open()
    server.blackHole = true
    peer.write(iqTo(domain, 'p1'))
    await server.waitFor(({ xml }) => xml.includes('p1'))
    server.blackHole = false
    peer.write(iqTo(domain, 'p2'))
    expect(await peer.until('p2')).not.toContain('p1')
  })

  test('while reading is paused nothing is received', async () => {
    const peer = await open()
    server.pauseReading()
    peer.write(iqTo(domain, 'p1'))
    const other = await connect()
    server.resumeReading()
    await server.waitFor(({ xml }) => xml.includes('p1'))
    other.destroy()
  })
})

test('it listens on a path as well', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xmpp-sandbox-'))
  await server.close()
  server = await startXmppSandbox({ domains: { [domain]: secret }, unixPath: join(folder, 's') })
  const peer = new RawComponent(join(folder, 's'))
  peers.push(peer)
  await peer.open(domain, secret)
  expect(server.streamCount(domain)).toBe(1)
  rmSync(folder, { recursive: true })
})
