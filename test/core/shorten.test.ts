import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Notification } from '../../src/core/notification.ts'
import { shorten } from '../../src/core/shorten.ts'
import { alertOf, notificationTo } from '../main/dispatch/notifications.ts'

function shortened(body: string): string | undefined {
  const content = shorten({ ...notificationTo('tok'), content: alertOf({ body }) })?.content
  return content?.kind === 'alert' ? content.body : undefined
}

test('a long body keeps at most a kilobyte, an ellipsis included', () => {
  expect(shortened('x'.repeat(10_000))).toBe(`${'x'.repeat(1021)}…`)
})

test('a body that was short already is halved', () => {
  expect(shortened('x'.repeat(100))).toBe(`${'x'.repeat(47)}…`)
})

test('a body of a few bytes cannot be cut', () => {
  expect(shortened('xxxxxx')).toBeUndefined()
  expect(shortened('')).toBeUndefined()
})

test('an emoji of several code points stays whole or goes whole', () => {
  const family = '👨‍👩‍👧‍👦'
  const body = shortened(family.repeat(100)) ?? ''
  expect(body.endsWith('…')).toBe(true)
  expect(body.slice(0, -1).replaceAll(family, '')).toBe('')
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1024)
})

test('a shortened text is a beginning of the text, well-formed, at most half its bytes and a kilobyte', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 3_000 }), (text) => {
      const short = shortened(text)
      const bytes = Buffer.byteLength(text)
      if (short === undefined) {
        expect(bytes).toBeLessThan(8)
        return
      }
      expect(text.startsWith(short.slice(0, -1))).toBe(true)
      expect(short.isWellFormed()).toBe(true)
      expect(Buffer.byteLength(short)).toBeLessThanOrEqual(Math.min(1024, bytes / 2))
    }),
  )
})

test('one character longer than all that may stay is cut to the ellipsis', () => {
  expect(shortened(`e${'\u0301'.repeat(5_000)}`)).toBe('…')
})

test('of a silent push the longest text is cut, and nothing else', () => {
  const push: Notification = {
    ...notificationTo('tok'),
    content: {
      kind: 'silent',
      data: [
        ['message-count', 1],
        ['last-message-sender', 'a@b'],
        ['last-message-body', 'y'.repeat(5_000)],
      ],
    },
  }
  expect(shorten(push)?.content).toEqual({
    kind: 'silent',
    data: [
      ['message-count', 1],
      ['last-message-sender', 'a@b'],
      ['last-message-body', `${'y'.repeat(1021)}…`],
    ],
  })
})
