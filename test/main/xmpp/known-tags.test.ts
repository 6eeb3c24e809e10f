import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KnownTags } from '../../../src/main/xmpp/known-tags.ts'
import { faultOf, header, oneByteAtATime, record, roomy, stanzasOf } from './stream-recording.ts'

const publish =
  "<iq type='set' id='1'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='a'><item>" +
  "<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='submit'>" +
  "<field type='hidden' var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>" +
  "<field var='message-count'><value>1</value></field></x></notification></item></publish></pubsub></iq>"

/** The stanzas of a stream that holds these, in one chunk. */
function read(...stanzas: string[]) {
  return stanzasOf(record([Buffer.from(header + stanzas.join(''))]))
}

describe('a start tag that has come before', () => {
  it('is read as it was the first time', () => {
    const [first, ...others] = read(publish, publish, publish)
    expect(others).toEqual([first, first])
    expect(stanzasOf(record(oneByteAtATime(Buffer.from(header + publish))))).toEqual([first])
  })

  it('shares its attributes with the first, when all its words are of the vocabulary', () => {
    const [first, second] = read("<iq type='get' id='from'></iq>", "<iq type='get' id='from'></iq>")
    expect(second?.attributes).toBe(first?.attributes)
  })

  it('keeps nothing that a stranger wrote', () => {
    const [first, second] = read("<iq type='get' id='4711'></iq>", "<iq type='get' id='4711'></iq>")
    expect(second?.attributes).not.toBe(first?.attributes)
  })

  it('is in the default namespace of where it stands now', () => {
    const [, second] = read('<x><value></value></x>', "<x xmlns='urn:other'><value></value></x>")
    expect(second?.firstChild()?.ns).toBe('urn:other')
  })

  it('declares its default namespace again, for its own content alone', () => {
    const form = "<x xmlns='jabber:x:data'><field></field></x>"
    const stanza = `<message>${form}<field></field></message>`
    const namespaces = read(stanza, stanza).map((message) =>
      message.elements().flatMap((child) => [child.ns, child.firstChild()?.ns]),
    )
    const expected = ['jabber:x:data', 'jabber:x:data', 'jabber:component:accept', undefined]
    expect(namespaces).toEqual([expected, expected])
  })

  it.each([
    ["<field var='mode' label='a>b'></field>", ['var', 'mode', 'label', 'a>b']],
    ["<field var='>'></field>", ['var', '>']],
    ["<field var='mode' ></field>", ['var', 'mode']],
    ["<field var='mode'/>", ['var', 'mode']],
    ['<field var="mode"></field>', ['var', 'mode']],
  ])('is not taken for %s', (xml, attributes) => {
    const known = "<field var='mode'></field>"
    expect(read(known, known, xml, known, xml).map((field) => field.attributes)).toEqual([
      ['var', 'mode'],
      ['var', 'mode'],
      attributes,
      ['var', 'mode'],
      attributes,
    ])
  })

  it.each([["<x xmlns:a='urn:a'><a:value></a:value></x>"], ["<x xml:lang='result'></x>"]])(
    'may have prefixes: %s',
    (xml) => {
      const [first, second] = read(xml, xml)
      expect(second).toEqual(first)
      expect(second?.attributes).not.toBe(first?.attributes)
    },
  )

  it('counts against the depth of a stanza', () => {
    const nested = (depth: number) => '<x>'.repeat(depth) + '</x>'.repeat(depth)
    const limits = { ...roomy, maxDepth: 3 }
    const told = record([Buffer.from(header + nested(3) + nested(3) + nested(4) + nested(3))], limits)
    const [first, second, pruned, last] = stanzasOf(told)
    expect([second, last]).toEqual([first, first])
    expect(pruned).toMatchObject({ lost: ['depth'] })
    expect(pruned?.children).toEqual(first?.children)
  })

  it('has an end tag of the same name', () => {
    const told = record([Buffer.from(`${header}<x></x><x></value>`)])
    expect(faultOf(told)).toMatchObject({ condition: 'not-well-formed' })
  })
})

describe('the table of known tags', () => {
  const tag = fc
    .string({ unit: fc.constantFrom('a', 'b', ' ', "'"), maxLength: 12 })
    .map((text) => `${text}>`)

  it('finds the tag added last, and never another than the one that stands there', () => {
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1, maxLength: 200 }), (written) => {
        const tags = new KnownTags()
        for (const text of written) {
          const units = Buffer.from(`<${text}<rest>`)
          const found = tags.find(units, 1, units.length)
          if (found === undefined) tags.add(units, 1, 1 + text.length, text, [])
          else expect(found.name).toBe(text)
          const elsewhere = Buffer.from(`other text<${text}and other`)
          expect(tags.find(elsewhere, 11, elsewhere.length)?.name).toBe(text)
        }
      }),
    )
  })

  it('finds no tag that goes on behind the piece', () => {
    const tags = new KnownTags()
    const units = Buffer.from('value>')
    tags.add(units, 0, units.length, 'value', [])
    expect(tags.find(units, 0, units.length)?.name).toBe('value')
    expect(tags.find(units, 0, units.length - 1)).toBeUndefined()
  })

  it('keeps no long ones', () => {
    const tags = new KnownTags()
    const units = Buffer.from(`${'a'.repeat(200)}>`)
    tags.add(units, 0, units.length, 'a', [])
    expect(tags.find(units, 0, units.length)).toBeUndefined()
  })
})
