import { expect, it } from 'vitest'
import { findWord } from '../../../src/main/xmpp/vocabulary.ts'

function find(text: string): string | undefined {
  const units = Buffer.from(`>${text}<`)
  return findWord(units, 1, units.length - 1)
}

it.each([
  'iq',
  'x',
  'publish-options',
  'FORM_TYPE',
  'fcm',
  'http://jabber.org/protocol/pubsub#publish-options',
])('%s is a word of push stanzas', (word) => {
  expect(find(word)).toBe(word)
})

it.each(['', 'y', 'iQ', 'publish-option', 'publish-optionss', 'pvblish-options', 'z'.repeat(500)])(
  '%j is none',
  (text) => {
    expect(find(text)).toBeUndefined()
  },
)
