import { expect, test } from 'vitest'
import { Element } from '../../../src/core/xml/element.ts'
import {
  ComponentHandshake,
  componentNs,
  handshakeDigest,
  streamHeader,
  streamNs,
} from '../../../src/main/xmpp/component-handshake.ts'

const conditionsNs = 'urn:ietf:params:xml:ns:xmpp-streams'

function streamError(condition: string, text: string): Element {
  const words = new Element('text', conditionsNs, [], text === '' ? [] : [text])
  return new Element('error', streamNs, [], [new Element(condition, conditionsNs), words])
}

test('the digest is the lower-case hex SHA-1 of stream id and secret, as in the example of XEP-0114', () => {
  expect(handshakeDigest('3BF96D32', 'test')).toBe('aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e')
})

test('the stream header names the domain, escaped', () => {
  expect(streamHeader("a'b", 'standard')).toBe(
    "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='a&apos;b'>",
  )
})

test('a header with an id is answered with the digest, and <handshake/> ends the handshake', () => {
  const handshake = new ComponentHandshake('test')
  expect(handshake.streamStart(new Element('stream', streamNs, ['id', '3BF96D32']))).toEqual({
    kind: 'send',
    xml: '<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>',
  })
  expect(handshake.element(new Element('handshake', componentNs))).toEqual({ kind: 'up' })
})

test.each([
  ['an empty id', ['id', '']],
  ['no id', []],
])('a header with %s is not answered: an error follows', (_name, attributes) => {
  const handshake = new ComponentHandshake('test')
  expect(handshake.streamStart(new Element('stream', streamNs, attributes))).toEqual({ kind: 'wait' })
})

test.each([
  ['not-authorized', 'refused', /secret is wrong.*does not know the domain \(not-authorized, "so"\)/],
  ['host-unknown', 'refused', /does not know the domain \(host-unknown, "so"\)/],
  ['conflict', 'conflict', /another stream holds the domain \(conflict, "so"\)/],
  ['improper-addressing', 'stream-error', /improper-addressing, "so"/],
  ['system-shutdown', 'stream-error', /system-shutdown, "so"/],
])('the stream error %s before the stream is up means: %s', (condition, cause, text) => {
  const step = new ComponentHandshake('test').element(streamError(condition, 'so'))
  expect(step).toEqual({ kind: 'refused', loss: { cause, text: expect.stringMatching(text) } })
})

test('a stanza before <handshake/> is a fault', () => {
  const step = new ComponentHandshake('test').element(new Element('iq', componentNs))
  expect(step).toMatchObject({ kind: 'fault', fault: { condition: 'not-authorized' } })
})

test('<stream:features/>, which XEP-0114 does not have, is passed over', () => {
  expect(new ComponentHandshake('test').element(new Element('features', streamNs))).toEqual({ kind: 'wait' })
})
