import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadPlugin } from '../../../../src/main/roles/xmpp-server/load-plugin.ts'
import { PluginLoadError } from '../../../../src/main/roles/xmpp-server/plugin-thread.ts'
import { scratchDirectory } from '../../store/open-store.ts'
import {
  carol,
  fieldsOf,
  offline,
  ownPlugin,
  startXmppServer,
  virtualHost,
  type XmppServerAtWork,
} from './xmpp-server-at-work.ts'

/** The role with a plugin of this source, and carol with two subscriptions. */
async function withPlugin(source: string, pluginTimeoutMs = 100): Promise<XmppServerAtWork> {
  using directory = scratchDirectory()
  const file = join(directory.path, 'plugin.mjs')
  writeFileSync(file, source)
  const work = await startXmppServer({ plugin: file, pluginTimeoutMs })
  await work.enable(carol, 'remote.test', 'a')
  await work.enable(carol, 'remote.test', 'b')
  return work
}

function summary(work: XmppServerAtWork) {
  const item = work.sent[0]?.stanza.firstChild()?.firstChild()?.firstChild()
  return fieldsOf(item?.firstChild()?.firstChild())
}

test('what a plugin decides happens, and what it leaves out is the default', async () => {
  await using work = await withPlugin(`
    export function shouldPublish(event, subscriptions) {
      return subscriptions.filter(({ node }) => node === 'b')
    }
    export const senderId = async (event) => 'From ' + event.from
  `)
  expect(await work.event()).toBe(1)
  expect(summary(work)).toMatchObject({
    'last-message-sender': 'From alice@chat.test/phone',
    'last-message-body': 'off 🚀',
    'message-count': '1',
  })
})

test.each([
  ['its default export', 'export default { senderId: () => "me", extra: 1 }'],
  ['its default export, with state', 'export default { name: "me", senderId() { return this.name } }'],
  [
    'an instance of a class',
    'class P { #name = "me"; senderId() { return this.#name } }\nexport default new P()',
  ],
  ['its named exports', 'export const senderId = () => "me"'],
])('the functions may be those of %s', async (_, source) => {
  await using work = await withPlugin(source)
  await work.event()
  expect(summary(work)['last-message-sender']).toBe('me')
})

test('fields may be numbers and booleans, any names, and undefined to be left out', async () => {
  await using work = await withPlugin(
    'export const prepareNotification = (event, sender) => ({ "x-n": 3, "x-b": true, sender, gone: undefined })',
  )
  await work.event()
  expect(summary(work)).toEqual({
    FORM_TYPE: 'urn:xmpp:push:summary',
    'x-n': '3',
    'x-b': 'true',
    sender: 'alice@chat.test',
  })
})

test('a field that is empty says nothing to a virtual host', async () => {
  await using work = await withPlugin('export const prepareNotification = () => ({ empty: "", full: 1 })')
  await work.enable(carol, virtualHost, 'n')
  await work.event()
  expect(work.here[0]?.summary.fields).toEqual(['full', '1'])
})

test.each([
  ['null for a notification', 'export const prepareNotification = () => null'],
  ['nobody', 'export const shouldPublish = async () => []'],
])('%s skips the event', async (_, source) => {
  await using work = await withPlugin(source)
  expect(await work.event()).toBe(0)
  expect(await work.count('events_total', 'source="message",result="skipped"')).toBe(1)
})

describe('a plugin that', () => {
  test.each([
    ['throws', 'threw', 'shouldPublish', '() => { throw new Error("broken") }'],
    ['throws what is no error', 'threw', 'senderId', '() => { throw null }'],
    ['rejects', 'threw', 'prepareNotification', 'async () => { throw new Error("broken") }'],
    [
      'changes what it is given',
      'threw',
      'shouldPublish',
      '(event, all) => { all[0].node = "z"; return all }',
    ],
    ['never answers', 'timeout', 'senderId', '() => new Promise(() => {})'],
    ['gives a thenable that never answers', 'timeout', 'senderId', '() => ({ then() {} })'],
    ['chooses no list', 'nonsense', 'shouldPublish', '() => true'],
    ['chooses what it was not given', 'nonsense', 'shouldPublish', '() => [{ jid: "x", node: "y" }]'],
    ['chooses nothing at all', 'nonsense', 'shouldPublish', '() => [undefined]'],
    ['names no sender', 'nonsense', 'senderId', '() => ""'],
    ['names a sender that is no text', 'nonsense', 'senderId', '() => 5'],
    ['gives no fields', 'nonsense', 'prepareNotification', '() => undefined'],
    ['gives a list', 'nonsense', 'prepareNotification', '() => []'],
    ['gives a field that is an object', 'nonsense', 'prepareNotification', '() => ({ a: {} })'],
  ])('%s costs its own notification alone, and is counted as %s', async (_, failure, name, faulty) => {
    await using work = await withPlugin(
      `const fine = {
        shouldPublish: (event, all) => all,
        senderId: () => 'x',
        prepareNotification: () => ({ fine: 1 }),
      }
      const faulty = ${faulty}
      let calls = 0
      export const ${name} = (...given) => (calls++ === 0 ? faulty : fine.${name})(...given)`,
      20,
    )
    expect(await work.event({ id: '1' })).toBe(0)
    expect(await work.count('plugin_failures_total', `cause="${failure}"`)).toBe(1)
    expect(await work.count('events_total', 'source="message",result="failed"')).toBe(1)
    expect(work.log).toHaveLength(1)
    expect(await work.event({ id: '2' })).toBe(2)
  })

  test('fails at every event fills no log', async () => {
    await using work = await withPlugin('export const senderId = () => 5')
    for (let i = 0; i < 100; i++) await work.event({ id: `${i}` })
    expect(work.log).toHaveLength(1)
    work.clock.nowMs += 10_000
    await work.event({ id: 'later' })
    expect(work.log).toHaveLength(2)
  })

  test('hangs holds up nobody else', async () => {
    await using work = await withPlugin(
      'export const senderId = (event) => event.id === "slow" ? new Promise(() => {}) : "x"',
      20,
    )
    const slow = work.take({ id: 'slow' })
    expect(await work.event({ id: 'quick' })).toBe(2)
    expect(await slow).toEqual({ notified: 0, safety: 'safe' })
  })
})

describe('a plugin', () => {
  test.each([
    ['is not there', './nowhere.mjs', /cannot load ".*": there is no such file$/],
    ['is a folder', './', /cannot load ".*": it is a folder: name the file in it$/],
    [
      'is a package that is not there',
      'no-such-package-here',
      /cannot load "no-such-package-here": it is not built in, and no package of this name is installed .*$/,
    ],
    ['is not JavaScript', 'export const (', /cannot load/],
    ['ends its thread while it is loaded', 'process.exit( 3 )', /it ended its thread \(exit code 3\)/],
    ['throws while it is loaded', 'throw new Error("at load")', /at load/],
    ['has no function that is known', 'export const shouldPush = () => []', /exports none of shouldPublish/],
    ['has something else than a function', 'export const senderId = "me"', /senderId is not a function/],
  ])('that %s is a fault at the start', async (_, source, says) => {
    using directory = scratchDirectory()
    const isName = !source.includes(' ')
    const file = join(directory.path, isName ? source : 'faulty.mjs')
    if (!isName) writeFileSync(file, source)
    const name = isName && !source.startsWith('.') ? source : file
    await expect(loadPlugin({ ...ownPlugin, name })).rejects.toThrow(says)
    await expect(loadPlugin({ ...ownPlugin, name })).rejects.toThrow(PluginLoadError)
  })

  test('may be a package in the working directory', async () => {
    using directory = scratchDirectory()
    const folder = join(directory.path, 'node_modules', 'my-push-plugin')
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, 'package.json'),
      '{ "name": "my-push-plugin", "type": "module", "exports": "./index.js" }',
    )
    writeFileSync(join(folder, 'index.js'), 'export const senderId = () => "packaged"')
    const plugin = await loadPlugin({
      ...ownPlugin,
      name: 'my-push-plugin',
      workingDirectory: directory.path,
    })
    const subscription = {
      user: offline.to,
      jid: 'push.test',
      node: 'n',
      options: [],
      session: '',
      domain: '',
    }
    const { summary } = await plugin.decide(
      offline,
      [{ ...subscription, enabledAtMs: 0, usedAtMs: 0, outage: undefined }],
      1_000,
    )
    expect(summary).toContain('packaged')
    await plugin.stop()
  })
})

test('no more than 10 000 events wait for a plugin: what comes over HTTP is to come again', async () => {
  await using work = await withPlugin('export const senderId = () => new Promise(() => {})', 2_000)
  const first = work.take({ id: 'first' })
  for (let i = 1; i < 10_000; i++) void work.take({ id: `${i}` })
  expect(work.server.full).toBe(true)
  expect(await work.take({ id: 'one too many' })).toEqual({ notified: 0, safety: 'no-room' })
  expect(await work.count('limits_hit_total', 'limit="plugin_events"')).toBe(1)
  await first
  await work.server.decided()
  expect(work.server.full).toBe(false)
})

test('a stop can wait until every event is decided about', async () => {
  await using work = await withPlugin(
    'export const senderId = async (event) => { await new Promise(setImmediate); return "x" }',
  )
  void work.event()
  expect(work.sent).toHaveLength(0)
  await work.server.decided()
  expect(work.sent).toHaveLength(2)
})
