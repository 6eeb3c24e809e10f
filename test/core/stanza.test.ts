import { expect, test } from 'vitest'
import { iqError, iqResult } from '../../src/core/stanza.ts'
import { renderStanzaError, stanzaErrors, unsupported, withText } from '../../src/core/stanza-error.ts'

const request = { id: "a'1+/=<", from: 'bob@chat.test/r&d', to: 'push.chat.test' }

test('an answer goes back to who asked, from whom was asked, with the same id, all escaped', () => {
  expect(iqResult(request)).toBe(
    "<iq type='result' id='a&apos;1+/=&lt;' from='push.chat.test' to='bob@chat.test/r&amp;d'/>",
  )
  expect(iqResult(request, '<a/>')).toMatch(/^<iq type='result' .*><a\/><\/iq>$/)
})

test('an error has its type, its condition, the text, and pubsub’s own condition, in this order', () => {
  const error = withText(stanzaErrors.deviceNotRegistered, 'gone <now>')
  expect(renderStanzaError(error)).toBe(
    "<error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" +
      "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>gone &lt;now&gt;</text>" +
      "<device-not-registered xmlns='http://jabber.org/protocol/pubsub#errors'/></error>",
  )
  expect(iqError(request, stanzaErrors.itemNotFound)).toMatch(/^<iq type='error' .*<error type='cancel'>/)
})

test('an unsupported feature is named', () => {
  expect(renderStanzaError(unsupported('subscribe'))).toBe(
    "<error type='cancel'><feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" +
      "<unsupported xmlns='http://jabber.org/protocol/pubsub#errors' feature='subscribe'/></error>",
  )
})

test('what XML cannot hold becomes a replacement character in a text', () => {
  expect(renderStanzaError(withText(stanzaErrors.badRequest, 'a\u0001b\ud800'))).toContain('>a\ufffdb\ufffd<')
})
