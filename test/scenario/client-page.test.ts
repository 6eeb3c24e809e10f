// What docs/client.md tells apps to send is sent to the daemon, and answered as the page says.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorOf } from '../../src/sandbox/element.ts'
import { type GatewaySandbox, startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { parseStanza } from '../../src/sandbox/xmpp-reader.ts'
import type { XmppSandbox } from '../../src/sandbox/xmpp-sandbox.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { snippet } from '../support/pages.ts'
import { holds } from '../support/same-xml.ts'

const full = 'pubsub.example.com'
const virtual = 'push.example.com'
const secret = 'change-me'

const shown = (name: string) => snippet('docs/client.md', name)

/** The snippet as it reaches the daemon: the user's server has stamped it. */
function stamped(name: string, to?: string): string {
  const xml = to === undefined ? shown(name) : shown(name).replace(full, to)
  return xml.replace('<iq ', "<iq from='bob@example.com/phone' ")
}

let xmpp: XmppSandbox
let gateway: GatewaySandbox
let daemon: Daemon

beforeAll(async () => {
  xmpp = await startXmppSandbox({ domains: { [full]: secret, [virtual]: secret } })
  gateway = await startGatewaySandbox()
  const server = `127.0.0.1:${xmpp.port}`
  daemon = await startDaemon({
    component: [
      { domain: full, server, secret },
      { domain: virtual, server, secret, pubsub: false, publishers: ['example.com'] },
    ],
    push: {
      served_hosts: ['example.com'],
      virtual_pubsub_hosts: ['push.@HOST@'],
      reply_deadline_ms: 500,
    },
    mongoosepush: { url: gateway.url },
  })
}, 30_000)
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]()
  await xmpp?.close()
  await gateway?.close()
})

async function expectAnswer(domain: string, request: string, answer: string): Promise<void> {
  const got = await xmpp.request(domain, request)
  expect(holds(got, parseStanza(shown(answer))), `${got.xml}\nis not\n${shown(answer)}`).toBe(true)
}

describe('a service with push nodes answers as docs/client.md says', () => {
  test.each([
    ['disco-info', 'disco-info-answer'],
    ['create-node', 'create-node-answer'],
    ['let-server-publish', 'let-server-publish-answer'],
    ['own-nodes', 'own-nodes-answer'],
  ])('%s', async (request, answer) => {
    await expectAnswer(full, stamped(request), answer)
  })

  test('behind the last node of the list there is an empty page', async () => {
    const page = await xmpp.request(full, stamped('own-nodes-page'))
    expect(page.xml).toContain("<set xmlns='http://jabber.org/protocol/rsm'><count>1</count></set>")
    expect(page.xml).not.toContain('<item ')
  })

  test('a node of the same name is a conflict, for its owner too', async () => {
    expect(errorOf(await xmpp.request(full, stamped('create-node')))).toMatchObject({
      type: 'cancel',
      condition: 'conflict',
    })
  })

  test('a node without a name is not acceptable', async () => {
    const nameless = stamped('create-node').replace("node='a-name-of-its-own' ", '')
    expect(errorOf(await xmpp.request(full, nameless))).toMatchObject({
      type: 'modify',
      condition: 'not-acceptable',
    })
  })

  test('the user’s server may publish to the node, and the user may not', async () => {
    const publish = shown('publish').replace(virtual, full)
    expect((await xmpp.request(full, publish)).attr('type')).toBe('result')
    const forged = publish.replace("from='example.com'", "from='bob@elsewhere.example/x'")
    expect(errorOf(await xmpp.request(full, forged))).toMatchObject({ condition: 'forbidden' })
  })

  test('a device that turns out dead after the answer costs the publishers their affiliation; the owner is told', async () => {
    gateway.answerWith(() => ({ status: 410, body: { reason: 'unregistered' }, delayMs: 1_000 }))
    const late = shown('publish').replace(virtual, full).replace('the token that', 'another token that')
    expect((await xmpp.request(full, late)).attr('type')).toBe('result')
    const told = await xmpp.waitFor(({ xml }) => xml.startsWith('<message'))
    expect(holds(parseStanza(told.xml), parseStanza(shown('affiliation-gone'))), told.xml).toBe(true)
    gateway.answerWith(undefined)
    const publish = shown('publish').replace(virtual, full)
    expect(errorOf(await xmpp.request(full, publish))).toMatchObject({ condition: 'forbidden' })
  })

  test('the node is deleted', async () => {
    await expectAnswer(full, stamped('delete-node'), 'delete-node-answer')
    expect(errorOf(await xmpp.request(full, stamped('delete-node')))).toMatchObject({
      condition: 'item-not-found',
    })
  })
})

describe('a service without push nodes answers as docs/client.md says', () => {
  test('it does not announce that nodes can be made, and makes none', async () => {
    const info = await xmpp.request(virtual, stamped('disco-info', virtual))
    expect(info.xml).toContain("type='push'")
    expect(info.xml).not.toContain('create-nodes')
    expect(errorOf(await xmpp.request(virtual, stamped('create-node', virtual)))).toMatchObject({
      type: 'cancel',
      condition: 'feature-not-implemented',
    })
  })

  test('the publish that the page shows is the push that it shows', async () => {
    gateway.requests.length = 0
    expect((await xmpp.request(virtual, shown('publish'))).attr('type')).toBe('result')
    const silent = "<field var='silent'><value>true</value></field></x>\n    </publish-options>"
    const silently = shown('publish').replace(/<\/x>\s*<\/publish-options>/, silent)
    expect((await xmpp.request(virtual, silently)).attr('type')).toBe('result')
    const [alert, data] = await gateway.next(2)
    expect(alert?.body).toEqual(JSON.parse(shown('pushed')))
    expect(data?.body).toEqual(JSON.parse(shown('pushed-silently')))
    // White space is taken off tokens, also of this one that is none.
    expect(alert?.deviceId).toBe('the token that Apple or Google gave to the app'.replaceAll(' ', ''))
  })

  test('a device that the provider calls gone is answered as shown, and not asked about again', async () => {
    gateway.answerWith(() => ({ status: 410, body: { reason: 'unregistered' } }))
    await expectAnswer(virtual, shown('publish'), 'device-gone-answer')
    gateway.answerWith(undefined)
    const asked = gateway.total
    await expectAnswer(virtual, shown('publish'), 'device-gone-answer')
    expect(gateway.total).toBe(asked)
  })

  test.each([
    ['priority', 'urgent'],
    ['mode', 'test'],
    ['silent', 'perhaps'],
    ['mutable_content', 'yes'],
    ['time_to_live', 'a day'],
  ])('a publish with a wrong %s is refused', async (option, value) => {
    const wrong = shown('publish').replace(
      /<field var='priority'>.*?<\/field>/,
      `<field var='${option}'><value>${value}</value></field>`,
    )
    const { type, detail, text } = errorOf(await xmpp.request(virtual, wrong)) ?? {}
    expect({ type, detail }).toEqual({ type: 'modify', detail: 'invalid-payload' })
    expect(text).toContain(option)
  })
})
