import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadPlugin } from '../../../../src/main/roles/xmpp-server/load-plugin.ts'
import type { MessageEvent } from '../../../../src/main/roles/xmpp-server/plugin.ts'
import { completeEvent } from '../../../../src/main/roles/xmpp-server/told-message.ts'
import { scratchDirectory } from '../../store/open-store.ts'
import { parseStanza } from '../app-server/app-server-at-work.ts'
import { eventContent, offline, ownPlugin, startMs } from './xmpp-server-at-work.ts'

const subscriptions = ['r1', 'r2'].map((resource) => ({
  user: 'carol@chat.test',
  jid: 'push.test',
  node: resource,
  options: [],
  session: `carol@chat.test/${resource}`,
  domain: '',
  enabledAtMs: startMs,
  usedAtMs: startMs,
  outage: undefined,
}))

/** The nodes that a built-in plugin chooses, and the summary's fields. */
async function decision(plugin: string, event: Partial<MessageEvent>) {
  const decider = await loadPlugin({ ...ownPlugin, name: plugin })
  const { chosen, summary } = await decider.decide(
    completeEvent({ ...offline, ...event }, eventContent),
    subscriptions,
    100,
  )
  const fields: Record<string, string> = {}
  for (let i = 0; i < summary.length; i += 2) fields[summary[i] ?? ''] = summary[i + 1] ?? ''
  return { nodes: chosen.map(({ node }) => node), fields }
}

function stanza(children: string) {
  return parseStanza(`<message xmlns='jabber:client' type='chat'>${children}</message>`)
}

const nobody = { nodes: [], fields: {} }
const chat = {
  nodes: ['r1', 'r2'],
  fields: { 'message-count': '1', 'last-message-sender': 'alice@chat.test', 'last-message-body': 'off 🚀' },
}

describe.each(['defaults', 'enhanced', 'hints'])('the plugin %s', (plugin) => {
  test.each([
    ['chat', 'alice@chat.test/phone', 'alice@chat.test'],
    ['normal', 'alice@chat.test/phone', 'alice@chat.test'],
    ['groupchat', 'room@muc.test/Nick Name', 'room@muc.test/Nick Name'],
  ] as const)('names the sender of a %s message', async (type, from, sender) => {
    const { fields } = await decision(plugin, { type, from })
    expect(fields['last-message-sender']).toBe(sender)
  })

  test('notifies everybody of an offline message with a body', async () => {
    expect(await decision(plugin, {})).toEqual(chat)
  })

  test.each([undefined, ''])('skips the body %j', async (body) => {
    expect(await decision(plugin, { body })).toEqual(nobody)
  })

  test('takes the count as given', async () => {
    expect((await decision(plugin, { messageCount: 7 })).fields['message-count']).toBe('7')
  })
})

describe('what a plugin makes of an event is bounded as any publish is', () => {
  const fields = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`field-${i}`, 'x'.repeat(1_000)]))
  const ask = async (summary: Record<string, string>) => {
    using directory = scratchDirectory()
    const name = join(directory.path, 'plugin.mjs')
    writeFileSync(name, `export const prepareNotification = () => (${JSON.stringify(summary)})`)
    const plugin = await loadPlugin({ ...ownPlugin, name })
    try {
      return await plugin.decide(offline, subscriptions, 10_000)
    } finally {
      await plugin.stop()
    }
  }

  test('a long text is cut to 4 KiB, and all of them to 8 KiB', async () => {
    const { fields: made } = await decision('defaults', { body: 'Hi 🚀 '.repeat(50_000) })
    expect(Buffer.byteLength(made['last-message-body'] ?? '')).toBeLessThanOrEqual(4096)
    expect(made['last-message-body']).toMatch(/^(Hi 🚀 )+[Hi 🚀]*…$/u)
    const { summary, hasCut } = await ask(fields(64))
    expect(Buffer.byteLength(summary.filter((_, i) => i % 2 === 1).join(''))).toBeLessThanOrEqual(8192)
    expect(hasCut).toBe(true)
    expect((await ask(fields(8))).hasCut).toBe(false)
  })

  test('more than 64 fields, or a name of more than 256 bytes, are a fault of the plugin', async () => {
    expect((await ask(fields(64))).summary).toHaveLength(128)
    await expect(ask(fields(65))).rejects.toThrow('more than 64 fields')
    await expect(ask({ ['n'.repeat(257)]: '' })).rejects.toThrow('name is too long')
  })
})

test.each([
  ['defaults', ['r1', 'r2']],
  ['enhanced', ['r2']],
  ['hints', ['r2']],
])('%s tells of a lost stream to %j', async (plugin, nodes) => {
  const decided = await decision(plugin, { kind: 'unacked', session: 'carol@chat.test/r2' })
  expect(decided.nodes).toEqual(nodes)
})

const noStore = "<no-store xmlns='urn:xmpp:hints'/>"
const store = "<store xmlns='urn:xmpp:hints'/>"
const propose = "<propose xmlns='urn:xmpp:jingle-message:0' id='s1'><description/></propose>"
const call = {
  nodes: ['r1', 'r2'],
  fields: { 'message-sender': 'alice@chat.test', 'jingle-message': 'propose', 'jingle-session-id': 's1' },
}

test.each([
  ['a body and no-store', 'hints', `<body>x</body>${noStore}`, nobody],
  ['a body and no-store', 'enhanced', `<body>off 🚀</body>${noStore}`, chat],
  ['a call to be stored', 'hints', store + propose, call],
  ['a call to be stored', 'enhanced', store + propose, nobody],
  ['a call not to be stored', 'hints', noStore + propose, nobody],
  ['a call without a hint', 'hints', propose, nobody],
  ['no call to be stored', 'hints', store, nobody],
  ['a call with a body', 'hints', `<body>off 🚀</body>${store}${propose}`, chat],
])('%s, for %s', async (_, plugin, children, expected) => {
  const message = stanza(children)
  const body = message.child('body', 'jabber:client')?.text()
  expect(await decision(plugin, { stanza: message, body })).toEqual(expected)
})
