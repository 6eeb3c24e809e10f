import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadPlugin } from '../src/main/roles/xmpp-server/load-plugin.ts'
import { offline, ownPlugin } from './main/roles/xmpp-server/xmpp-server-at-work.ts'
import { snippet } from './support/pages.ts'

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
    outage: undefined,
  }

  async function summaryAt(hour: number, event: Partial<typeof offline>) {
    const folder = mkdtempSync(join(tmpdir(), 'plugin-'))
    try {
      const file = join(folder, 'quiet-nights.mjs')
      const clock = `Date.prototype.getHours = () => ${hour}\n`
      writeFileSync(file, clock + snippet('docs/plugins.md', 'quiet-nights.mjs'))
      const plugin = await loadPlugin({ ...ownPlugin, name: file })
      const { summary } = await plugin.decide({ ...offline, ...event }, [subscription], 1_000)
      await plugin.stop()
      return summary
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
