import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Element } from '../../../src/core/xml/element.ts'
import { readPublish } from '../../../src/main/roles/app-server/read-publish.ts'
import { isForXmppServer } from '../../../src/main/roles/role-of.ts'
import { readPushRequest } from '../../../src/main/roles/xmpp-server/push-request.ts'
import { optionsFor, parseStanzas, startAppServer } from './app-server/app-server-at-work.ts'

const file = new URL('../../fixtures/stanzas/xep-0357.xml', import.meta.url)
const stanzas = new Map(parseStanzas(readFileSync(file, 'utf8')).map((stanza) => [stanza.attr('id'), stanza]))

const service = 'push-5.client.example'
const node = 'yxs32uqsflafdk3iuqo'
const secret = 'eruio234vzxc2kla-91'

function payloadOf(id: string): Element {
  const payload = stanzas.get(id)?.firstChild()
  if (payload === undefined) throw new Error(`no example ${id}`)
  return payload
}

describe('the examples of XEP-0357 are taken as they stand there', () => {
  test.each([
    ['enabling', 'x42', { kind: 'enable', jid: service, node, options: [] }],
    [
      'enabling with publish-options',
      'x43',
      { kind: 'enable', jid: service, node, options: [['secret', secret]] },
    ],
    ['disabling one node', 'x97', { kind: 'disable', jid: service, node }],
    ['disabling all nodes', 'x98', { kind: 'disable', jid: service, node: undefined }],
  ])('%s', (_, id, request) => {
    const stanza = stanzas.get(id)
    expect(stanza !== undefined && isForXmppServer(stanza)).toBe(true)
    expect(readPushRequest('set', payloadOf(id))).toEqual(request)
  })

  test.each([
    ['publishing', 'n12', undefined],
    ['publishing with publish-options, whose form has no type', 'n13', secret],
  ])('%s', (_, id, shown) => {
    const input = readPublish(service, 'example.com', payloadOf(id))
    expect(input).toMatchObject({ malformed: undefined, isNotification: true, node })
    expect(input.options.secret).toBe(shown)
    expect(input.summary.fields).toEqual([
      'message-count',
      '1',
      'last-message-sender',
      'juliet@capulet.example/balcony',
      'last-message-body',
      'Wherefore art thou, Romeo?',
    ])
  })

  test('a publish with its options completed by those of a device is a push', async () => {
    await using app = await startAppServer()
    const domain = {
      domain: service,
      pubsub: false,
      virtual: true,
      publishers: 'any',
      tags: [],
      nodeOwners: [],
    } as const
    app.server.reconfigure({ ...optionsFor(), domains: [domain] })
    const xml = readFileSync(file, 'utf8').replace(
      /<field var='secret'>(?=[^<]*<value>eruio234vzxc2kla-91<\/value><\/field>\s*<\/x>\s*<\/publish-options>)/,
      "<field var='service'><value>\n  apns\n</value></field><field var='device_id'><value>tok</value></field>$&",
    )
    const stanza = parseStanzas(xml).find((one) => one.attr('id') === 'n13')
    if (stanza === undefined) throw new Error('no example')
    expect(app.server.handle(service, stanza)).toMatchObject({
      kind: 'push',
      notification: { node, device: { service: 'apns', id: 'tok' }, content: { badge: 1 } },
    })
  })
})
