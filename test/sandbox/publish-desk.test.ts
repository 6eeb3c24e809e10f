import { afterEach, beforeEach, expect, test } from 'vitest'
import { PublishDesk } from '../../src/sandbox/publish-desk.ts'
import { startXmppSandbox, type XmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { RawComponent } from './raw-component.ts'

const domain = 'push.example.test'
let server: XmppSandbox
let desk: PublishDesk
let component: RawComponent

beforeEach(async () => {
  server = await startXmppSandbox({ domains: { [domain]: 'sauce' } })
  desk = new PublishDesk(server, domain, 'example.test')
  component = await new RawComponent(server.port).open(domain, 'sauce')
})
afterEach(async () => {
  component.destroy()
  await server.close()
})

test.each([
  ['publish n fcm d a@b hello  there', '<value>hello there</value></field></x></notification></item>'],
  ['silent n fcm d', "<item><notification xmlns='urn:xmpp:push:0'/></item>"],
  ['create n', "<create node='n' type='push'/>"],
  ['delete n', "<delete node='n'/>"],
  ['affiliate n example.test publish-only', "<affiliation jid='example.test' affiliation='publish-only'/>"],
  ['disco', "<query xmlns='http://jabber.org/protocol/disco#info'/>"],
  ['disco n', "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>"],
  ['items', "<query xmlns='http://jabber.org/protocol/disco#items'/>"],
  ['ping', "<ping xmlns='urn:xmpp:ping'/>"],
  ["raw <message  to='x'/>", "<message  to='x'/>"],
])('%s', async (line, sent) => {
  expect(desk.take(line)).toBe('')
  expect(await component.until(sent)).toContain(sent)
})

test('shape says whose words publishes are in', async () => {
  expect(desk.take('shape prosody')).toBe('')
  desk.take('publish n fcm d a@b hi')
  await component.until("type='form'")
  expect(desk.take('shape openfire')).toBe('shapes: mongooseim, ejabberd, prosody')
})

test('drop cuts the streams, and then there is nobody to send to', async () => {
  desk.take('drop')
  await component.closed
  expect(desk.take('ping')).toBe('no component is connected')
})

test.each(['publish n fcm d a@b', 'publish', 'silent n fcm', 'create', 'affiliate n jid', 'sing'])(
  '"%s" is not understood',
  (line) => {
    expect(desk.take(line)).toBe(`not understood: ${line} ("help" tells what is)`)
  },
)

test('help helps, quit quits, an empty line is nothing', () => {
  expect(desk.take('help')).toContain('publish NODE SERVICE DEVICE')
  expect(desk.take(' quit ')).toBe('quit')
  expect(desk.take('  ')).toBe('')
})
