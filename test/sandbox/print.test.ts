import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SandboxElement } from '../../src/sandbox/element.ts'
import { printJson } from '../../src/sandbox/json-print.ts'
import { paintFor, paintJson, paintXml } from '../../src/sandbox/paint.ts'
import { printTag, printXml } from '../../src/sandbox/xml-print.ts'
import { parseStanza } from '../../src/sandbox/xmpp-reader.ts'

const folder = new URL('../fixtures/publishes/', import.meta.url)
const stanzas = readdirSync(folder).map(
  (name) => [name, readFileSync(new URL(name, folder), 'utf8')] as const,
)

/** What an element says, without the white space between elements. */
function said(element: SandboxElement): unknown {
  const inner = element.elements()
  return [element.name, [...element.attributes], inner.length > 0 ? inner.map(said) : element.text()]
}

describe.each(stanzas)('%s', (_, xml) => {
  test.each([30, 60, 93, 200, 5_000])('is the same stanza when printed in %d columns', (columns) => {
    const lines = printXml(parseStanza(xml), { columns, foldForms: false })
    expect(said(parseStanza(lines.join('\n')))).toEqual(said(parseStanza(xml)))
  })

  test('has no line of more than 120 columns when 93 are asked for', () => {
    const lines = printXml(parseStanza(xml), { columns: 93, foldForms: false })
    expect(lines.filter((line) => line.length > 120)).toEqual([])
  })
})

test('a folded form shows its fields that have a value, not its type', () => {
  const fields =
    "<field var='FORM_TYPE'><value>t</value></field><field var='a'><value>1 &lt; 2</value></field><field var='b'/><field var='c'><value>3</value></field>"
  const form = parseStanza(`<iq><x xmlns='jabber:x:data'>${fields}</x></iq>`)
  expect(printXml(form, { columns: 80, foldForms: true })).toEqual([
    "<iq><x xmlns='jabber:x:data'> a: 1 &lt; 2 · c: 3 </x></iq>",
  ])
})

test('a tag is broken between its attributes', () => {
  expect(printTag("<a b='1 2' c='3' d='4'>", '  ', 14)).toEqual([
    "  <a b='1 2'",
    "      c='3'",
    "      d='4'>",
  ])
})

test('JSON is the same when printed in any columns', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 200 }), (value, columns) => {
      const lines = printJson(value, columns)
      expect(lines.map((line, index) => (index === 0 ? line : line.slice(1))).join('')).toBe(
        JSON.stringify(value),
      )
    }),
  )
})

test('colours change nothing of a text but its colours', () => {
  const paint = paintFor(true)
  const escapes = /\u001b\[[\d;]*m/g
  fc.assert(
    fc.property(fc.string(), fc.jsonValue(), (text, value) => {
      const json = JSON.stringify(value)
      expect(paintXml(text, paint).replaceAll(escapes, '')).toBe(text)
      expect(paintJson(json, paint).replaceAll(escapes, '')).toBe(json)
    }),
  )
  expect(paintXml("<a b='c'>", paint)).not.toBe("<a b='c'>")
  // A broken tag's next line is attributes, not text.
  expect(paintXml("  b='c'>", paint)).toBe(
    ` ${paint(' b=', 'dim')}${paint("'c'", 'cyan')}${paint('>', 'blue')}`,
  )
  expect(paintXml("<a b='c'>", paintFor(false))).toBe("<a b='c'>")
})
