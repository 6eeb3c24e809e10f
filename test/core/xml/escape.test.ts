import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { expect, it } from 'vitest'
import { isXmlCharacter } from '../../../src/core/xml/characters.ts'
import { escapeXml } from '../../../src/core/xml/escape.ts'

it.each([
  ['plain ü 🎉', 'plain ü 🎉'],
  [`<a b="c" d='e'>&`, '&lt;a b=&quot;c&quot; d=&apos;e&apos;&gt;&amp;'],
  ['a\tb\nc\rd', 'a&#9;b&#10;c&#13;d'],
  ['\0\x08\x0b\x1f\ufffe\uffff', '\ufffd'.repeat(6)],
  ['a\ud800b\udc00', 'a\ufffdb\ufffd'],
])('%j is written %j', (text, escaped) => {
  expect(escapeXml(text)).toBe(escaped)
})

it('whatever XML allows is read as it was, from an attribute in either quotes and from text', () => {
  const character = fc
    .oneof(fc.constantFrom(...'\t\n\r &<>\'"'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }))
    .filter((text) => isXmlCharacter(text.codePointAt(0) ?? 0))
  fc.assert(
    fc.property(
      fc.array(character).map((characters) => characters.join('')),
      (text) => {
        const escaped = escapeXml(text)
        expect(readBack(`<a b="${escaped}" c='${escaped}'>${escaped}</a>`)).toEqual([text, text, text])
      },
    ),
  )
})

/** The values of `b` and `c`, and the text. */
function readBack(document: string): string[] {
  const found: string[] = []
  const parser = new SaxesParser()
  parser.on('opentag', ({ attributes }) => found.push(...Object.values(attributes)))
  let text = ''
  parser.on('text', (run) => {
    text += run
  })
  parser.write(document).close()
  return [...found, text]
}
