import { describe, expect, it } from 'vitest'
import { Element } from '../../../src/core/xml/element.ts'
import { isIncomplete, type Loss, PrunedElement } from '../../../src/core/xml/pruned-element.ts'
import { unmatchedNs } from '../../../src/main/xmpp/namespace-scope.ts'
import type { ParserLimits } from '../../../src/main/xmpp/parser-limits.ts'
import { faultOf, header, record, recordEveryWay, stanzasOf } from './stream-recording.ts'

const ns = 'jabber:component:accept'
const small: ParserLimits = {
  maxStreamStanzaBytes: 100_000,
  maxStanzaBytes: 400,
  maxTextBytes: 20,
  maxDepth: 3,
  maxAttributes: 4,
  maxValueBytes: 40,
  maxChildren: 3,
  maxElements: 6,
}

/** The stanza, which stands between two good ones, however the stream is cut. */
function pruned(xml: string, limits: ParserLimits): Element {
  const good = "<iq id='good'><a>text</a></iq>"
  const told = recordEveryWay(`${header}${good}${xml}${good}</stream:stream>`, limits)
  expect(told.map((event) => event.kind)).toEqual(['start', 'stanza', 'stanza', 'stanza', 'end'])
  const [before, stanza, after] = stanzasOf(told)
  expect(before).toStrictEqual(new Element('iq', ns, ['id', 'good'], [new Element('a', ns, [], ['text'])]))
  expect(after).toStrictEqual(before)
  return stanza!
}

function lossesOf(stanza: Element): readonly Loss[] {
  return stanza instanceof PrunedElement ? stanza.lost : []
}

describe('of a stanza past a limit the rest is skipped, and the stream goes on:', () => {
  it('of the text of one element its beginning is kept', () => {
    const stanza = pruned(`<a>${'x'.repeat(30)}<b/></a>`, small)
    expect(stanza.children).toEqual(['x'.repeat(20), new Element('b', ns)])
    expect(lossesOf(stanza)).toEqual(['text'])
    expect(pruned(`<a>${'x'.repeat(20)}</a>`, small)).toStrictEqual(
      new Element('a', ns, [], ['x'.repeat(20)]),
    )
  })

  it.each([
    ['characters of two bytes', 'é'.repeat(15), 'é'.repeat(10)],
    ['characters of four bytes', `xxx${'🎉'.repeat(9)}`, `xxx${'🎉'.repeat(4)}`],
    ['entities', '&apos;'.repeat(30), "'".repeat(20)],
    ['character references', '&#x1F389;'.repeat(10), '🎉'.repeat(5)],
    ['CDATA', `<![CDATA[${'<'.repeat(30)}]]>`, '<'.repeat(20)],
    ['CDATA and text', `${'x'.repeat(19)}<![CDATA[]]>é<![CDATA[y]]>y`, 'x'.repeat(19)],
    ['line ends', '\r\n'.repeat(30), '\n'.repeat(20)],
  ])('no character and no entity is cut: %s', (_, written, kept) => {
    expect(pruned(`<a>${written}</a>`, small).children).toEqual([kept])
  })

  it('text in several runs between children counts for one element, a child for itself', () => {
    const stanza = pruned(`<a>${'x'.repeat(15)}<b>${'y'.repeat(20)}</b>${'z'.repeat(15)}</a>`, small)
    expect(stanza.children).toEqual([
      'x'.repeat(15),
      new Element('b', ns, [], ['y'.repeat(20)]),
      'z'.repeat(5),
    ])
  })

  it('a subtree beyond the depth is skipped, and the text around it is one run', () => {
    const stanza = pruned("<a><b>1<c>2<d e='f'>3<e/></d>4</c>5</b></a>", small)
    const c = new Element('c', ns, [], ['24'])
    expect(stanza.children).toEqual([new Element('b', ns, [], ['1', c, '5'])])
    expect(lossesOf(stanza)).toEqual(['depth'])
    expect(lossesOf(pruned('<a><b><c/></b></a>', small))).toEqual([])
  })

  it('further attributes of an element are skipped', () => {
    const stanza = pruned("<a><b c='1' d='2' e='3' f='4' g='5'/></a>", small)
    expect(stanza.firstChild()?.attributes).toEqual(['c', '1', 'd', '2', 'e', '3', 'f', '4'])
    expect(lossesOf(stanza)).toEqual(['attributes'])
    expect(lossesOf(pruned("<a><b c='1' d='2' e='3' f='4'/></a>", small))).toEqual([])
  })

  it("the stanza's own addressing is kept wherever it stands", () => {
    const attributes = ' a1="" a2="" a3="" a4="" a5="" from="f" id="i" a6="" to="t" type="get"'
    const stanza = pruned(`<iq${attributes}/>`, small)
    expect(['from', 'id', 'to', 'type'].map((name) => stanza.attr(name))).toEqual(['f', 'i', 't', 'get'])
    expect(stanza.attr('a5')).toBeUndefined()
    const spent = pruned(`<iq a='${'1'.repeat(40)}' ${attributes}/>`, {
      ...small,
      maxStanzaBytes: 300,
      maxAttributes: 20,
    })
    expect(spent.attr('to')).toBe('t')
    expect(pruned(`<a><iq${attributes}/></a>`, small).firstChild()?.attr('from')).toBeUndefined()
  })

  it('of the value of an attribute its beginning is kept, in whole characters', () => {
    const stanza = pruned(
      `<a b='x${'é'.repeat(30)}' c='${'&amp;'.repeat(41)}' d='${'&amp;'.repeat(40)}'/>`,
      small,
    )
    expect(stanza.attributes).toEqual(['b', `x${'é'.repeat(19)}`, 'c', '&'.repeat(40), 'd', '&'.repeat(40)])
    expect(lossesOf(stanza)).toEqual(['attribute_value'])
  })

  it('further children of an element are skipped', () => {
    const stanza = pruned('<a>1<b/>2<c/>3<d/>4<e><f/></e>5</a>', small)
    const [b, c, d] = ['b', 'c', 'd'].map((name) => new Element(name, ns))
    expect(stanza.children).toEqual(['1', b, '2', c, '3', d, '45'])
    expect(lossesOf(stanza)).toEqual(['children'])
    expect(lossesOf(pruned('<a><b/><c/><d/></a>', small))).toEqual([])
  })

  it('further elements of the stanza are skipped', () => {
    const stanza = pruned('<a><b><c/><c/></b><b><c/><c/></b>text</a>', small)
    const b = new Element('b', ns, [], [new Element('c', ns), new Element('c', ns)])
    expect(stanza.children).toEqual([b, new Element('b', ns, [], [new Element('c', ns)]), 'text'])
    expect(lossesOf(stanza)).toEqual(['elements'])
  })

  it('what is kept of a stanza has so many bytes at most; all that follows is skipped', () => {
    const limits = { ...small, maxStanzaBytes: 250, maxTextBytes: 1000 }
    const stanza = pruned(`<a><b c='d'>${'é'.repeat(100)}</b>${'x'.repeat(100)}<c/>y</a>`, limits)
    // 4 for <a/>, 4 for <b/>, 6 for its attribute, 200.
    expect(stanza.children).toEqual([new Element('b', ns, ['c', 'd'], ['é'.repeat(100)]), 'x'.repeat(36)])
    expect(lossesOf(stanza)).toEqual(['kept'])
  })

  it('a stanza with as many bytes as may be kept is kept whole', () => {
    const limits = { ...small, maxStanzaBytes: 300, maxTextBytes: 1000 }
    const xml = `<a>${'x'.repeat(293)}</a>`
    expect(xml).toHaveLength(300)
    expect(lossesOf(pruned(xml, limits))).toEqual([])
  })

  it('an undeclared prefix stands for a namespace that nothing matches, on an element and on an attribute', () => {
    const stanza = pruned(
      "<message><q:bar q:a='1'/><b q:a='1' r:a='2'/><q:bar xmlns:q='urn:q'/></message>",
      small,
    )
    expect(stanza.children).toEqual([
      new Element('bar', unmatchedNs, ['q:a', '1']),
      new Element('b', ns, ['q:a', '1', 'r:a', '2']),
      new Element('bar', 'urn:q', ['xmlns:q', 'urn:q']),
    ])
    expect(lossesOf(stanza)).toEqual(['prefix'])
    expect(isIncomplete(stanza)).toBe(false)
    // No stanza can name it: XML forbids a character of it.
    expect(faultOf(record([Buffer.from(`${header}<a xmlns='${unmatchedNs}'/>`)]))?.condition).toBe(
      'not-well-formed',
    )
  })

  it('two prefixes that the header or nobody declares are not compared', () => {
    const streams = 'http://etherx.jabber.org/streams'
    for (const attributes of ["q:a='' r:a=''", `xmlns:s='${streams}' s:a='' stream:a=''`]) {
      expect(pruned(`<message ${attributes}/>`, small).attributes).toHaveLength(
        attributes.split(' ').length * 2,
      )
    }
  })

  it('an element that has lost a namespace declaration is empty, in a namespace that nothing matches', () => {
    const lost = "<x a='' b='' c='' d='' xmlns='urn:x'>text<y/></x>"
    const stanza = pruned(`<a>${lost}<z/></a>`, small)
    expect(stanza.children).toEqual([
      new Element('x', unmatchedNs, ['a', '', 'b', '', 'c', '', 'd', '']),
      new Element('z', ns),
    ])
    const long = `urn:${'x'.repeat(50)}`
    const [p, q] = pruned(
      `<a xmlns:p='${long}1' xmlns:q='${long}2'><p:x p:b='' q:b=''/><q:x/></a>`,
      small,
    ).elements()
    expect([p?.ns, q?.ns]).toEqual([unmatchedNs, unmatchedNs])
  })

  it('all that a stanza has lost is said of it', () => {
    const stanza = pruned(
      `<a><b c='${'1'.repeat(41)}' d='' e='' f='' g=''/>${'x'.repeat(21)}<b><c><d/></c></b><q:b/><b/><b/></a>`,
      small,
    )
    expect(lossesOf(stanza)).toEqual(['text', 'depth', 'attributes', 'attribute_value', 'children', 'prefix'])
  })

  it('a start tag that was pruned is not remembered as it was kept', () => {
    const tag = "x from='' to='' id='' type='' node=''"
    const words = tag.replaceAll("''", "'get'")
    const stanza = pruned(`<a><${words}></x><${words}></x></a>`, small)
    expect(stanza.elements().map((x) => x.attributes.length)).toEqual([8, 8])
    // The stanza itself keeps more of the same tag than an element inside.
    const longer = "from='get' to='get' node='get' var='get' id='get'"
    const [first, second] = stanzasOf(
      record([Buffer.from(`${header}<x ${longer}></x><a><x ${longer}></x></a>`)], small),
    )
    expect(first?.attributes).toHaveLength(10)
    expect(second?.firstChild()?.attributes).toHaveLength(8)
  })
})

describe('what is skipped is as well-formed as anything else:', () => {
  const deep = '<a><b><c>'
  it.each([
    ['an end tag that does not match', `${deep}<d></e>`, 'not-well-formed'],
    ['an end tag that does not match, deeper', `${deep}<d><e><f></d>`, 'not-well-formed'],
    ['an attribute given twice', `${deep}<d e='' e=''>`, 'not-well-formed'],
    [
      'an attribute given twice, past the limit',
      "<a><b c='' d='' e='' f='' g='' h='' g=''>",
      'not-well-formed',
    ],
    [
      'an attribute given twice, kept and past the limit',
      "<a><b c='' d='' e='' f='' g='' d=''>",
      'not-well-formed',
    ],
    ['a declaration that none may make', `${deep}<d xmlns:xml='u'>`, 'not-well-formed'],
    ['the same past the limit', "<a b='' c='' d='' e='' xmlns:p=''>", 'not-well-formed'],
    ['the prefix xmlns', `${deep}<xmlns:d>`, 'not-well-formed'],
    ['a bad name', `${deep}<1>`, 'not-well-formed'],
    ['a bad end tag', `${deep}<d></ d>`, 'not-well-formed'],
    ['a reference that is none', `${deep}<d>&a<`, 'not-well-formed'],
    ['a reference that is none, in text past the limit', `<a>${'x'.repeat(30)}&#0;<`, 'not-well-formed'],
    ['an entity in text past the limit', `<a>${'x'.repeat(30)}&lol;<`, 'restricted-xml'],
    ['an entity in a value past the limit', `<a b='${'x'.repeat(50)}&lol;'`, 'restricted-xml'],
    ['"<" in a value past the limit', `<a b='${'x'.repeat(50)}<'`, 'not-well-formed'],
    ['the end of CDATA in skipped text', `${deep}<d>]]><`, 'not-well-formed'],
    ['a forbidden character', `${deep}<d>\u0001`, 'not-well-formed'],
    ['a comment', `${deep}<d><!--`, 'restricted-xml'],
    ['a processing instruction', `${deep}<d><?a`, 'restricted-xml'],
  ])('%s ends the stream', (_, xml, condition) => {
    const told = recordEveryWay(`${header}<iq/>${xml}`, small)
    expect(told.map((event) => event.kind)).toEqual(['start', 'stanza', 'error'])
    expect(faultOf(told)).toMatchObject({ condition })
  })
})

describe('a stream ends for', () => {
  it('a stanza of more than max_stream_stanza_bytes, to the byte', () => {
    const limits = { ...small, maxStreamStanzaBytes: 300 }
    for (const [character, bytes] of [
      ['x', 1],
      ['é', 2],
      ['🎉', 4],
    ] as const) {
      const room = 300 - '<a></a>'.length
      const text = character.repeat(Math.floor(room / bytes)) + '.'.repeat(room % bytes)
      expect(faultOf(recordEveryWay(`${header}  <a>${text}</a><b/>`, limits))).toBeUndefined()
      const told = recordEveryWay(`${header}<b/><a>${text}.</a><b/>`, limits)
      expect(stanzasOf(told)).toHaveLength(1)
      expect(faultOf(told)).toMatchObject({ condition: 'policy-violation', limit: 'stream_stanza' })
    }
  })

  it.each([
    ['text', '<a>', 'x'],
    ['a value', "<a b='", 'x'],
    ['a name', '<a', 'x'],
    ['CDATA', '<a><![CDATA[', 'x'],
    ['an end tag', '<a></a', ' '],
    ['what is skipped', '<a><b><c><d>', '<e/>'],
    ['the header', '<stream:stream ', ' '],
  ])('what never ends: %s', (_, begin, more) => {
    const before = begin.startsWith('<stream') ? '' : header
    const told = recordEveryWay(before + begin + more.repeat(301), { ...small, maxStreamStanzaBytes: 300 })
    expect(faultOf(told)).toMatchObject({ condition: 'policy-violation', limit: 'stream_stanza' })
  })

  it('an XML declaration that is longer than any', () => {
    const told = recordEveryWay(`<?xml version='1.0'${' '.repeat(1100)}?>`, small)
    expect(faultOf(told)).toMatchObject({ condition: 'policy-violation' })
  })
})
