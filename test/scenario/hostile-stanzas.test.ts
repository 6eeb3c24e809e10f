import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { until } from '../support/until.ts'
import { fullDomain, type Installation, install, virtualDomain } from './installation.ts'
import { createNode, enableIq, enablePush } from './server-role.ts'

const carol = 'carol@chat.test'
const eve = 'eve@evil.example/x'

let installed: Installation

beforeAll(async () => {
  installed = await install({ fullComponent: { publishers: ['chat.test'] } })
  await createNode(installed, carol, 'n1')
  await enablePush(installed, `${carol}/r`, virtualDomain, 'virtual', 'carols')
})
afterAll(async () => {
  await installed?.[Symbol.asyncDispose]()
})

beforeEach(() => {
  installed.gateway.requests.length = 0
})

function publish(id: string, device: string, text = 'hello'): string {
  const options = { service: 'apns', device_id: device }
  const summary = summaryOf('a@chat.test', text)
  return publishIq({ id, from: 'chat.test', to: virtualDomain, node: 'n1', options, summary })
}

const nested = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth)
const attributes = (count: number) => Array.from({ length: count }, (_, i) => ` a${i}='1'`).join('')

/** As `message` to our domain from a stranger. */
function message(content: string, more = ''): string {
  return `<message to='${virtualDomain}' from='${eve}'${more}>${content}</message>`
}

const hostile: [string, string, string][] = [
  ['40 nested elements', 'depth', message(nested(40))],
  ['70 attributes', 'attributes', message(`<a${attributes(70)}/>`)],
  ['70 attributes of its own', 'attributes', message('', attributes(70))],
  ['an attribute of 100 KB', 'attribute_value', message(`<a b='${'x'.repeat(100_000)}'/>`)],
  ['a prefix that nobody declared', 'prefix', message("<q:bar q:a='1'/>")],
  ['100 KB of quotes as entities', 'text', message(`<body>${'&apos;'.repeat(100_000)}</body>`)],
  ['2,000 children', 'children', message('<a/>'.repeat(2000))],
  ['20,000 elements', 'elements', message(`<a>${'<b/>'.repeat(900)}</a>`.repeat(22))],
  ['a megabyte in pieces', 'kept', message(`<a>${'x'.repeat(10_000)}</a>`.repeat(100))],
  ['a name of 20 KB', 'kept', message(`<${'a'.repeat(20_000)}/>`)],
]

/** What of the streams must not change. */
async function streams(): Promise<unknown> {
  const { xmpp, daemon } = installed
  return [
    xmpp.closed.length,
    xmpp.openedCount(virtualDomain),
    xmpp.openedCount(fullDomain),
    await daemon.metric('component_reconnects_total', { domain: virtualDomain }),
    await daemon.metric('component_reconnects_total', { domain: fullDomain }),
  ]
}

/** The text of a push. */
function textOf(request: { readonly body: Record<string, unknown> } | undefined): string {
  return (request?.body.alert as { body: string } | undefined)?.body ?? ''
}

describe('a stanza never ends the stream for its content', () => {
  test.each(hostile)(
    '%s: counted, and the publishes around it in one segment are pushed',
    async (_, limit, xml) => {
      const { xmpp, gateway, daemon } = installed
      const before = await streams()
      const count = await daemon.metric('limits_hit_total', { limit })
      xmpp.send(virtualDomain, publish('before', 'first') + xml + publish('behind', 'second'), 0)
      for (const id of ['before', 'behind']) {
        const { xml: answer, stream } = await xmpp.waitFor((one) => one.xml.includes(`id='${id}'`))
        expect([answer.includes("type='result'"), stream]).toEqual([true, 0])
      }
      xmpp.received.length = 0
      expect(gateway.requests.map(({ deviceId }) => deviceId).sort()).toEqual(['first', 'second'])
      expect(await daemon.metric('limits_hit_total', { limit })).toBe(count + 1)
      expect(await streams()).toEqual(before)
    },
  )

  test('an ordinary paste of 300 KB is a push with its beginning', async () => {
    const { xmpp, gateway } = installed
    const before = await streams()
    const text = 'Zażółć gęślą jaźń 🎉 & "więcej"\n'.repeat(9000)
    const answer = await xmpp.request(virtualDomain, publish('paste', 'pasted', text))
    expect(answer.attr('type')).toBe('result')
    const body = textOf(gateway.requests[0])
    expect(body.length).toBeGreaterThan(1000)
    expect(text.startsWith(body.replace(/…$/, ''))).toBe(true)
    expect(await streams()).toEqual(before)
  })

  test('a message event with such a paste is a push as well', async () => {
    const { xmpp, gateway } = installed
    const text = 'Wiadomość 🎉 '.repeat(20_000)
    const event = `<message type='chat' xmlns='jabber:client' id='m1' to='${carol}' from='bob@chat.test/x'><body>${text}</body></message>`
    const copy = `<message from='chat.test' to='${fullDomain}'><forwarded xmlns='urn:xmpp:forward:0'>${event}</forwarded></message>`
    xmpp.send(fullDomain, copy)
    await until('it is pushed', () => gateway.requests.some(({ deviceId }) => deviceId === 'carols'))
    const body = textOf(gateway.requests[0])
    expect(body.length).toBeGreaterThan(1000)
    expect(text.startsWith(body.replace(/…$/, ''))).toBe(true)
  })

  test('any other request that has lost something is answered with modify/policy-violation', async () => {
    const { xmpp } = installed
    const to = (domain: string) => `from='${eve}' to='${domain}'`
    const requests = [
      `<iq type='get' id='1' ${to(virtualDomain)}><query xmlns='http://jabber.org/protocol/disco#info'>${nested(40)}</query></iq>`,
      `<iq${attributes(70)} type='get' id='2' ${to(virtualDomain)}><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
      `<iq type='set' id='3' ${to(fullDomain)}><pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='x'${attributes(70)}/></pubsub></iq>`,
      `<iq type='set' id='4' ${to(fullDomain)}>${'<a/>'.repeat(1001)}</iq>`,
      enableIq(`${carol}/r`, virtualDomain, 'n2', 'x'.repeat(20_000)),
    ]
    for (const iq of requests) {
      const domain = iq.includes(virtualDomain) && !iq.includes('<enable') ? virtualDomain : fullDomain
      const { xml } = await xmpp.request(domain, iq)
      expect(xml).toContain("<error type='modify'><policy-violation ")
    }
  })

  test('a delegated request that has lost something is answered so inside the delegation', async () => {
    const { xmpp } = installed
    const enable = `<enable xmlns='urn:xmpp:push:0' jid='${virtualDomain}' node='n3'>${nested(40)}</enable>`
    const inner = `<iq xmlns='jabber:client' type='set' id='q1' from='${carol}/r'>${enable}</iq>`
    const { xml } = await xmpp.request(
      fullDomain,
      `<iq type='set' id='d1' from='chat.test' to='${fullDomain}'><delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'>${inner}</forwarded></delegation></iq>`,
    )
    expect(xml).toMatch(/^<iq [^>]*type='result'/)
    expect(xml).toMatch(/<iq [^>]*type='error'[^>]*id='q1'.*<error type='modify'><policy-violation /)
  })

  test('a request with a prefix that nobody declared has lost nothing', async () => {
    const { xmpp } = installed
    const disco = "<query xmlns='http://jabber.org/protocol/disco#info' q:a='1'/>"
    const { xml } = await xmpp.request(
      virtualDomain,
      `<iq type='get' id='p1' from='${eve}' to='${virtualDomain}'>${disco}</iq>`,
    )
    expect(xml).toContain("type='result'")
  })
})
