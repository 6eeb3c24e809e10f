import { describe, expect, test } from 'vitest'
import { PublishInput } from '../../../../src/main/roles/app-server/publish-input.ts'
import { heldBytes } from '../../../support/held-memory.ts'
import { type AppServerAtWork, phoneOptions, startAppServer, virtualHost } from './app-server-at-work.ts'

const longText = 'So long a message. 👨‍👩‍👧‍👦 '.repeat(10_000)

async function limitHits(app: AppServerAtWork, limit: string): Promise<number> {
  const { body } = await app.metrics.render(undefined)
  const line = body.split('\n').find((one) => one.startsWith(`xmpp_pushd_limits_hit_total{limit="${limit}"}`))
  return Number(line?.split(' ').at(-1))
}

function fieldsOf(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`field-${i}`, `value ${i}`]))
}

describe('the text of a push is held and stored within its limits', () => {
  test('a title and a body are 4 KiB at most, cut by whole graphemes, with an ellipsis', async () => {
    await using app = await startAppServer()
    const { content } = app.notification({
      summary: { 'last-message-sender': `${longText}@chat.test`, 'last-message-body': longText },
    })
    if (content.kind !== 'alert') throw new Error(content.kind)
    for (const text of [content.title, content.body, content.tag ?? '']) {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096)
      expect(Buffer.byteLength(text)).toBeGreaterThan(4060)
      expect(text).toBe(`${longText.slice(0, text.length - 1)}…`)
    }
    expect(content.body.slice(0, -1).replaceAll('👨‍👩‍👧‍👦', '')).toMatch(/^[ -~]*$/)
    expect(await limitHits(app, 'push_text')).toBe(1)
  })

  test('a text of 4 KiB is neither cut nor counted', async () => {
    await using app = await startAppServer()
    const body = 'x'.repeat(4096)
    expect(app.notification({ summary: { 'last-message-body': body } }).content).toMatchObject({ body })
    expect(await limitHits(app, 'push_text')).toBe(0)
  })

  test('one value of a silent push is 4 KiB at most, all of them 8 KiB, and a short one is whole', async () => {
    await using app = await startAppServer()
    const summary = { a: longText, 'jmi-id': 'call-1', b: longText, c: longText, 'message-count': '0' }
    const { content } = app.notification({ summary })
    if (content.kind !== 'silent') throw new Error(content.kind)
    const values = content.data.map(([, value]) => Buffer.byteLength(String(value)))
    expect(Math.max(...values)).toBeLessThanOrEqual(4096)
    expect(values.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(8192)
    expect(content.data).toContainEqual(['jmi-id', 'call-1'])
    expect(content.data).toContainEqual(['message-count', 0])
    expect(content.data.map(([name]) => name)).toEqual(Object.keys(summary))
    expect(await limitHits(app, 'push_text')).toBe(1)
  })

  test('a push of a long text keeps nothing of the rest in memory', async () => {
    await using app = await startAppServer()
    const held = heldBytes((i) => {
      const input = new PublishInput(virtualHost, undefined)
      input.isNotification = true
      for (const [name, value] of Object.entries(phoneOptions)) input.setOption(name, value)
      input.summary.set('last-message-body', `${i}${longText}`)
      const verdict = app.server.checkPublish(input)
      return verdict.kind === 'push' ? verdict.notification : undefined
    })
    expect(held).toBeLessThan(50_000)
  })

  test.each(['service', 'topic', 'click_action', 'sound'])(
    'an option %s of more than 2 KiB is refused, since it cannot be cut and mean the same',
    async (name) => {
      await using app = await startAppServer()
      const withValue = (value: string) => ({ options: { ...phoneOptions, [name]: value } })
      expect(app.publish(withValue('x'.repeat(2048)))).toBe('push')
      expect(app.publish(withValue('x'.repeat(2049)))).toBe('modify/bad-request invalid-payload')
      expect(app.publish(withValue('é'.repeat(1025)))).toBe('modify/bad-request invalid-payload')
    },
  )

  test('the name of a node that nobody made is 1,023 bytes at most', async () => {
    await using app = await startAppServer()
    expect(app.publish({ node: 'n'.repeat(1023) })).toBe('push')
    expect(app.publish({ node: 'n'.repeat(1024) })).toBe('modify/bad-request invalid-payload')
  })
})

describe('a summary has 64 fields at most', () => {
  test('the rest is ignored, and counted once for each publish', async () => {
    await using app = await startAppServer()
    expect(app.notification({ summary: fieldsOf(64) }).content).toMatchObject({ data: { length: 64 } })
    expect(await limitHits(app, 'summary_fields')).toBe(0)
    const { content } = app.notification({ summary: fieldsOf(500) })
    expect(content).toEqual({ kind: 'silent', data: Object.entries(fieldsOf(64)) })
    expect(await limitHits(app, 'summary_fields')).toBe(1)
  })

  test('a field with a name of more than 256 bytes is ignored, and counted', async () => {
    await using app = await startAppServer()
    const summary = { ['n'.repeat(257)]: 'ignored', ['n'.repeat(256)]: 'kept' }
    expect(app.notification({ summary }).content).toEqual({
      kind: 'silent',
      data: [['n'.repeat(256), 'kept']],
    })
    expect(await limitHits(app, 'summary_fields')).toBe(1)
  })
})
