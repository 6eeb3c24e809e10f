import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bareJid, bareOf, domainOfBare, hasResource, normalDomain, parseJid } from '../../src/core/jid.ts'

test.each([
  ['chat.test', { local: '', domain: 'chat.test', resource: '' }],
  ['bob@chat.test', { local: 'bob', domain: 'chat.test', resource: '' }],
  ['bob@chat.test/r1', { local: 'bob', domain: 'chat.test', resource: 'r1' }],
  ['chat.test/r1', { local: '', domain: 'chat.test', resource: 'r1' }],
  ['bob@chat.test/a/b@c', { local: 'bob', domain: 'chat.test', resource: 'a/b@c' }],
  ['bob\\40x@chat.test', { local: 'bob\\40x', domain: 'chat.test', resource: '' }],
  ['bob@[::1]', { local: 'bob', domain: '[::1]', resource: '' }],
])('%s is taken apart at the first slash, then at the first at-sign', (text, jid) => {
  expect(parseJid(text)).toEqual(jid)
})

test.each([
  '',
  '@',
  '/',
  '@chat.test',
  'bob@',
  'bob@/r',
  '/r',
  'bob@chat.test/',
  'a@b@chat.test',
  'bo b@chat.test',
  'bob@chat test',
  'bob<@chat.test',
  "bo'b@chat.test",
  'bob@chat.test\u0000',
  'bob@chat.test..',
  '.',
  `${'x'.repeat(1024)}@chat.test`,
  `bob@${'x'.repeat(1024)}`,
  `bob@chat.test/${'x'.repeat(1024)}`,
  // These become an at-sign and a slash when normalised.
  'bob＠evil@chat.test',
  'chat.test／r',
  'bob@\ud800',
])('%j is no JID', (text) => {
  expect(parseJid(text)).toBeUndefined()
  expect(bareJid(text)).toBeUndefined()
})

test.each([
  ['Bob@Chat.Test/Phone', 'bob@chat.test'],
  ['bob@chat.test.', 'bob@chat.test'],
  ['BÖRK@münchen.test', 'börk@münchen.test'],
  ['bo\u0308rk@chat.test', 'börk@chat.test'],
  ['ｂｏｂ@chat.test', 'bob@chat.test'],
  ['Chat.TEST', 'chat.test'],
  // The small letters compose, the capitals did not.
  ['\u03aa\u0301@chat.test', '\u0390@chat.test'],
])('%s is the same account as %s', (text, bare) => {
  expect(bareJid(text)).toBe(bare)
})

test('the case of a resource is kept', () => {
  expect(parseJid('bob@chat.test/Phone')?.resource).toBe('Phone')
  expect(hasResource('bob@chat.test/Phone')).toBe(true)
  expect(hasResource('bob@chat.test')).toBe(false)
})

test('the domain of a bare JID is what follows the at-sign, or all of it', () => {
  expect(domainOfBare('bob@chat.test')).toBe('chat.test')
  expect(domainOfBare('chat.test')).toBe('chat.test')
})

const jidLike = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('a', 'B', '.', '@', '/', 'ß', 'İ', 'Σ', '＠', '／', 'ﬀ', ' ') }),
  fc.tuple(fc.string(), fc.string(), fc.string()).map(([l, d, r]) => `${l}@${d}/${r}`),
)

test('whatever the text, it is a JID or none, and the quick way to the bare form agrees with the thorough one', () => {
  fc.assert(
    fc.property(jidLike, (text) => {
      const jid = parseJid(text)
      expect(bareJid(text)).toBe(jid === undefined ? undefined : bareOf(jid))
    }),
    { numRuns: 2000 },
  )
})

describe('a letter has 30 marks at most in a JID', () => {
  test.each(['\u0301', '\u0323', '\uff9e', '\u0344'])('of U+%s', (mark) => {
    expect(bareJid(`a${mark.repeat(10)}@chat.test`)).toBeDefined()
    for (const many of [31, 2700]) {
      expect(bareJid(`a${mark.repeat(many)}@chat.test`)).toBeUndefined()
      expect(bareJid(`chat.${mark.repeat(many)}`)).toBeUndefined()
    }
  })

  test('so 8 KiB of marks, as anybody may write them, take no time', () => {
    const marks = `a${'\u0301\u0323\u0315\u0300'.repeat(1000)}@chat.test`
    const fromMs = performance.now()
    for (let i = 0; i < 100; i++) bareJid(marks)
    // It was more than a second.
    expect(performance.now() - fromMs).toBeLessThan(200)
  })
})

test('a normal form is its own normal form', () => {
  fc.assert(
    fc.property(jidLike, (text) => {
      const bare = bareJid(text)
      if (bare !== undefined) expect(bareJid(bare)).toBe(bare)
      const domain = normalDomain(text)
      if (!domain.endsWith('.')) expect(normalDomain(domain)).toBe(domain)
    }),
    { numRuns: 2000 },
  )
})
