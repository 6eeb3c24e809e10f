import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  affiliationsIq,
  configureNodeIq,
  createNodeIq,
  discoInfoIq,
  type PublishValues,
  pingIq,
  publishIq,
  summaryOf,
} from '../../src/sandbox/stanzas.ts'
import { parseStanza } from '../../src/sandbox/xmpp-reader.ts'

const options = {
  service: 'apns',
  device_id: 'tok123',
  mode: 'dev',
  topic: 'x',
  silent: 'false',
  priority: 'high',
  secret: 's3cr3t-jwt',
}
const published = { from: 'chat.test', to: 'push.chat.test', node: 'node1', options }

describe('a publish is word by word what the server sends', () => {
  test.each([
    [
      'mongooseim',
      {
        from: 'localhost',
        to: 'push.example.test',
        node: 'node1',
        shape: 'mongooseim',
        summary: summaryOf('bob@localhost', 'Hello <push> & "q" ąę'),
        options: { service: 'fcm', device_id: 'tok-1', mode: 'prod', secret: 'sauce' },
      },
    ],
    ['ejabberd', { ...published, shape: 'ejabberd', summary: { 'last-message-body': 'New message' } }],
    ['ejabberd-bare', { ...published, shape: 'ejabberd', bare: true }],
    ['prosody', { ...published, shape: 'prosody', summary: { 'last-message-body': 'New Message!' } }],
    ['prosody-unimportant', { ...published, shape: 'prosody' }],
  ] satisfies [string, Omit<PublishValues, 'id'>][])('%s', (name, values) => {
    const file = new URL(`../fixtures/publishes/${name}.xml`, import.meta.url)
    const captured = readFileSync(file, 'utf8').trim()
    const id = parseStanza(captured).attr('id') ?? ''
    expect(publishIq({ ...values, id })).toBe(captured)
  })
})

test('a publish for a client that enabled without node and form has neither', () => {
  const stanza = parseStanza(publishIq({ id: '1', from: 'a', to: 'b', shape: 'prosody' }))
  expect(stanza.find('publish')?.attr('node')).toBeUndefined()
  expect(stanza.find('publish-options')).toBeUndefined()
})

test('whatever a value holds, it is that value when read', () => {
  const odd = '<&>\'" \n\t ]]> 🚀é'
  const xml = publishIq({
    id: odd,
    from: 'a',
    to: 'b',
    node: odd,
    options: { device_id: odd },
    summary: { 'last-message-body': odd },
  })
  const stanza = parseStanza(xml)
  expect(stanza.find('notification')?.find('x')?.elements('field').at(-1)?.child('value')?.text()).toBe(odd)
  expect(stanza.find('publish-options')?.find('x')?.elements('field').at(-1)?.child('value')?.text()).toBe(
    odd,
  )
  // A line feed in an attribute is read as a space (XML 1.0 §3.3.3).
  expect(stanza.find('publish')?.attr('node')).toBe(odd.replace(/[\n\t]/g, ' '))
})

describe("a client's requests are word by word what the server passes on", () => {
  const addresses = { id: 'q4', from: 'bob@chat.test/r1', to: 'push.chat.test' }
  const head = "<iq xml:lang='en' to='push.chat.test' from='bob@chat.test/r1' "
  test.each([
    [
      'disco#info',
      discoInfoIq(addresses),
      "type='get' id='q4'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    ],
    [
      'create and configure',
      createNodeIq(addresses, 'iphone', {
        'pubsub#access_model': 'whitelist',
        'pubsub#publish_model': 'publishers',
      }),
      "type='set' id='q4'><pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='iphone' type='push'/><configure><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#node_config</value></field><field var='pubsub#access_model'><value>whitelist</value></field><field var='pubsub#publish_model'><value>publishers</value></field></x></configure></pubsub></iq>",
    ],
    [
      'affiliations',
      affiliationsIq(addresses, 'iphone', { 'chat.test': 'publish-only' }),
      "type='set' id='q4'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><affiliations node='iphone'><affiliation jid='chat.test' affiliation='publish-only'/></affiliations></pubsub></iq>",
    ],
  ])('%s', (_, made, captured) => {
    expect(made).toBe(head + captured)
  })

  test('without values to set, a request gets', () => {
    expect(affiliationsIq(addresses, 'n')).toContain(" type='get' ")
    expect(configureNodeIq(addresses, 'n')).toContain(" type='get' ")
    expect(configureNodeIq(addresses, 'n', {})).toContain(" type='set' ")
    expect(pingIq(addresses)).toContain(" type='get' ")
  })
})
