import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { askPlugin } from '../src/main/roles/xmpp-server/ask-plugin.ts'
import { loadPlugin } from '../src/main/roles/xmpp-server/load-plugin.ts'
import { offline } from './main/roles/xmpp-server/xmpp-server-at-work.ts'
import { snippet } from './support/pages.ts'

afterEach(() => {
  vi.useRealTimers()
})

describe('the example of the page about plugins', () => {
  const subscription = {
    user: offline.to,
    jid: 'push.test',
    node: 'n',
    options: [],
    session: '',
    domain: '',
    enabledAtMs: 0,
    usedAtMs: 0,
  }

  async function summaryAt(hour: number, event: Partial<typeof offline>) {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date(2026, 0, 1, hour) })
    const folder = mkdtempSync(join(tmpdir(), 'plugin-'))
    try {
      const file = join(folder, 'quiet-nights.mjs')
      writeFileSync(file, snippet('docs/plugins.md', 'quiet-nights.mjs'))
      const plugin = await loadPlugin(file)
      return (await askPlugin(plugin, { ...offline, ...event }, [subscription], 100)).summary
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test('pushes by day, under the name that it says and without the text', async () => {
    expect(await summaryAt(12, { body: 'secret' })).toEqual([
      'message-count',
      '1',
      'last-message-sender',
      'alice@chat.test',
      'last-message-body',
      'New message',
    ])
    expect(await summaryAt(12, { type: 'groupchat', from: 'den@muc.test/nick' })).toContain('#den')
  })

  test('pushes at night only what is urgent', async () => {
    expect(await summaryAt(23, {})).toEqual([])
    expect(await summaryAt(23, { body: 'this is urgent' })).toContain('Urgent message')
  })
})
