import { describe, expect, test } from 'vitest'
import { readTerm } from '../../../src/main/imports/erlang-term.ts'
import { ErlangTerms } from '../../../src/main/imports/erlang-terms.ts'
import { bytesOf, exported } from './exports.ts'

function termsIn(text: string, partSize = text.length) {
  const bytes = bytesOf(text)
  const terms = new ErlangTerms()
  const found = []
  for (let at = 0; at < bytes.length; at += partSize)
    found.push(...terms.push(bytes.slice(at, at + partSize)))
  return [...found, ...terms.end()]
}

describe('the terms of a dump', () => {
  test('end at a full stop that is in no text, no atom and no number', () => {
    const text = '{a,1.5}.\n%% a. comment\n{"a. b\\". ",\'c. d\\\'. \',<<"e. ">>}.{x,\n <0.9.0>}.'
    expect(termsIn(text).map(({ line, text }) => [line, text])).toEqual([
      [1, '{a,1.5}'],
      [3, '{"a. b\\". ",\'c. d\\\'. \',<<"e. ">>}.{x,\n <0.9.0>}'],
    ])
    expect(termsIn('a. b.% c.\n c. ').map((term) => term.text)).toEqual(['a', 'b', 'c'])
  })

  test('are the same in whatever parts they come', () => {
    const dump = exported('ejabberd.mnesia.txt')
    const whole = termsIn(dump)
    expect(whole.map(({ line }) => line)).toEqual([1, 3, 30, 34, 61])
    for (let size = 1; size < 100; size += 7) expect(termsIn(dump, size)).toEqual(whole)
  })

  test('include one that does not end', () => {
    expect(termsIn('a.\n{b').map(({ line, text }) => [line, text])).toEqual([
      [1, 'a'],
      [2, '{b\n'],
    ])
    expect(termsIn('a.\n% no more')).toHaveLength(1)
  })

  test('that are too long are cut, and those behind are found', () => {
    const text = `a.\n{vcard,<<"${'x. \n'.repeat(300_000)}">>}.\nb.\n`
    const found = termsIn(text, 100_000)
    expect(found.map(({ line, isTooLong }) => [line, isTooLong])).toEqual([
      [1, false],
      [2, true],
      [300_003, false],
    ])
    expect(found[1]?.text).toMatch(/^\{vcard,<<"x/)
  })
})

describe('a term', () => {
  const binary = (text: string) => ({ kind: 'binary', text })
  const number = (value: number) => ({ kind: 'number', value })

  test.each([
    ['<<>>', binary('')],
    ['<<"a\\"\\\\\\n">>', binary('a"\\\n')],
    ['<<"ü">>', binary('ü')],
    ['<<"żółw"/utf8>>', binary('żółw')],
    ['<<"in "\n   "pieces">>', binary('in pieces')],
    ['<<197,188, 10>>', binary('ż\n')],
    ["'Odd atom'", { kind: 'atom', name: 'Odd atom' }],
    ['undefined', { kind: 'atom', name: 'undefined' }],
    ['-1.5e-7', number(-1.5e-7)],
    ['"ab"', { kind: 'list', items: [number(97), number(98)] }],
    ['[]', { kind: 'list', items: [] }],
    [
      '{ a , [1] }',
      {
        kind: 'tuple',
        items: [
          { kind: 'atom', name: 'a' },
          { kind: 'list', items: [number(1)] },
        ],
      },
    ],
    ['#{<<"a">> => 1}', { kind: 'map', entries: [[binary('a'), number(1)]] }],
    ['#{}', { kind: 'map', entries: [] }],
  ])('%s is read', (text, term) => {
    expect(readTerm(bytesOf(text))).toEqual(term)
  })

  test.each([
    ['a process', '{a,<0.9.0>}', 'cannot be read at its line 1'],
    ['a function', '{a,\n#Fun<b.1>}', 'cannot be read at its line 2'],
    ['a list with a tail', '[1|2]', 'cannot be read at its line 1'],
    ['a variable', 'Name', 'cannot be read at its line 1'],
    ['a call', 'os:cmd("x")', 'cannot be read at its line 1'],
    ['two terms', 'a b', 'cannot be read at its line 1'],
    ['a number that is no byte', '<<256>>', 'holds a binary that is not of bytes'],
    ['half a tuple', '{a,', 'does not end'],
    ['half a text', '<<"a', 'does not end'],
    ['nothing', '', 'does not end'],
    ['an escape that nobody writes', '<<"\\x41">>', 'cannot be read at its line 1'],
    ['too many brackets', '['.repeat(100_000), 'is nested too deep'],
  ])('%s is none', (_, text, fault) => {
    expect(readTerm(text)).toBe(fault)
  })

  test('that is not UTF-8 is none', () => {
    expect(readTerm('<<255>>')).toBe('holds bytes that are not UTF-8')
  })
})
