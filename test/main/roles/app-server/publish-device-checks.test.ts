import { describe, expect, test } from 'vitest'
import { noLimits } from '../../store/open-store.ts'
import {
  type AppServerAtWork,
  alice,
  bob,
  chatServer,
  errorText,
  nowMs,
  type PublishChange,
  parseStanza,
  phone,
  phoneOptions,
  publish,
  pubsubHost,
  shadowedHost,
  startAppServer,
  virtualHost,
} from './app-server-at-work.ts'

describe('check 4: service and device_id, else cancel/conflict with precondition-not-met', () => {
  test.each([
    ['no publish-options', undefined],
    ['no options', {}],
    ['no service', { device_id: 'tok' }],
    ['an empty service', { service: '', device_id: 'tok' }],
    ['no device', { service: 'fcm' }],
    ['an empty device', { service: 'fcm', device_id: '' }],
  ])('%s', async (_, options) => {
    await using app = await startAppServer()
    expect(app.publish({ options })).toBe('cancel/conflict precondition-not-met')
    expect(app.result({ options })).toBe('rejected_no_device')
  })

  test('an empty <publish-options/> is no options', async () => {
    await using app = await startAppServer()
    const xml = publish().replace(/<publish-options>.*<\/publish-options>/, '<publish-options/>')
    expect(app.verdict(xml, virtualHost)).toMatchObject({
      kind: 'answer',
      publish: { result: 'rejected_no_device' },
    })
  })

  test('the older name `device` is taken, device_id before it', async () => {
    await using app = await startAppServer()
    const both = { service: 'apns', device: 'old', device_id: 'new' }
    expect(app.notification({ options: { service: 'apns', device: 'old' } }).device.id).toBe('old')
    expect(app.notification({ options: both }).device.id).toBe('new')
  })

  const registered = {
    service: 'apns',
    device_id: 'tok-7',
    mode: 'dev',
    topic: 'com.app',
    secret: 'not an option',
  }
  async function register(app: AppServerAtWork, host = pubsubHost): Promise<void> {
    await app.nodes.create(
      host,
      'r1',
      {
        owner: 'alice@chat.test',
        configuration: { publish_model: 'open' },
        affiliations: { 'alice@chat.test': 'owner' },
        registration: { options: registered, secret: 's3cret' },
        createdAtMs: 1,
        usedAtMs: nowMs,
      },
      noLimits,
    )
  }

  test('a registered node gives the options that the publish leaves out', async () => {
    await using app = await startAppServer()
    await register(app)
    const change = { to: pubsubHost, node: 'r1', options: { secret: 's3cret', topic: 'com.other' } }
    expect(app.notification(change)).toMatchObject({
      device: { service: 'apns', mode: 'dev', id: 'tok-7' },
      topic: 'com.other',
    })
    const other = { ...change, options: { secret: 's3cret', device: 'tok-8' } }
    expect(app.notification(other).device.id).toBe('tok-8')
  })

  test.each([
    ['wrong', { secret: 's3creT' }],
    ['of another length', { secret: 's3cret2' }],
    ['missing', {}],
    ['missing, with a device of its own', phoneOptions],
    ['without options at all', undefined],
  ])('a registered node’s secret that is %s is auth/forbidden', async (_, options) => {
    await using app = await startAppServer()
    await register(app)
    expect(app.publish({ to: pubsubHost, node: 'r1', options })).toBe('auth/forbidden')
  })

  test('on a shadowed domain a registration is not looked at', async () => {
    await using app = await startAppServer()
    await register(app, shadowedHost)
    const change = { to: shadowedHost, node: 'r1' }
    expect(app.publish({ ...change, options: { secret: 's3cret' } })).toBe(
      'cancel/conflict precondition-not-met',
    )
    expect(app.publish({ ...change, options: phoneOptions })).toBe('push')
  })
})

describe('check 5: the payload is <notification xmlns="urn:xmpp:push:0">, else modify/bad-request with invalid-payload', () => {
  test.each([
    ['nothing', ''],
    ['text', 'Hi'],
    ['a notification of another namespace', "<notification xmlns='urn:xmpp:push:1'/>"],
    ['something else', "<event xmlns='urn:xmpp:push:0'/>"],
    [
      'something else beside it',
      "<notification xmlns='urn:xmpp:push:0'/><entry xmlns='http://www.w3.org/2005/Atom'/>",
    ],
  ])('%s', async (_, payload) => {
    await using app = await startAppServer()
    const xml = publish().replace(/<item>.*<\/item>/, `<item>${payload}</item>`)
    expect(app.verdict(xml, virtualHost)).toMatchObject({
      kind: 'answer',
      stanza: expect.stringMatching(/type='modify'><bad-request .*<invalid-payload /),
      publish: { result: 'rejected_payload' },
    })
  })

  test('several notifications are one: a later field replaces an earlier', async () => {
    await using app = await startAppServer()
    const xml = publish({
      summary: { 'message-count': '1', 'last-message-sender': 'a', 'last-message-body': 'x' },
    })
    const other = publish({ summary: { 'message-count': '2', 'last-message-body': 'y' } })
    const notification = /<notification .*<\/notification>/.exec(other)?.[0]
    const verdict = app.verdict(xml.replace('</item>', `${notification}</item>`), virtualHost)
    expect(verdict).toMatchObject({ notification: { content: { title: 'a', body: 'y', badge: 2 } } })
  })

  test('other elements and other forms within it are none of our business', async () => {
    await using app = await startAppServer()
    const more = `<extra xmlns='urn:x'/><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:x</value></field><field var='message-count'><value>9</value></field></x>`
    const verdict = app.verdict(publish().replace('</notification>', `${more}</notification>`), virtualHost)
    expect(verdict).toMatchObject({ notification: { content: { badge: 2 } } })
  })
})

describe('check 6: a notification can be made of it, else modify/bad-request with invalid-payload and a text that names the field', () => {
  test.each([
    ['mode', { options: { ...phoneOptions, mode: 'production' } }],
    ['priority', { options: { ...phoneOptions, priority: '10' } }],
    ['silent', { options: { ...phoneOptions, silent: 'yes' } }],
    ['mutable_content', { options: { ...phoneOptions, mutable_content: '2' } }],
    ['time_to_live', { options: { ...phoneOptions, time_to_live: '-1' } }],
    ['time_to_live', { options: { ...phoneOptions, time_to_live: '1h' } }],
    ['device_id', { options: { ...phoneOptions, device_id: 'x'.repeat(4097) } }],
  ] satisfies [string, PublishChange][])('%s: %j', async (field, change) => {
    await using app = await startAppServer()
    expect(app.publish(change)).toBe('modify/bad-request invalid-payload')
    expect(app.result(change)).toBe('rejected_content')
    const text = errorText(parseStanza(await app.answerText(publish(change), virtualHost)))
    expect(text).toMatch(new RegExp(`^${field}: `))
  })
})

describe('check 7: the device lives, else cancel/not-acceptable with device-not-registered', () => {
  test('a dead device is refused by service, mode and device id, wherever it shows up', async () => {
    await using app = await startAppServer()
    await app.create(alice, 'n1')
    await app.deadDevices.add(phone, virtualHost, 'elsewhere', 'provider')
    const answer = 'cancel/not-acceptable device-not-registered'
    expect(app.publish({ to: virtualHost })).toBe(answer)
    expect(app.publish({ to: pubsubHost })).toBe(answer)
    expect(app.result({ to: virtualHost })).toBe('rejected_dead_device')
    expect(app.publish({ options: { ...phoneOptions, mode: 'prod' } })).toBe(answer)
    expect(app.publish({ options: { ...phoneOptions, mode: 'dev' } })).toBe('push')
    expect(app.publish({ options: { ...phoneOptions, service: 'apns' } })).toBe('push')
    expect(app.publish({ options: { ...phoneOptions, device_id: 'tok-2' } })).toBe('push')
  })
})

test('of several checks that fail the first answers', async () => {
  await using app = await startAppServer({ publishers: 'servers' })
  await app.create(alice, 'n1')
  await app.deadDevices.add(phone, virtualHost, 'n1', 'provider')
  const bad: PublishChange = {
    to: pubsubHost,
    node: 'none',
    from: bob,
    options: { mode: 'x' },
  }
  const wrongPayload = (xml: string) => xml.replaceAll('notification', 'message')
  const answer = async (change: PublishChange, edit = wrongPayload) => {
    const verdict = app.verdict(edit(publish({ ...bad, ...change })), pubsubHost)
    return verdict.kind === 'answer' ? verdict.publish?.result : verdict.kind
  }
  const twoItems = (xml: string) => wrongPayload(xml).replace('<item>', '<item/><item>')
  const same = (xml: string) => xml

  expect(await answer({}, twoItems)).toBe('rejected_malformed')
  expect(await answer({})).toBe('rejected_no_node')
  expect(await answer({ node: 'n1' })).toBe('rejected_forbidden')
  const toNode = { node: 'n1', from: chatServer }
  expect(await answer(toNode)).toBe('rejected_no_device')
  const toDevice = { ...toNode, options: { ...phoneOptions, mode: 'x' } }
  expect(await answer(toDevice)).toBe('rejected_payload')
  expect(await answer(toDevice, same)).toBe('rejected_content')
  expect(await answer({ ...toNode, options: phoneOptions }, same)).toBe('rejected_dead_device')
  await app.deadDevices.forget(phone)
  expect(await answer({ ...toNode, options: phoneOptions }, same)).toBe('push')
})
