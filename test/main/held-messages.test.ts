import { afterEach, beforeEach, expect, test } from 'vitest'
import { HeldMessages } from '../../src/main/held-messages.ts'
import { until } from '../support/until.ts'

const up = new Set<string>()
const sent: string[] = []
let messages: HeldMessages

beforeEach(() => {
  messages = new HeldMessages(
    (domain) => up.has(domain),
    (domain, stanza) => void sent.push(`${domain}: ${stanza}`),
  )
})

afterEach(() => {
  messages.stop()
  up.clear()
  sent.length = 0
})

test('a message goes out at once over a stream that is up, else as soon as there is one', async () => {
  up.add('a.test')
  messages.send('a.test', 'one')
  messages.send('b.test', 'two')
  messages.send('c.test', 'three')
  expect(sent).toEqual(['a.test: one'])
  up.add('b.test')
  await until('the stream to be used', () => sent.length > 1)
  expect(sent).toEqual(['a.test: one', 'b.test: two'])
  up.add('c.test')
  await until('the other, too', () => sent.length > 2)
  expect(sent.at(-1)).toBe('c.test: three')
})

test('of more than there is room for the oldest are let go, to be counted', () => {
  for (let i = 0; i < 10_003; i++) messages.send('a.test', String(i))
  expect(sent).toEqual(['a.test: 0', 'a.test: 1', 'a.test: 2'])
  messages.stop()
  expect(sent).toHaveLength(10_003)
  messages.send('a.test', 'late')
  expect(sent.at(-1)).toBe('a.test: late')
})
