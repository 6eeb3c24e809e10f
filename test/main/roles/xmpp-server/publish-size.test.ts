import { describe, expect, test } from 'vitest'
import { publishIq } from '../../../../src/main/roles/xmpp-server/publish-iq.ts'
import type { Subscription } from '../../../../src/main/store/ports.ts'
import { parseStanza } from '../app-server/app-server-at-work.ts'
import { carol, fieldsOf } from './xmpp-server-at-work.ts'

const quotes = (count: number) => "'".repeat(count)

function subscription(options: readonly (readonly [string, string])[]): Subscription {
  const [user, jid, node] = [carol, `${'j'.repeat(1000)}@push.test`, quotes(1023)]
  return {
    user,
    jid,
    node,
    options,
    session: '',
    domain: 'push.chat.test',
    enabledAtMs: 1,
    usedAtMs: 1,
    outage: undefined,
  }
}

function summaryOf(xml: string): Record<string, string> {
  const item = parseStanza(xml).firstChild()?.firstChild()?.firstChild()
  return fieldsOf(item?.firstChild()?.firstChild())
}

describe('no publish to an App Server elsewhere is over 60 KiB', () => {
  const options = [['device_id', quotes(2600)]] as const

  test.each([
    ['both texts are of quotes', quotes(4096), quotes(4096)],
    ['one text is of quotes', 'alice@chat.test', quotes(9000)],
    ['both are of characters of four bytes', '🚀'.repeat(9000), '🚀'.repeat(9000)],
  ])('its longest texts are cut, and nothing else: %s', (_, sender, body) => {
    const summary = ['message-count', '1', 'last-message-sender', sender, 'last-message-body', body]
    const xml = publishIq('id', 'push.chat.test', subscription(options), summary)
    expect(Buffer.byteLength(xml)).toBeLessThanOrEqual(60 * 1024)
    expect(Buffer.byteLength(xml)).toBeGreaterThan(59 * 1024)
    const fields = summaryOf(xml)
    expect(fields['message-count']).toBe('1')
    const cut = fields['last-message-body'] ?? ''
    expect(cut.endsWith('…')).toBe(true)
    expect(body.startsWith(cut.slice(0, -1))).toBe(true)
    if (sender.length < 100) expect(fields['last-message-sender']).toBe(sender)
  })

  test('one that fits is as it was told of', () => {
    const summary = ['last-message-body', 'b'.repeat(20_000)]
    const xml = publishIq('id', 'push.chat.test', subscription(options), summary)
    expect(summaryOf(xml)['last-message-body']).toBe(summary[1])
  })
})
