import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isXmlCharacter } from '../../../src/core/xml/characters.ts'
import { escapeXml } from '../../../src/core/xml/escape.ts'
import { resolveReferences } from '../../../src/core/xml/references.ts'
import { heldBytes } from '../../support/held-memory.ts'

it.each([
  ['', ''],
  ['plain', 'plain'],
  ['&lt;&gt;&amp;&quot;&apos;', `<>&"'`],
  ['a&amp;lt;b', 'a&lt;b'],
  ['&#65;&#x1f389;&#0065;', 'A🎉A'],
])('%j stands for %j', (written, meant) => {
  expect(resolveReferences(written)).toBe(meant)
})

it.each([
  ['&', 'malformed'],
  ['a & b; c', 'malformed'],
  ['&;', 'malformed'],
  ['&#0;', 'malformed'],
  ['&#xd800;', 'malformed'],
  ['&#X41;', 'malformed'],
  ['&1a;', 'malformed'],
  ['&amp;&nbsp;', 'undeclared'],
  ['&__proto__;', 'undeclared'],
  ['&:é;', 'undeclared'],
])('%j is %s', (written, fault) => {
  expect(resolveReferences(written)).toEqual({ fault })
})

it('what is escaped is read back as it was, but for characters that XML forbids', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const kept = [...text].map((c) => (isXmlCharacter(c.codePointAt(0) ?? 0) ? c : '\ufffd')).join('')
      expect(resolveReferences(escapeXml(text))).toBe(kept)
    }),
  )
})

it('keeps a text of nothing but references in little more than its length', () => {
  const kept = heldBytes((i) => resolveReferences(`${i}${'&quot;'.repeat(1_300)}`), 100)
  expect(kept).toBeLessThan(10_000)
})
