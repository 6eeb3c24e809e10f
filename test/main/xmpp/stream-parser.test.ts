import { describe, expect, it } from 'vitest'
import { Element } from '../../../src/core/xml/element.ts'
import { header, oneByteAtATime, record, recordEveryWay, stanzasOf } from './stream-recording.ts'

/** The one stanza of a stream that holds nothing else. */
function readStanza(xml: string): Element {
  const told = recordEveryWay(`${header}${xml}</stream:stream>`)
  expect(told.map((event) => event.kind)).toEqual(['start', 'stanza', 'end'])
  return stanzasOf(told)[0]!
}

describe('a stream', () => {
  it('is its header, its stanzas, and its end', () => {
    const told = recordEveryWay(
      `<?xml version='1.0' encoding="utf-8" standalone='no' ?>\n${header}<iq id='a'/> \n\t<message/></stream:stream>`,
    )
    expect(told).toEqual([
      {
        kind: 'start',
        element: new Element('stream', 'http://etherx.jabber.org/streams', [
          'xmlns',
          'jabber:component:accept',
          'xmlns:stream',
          'http://etherx.jabber.org/streams',
          'id',
          '1',
        ]),
      },
      { kind: 'stanza', element: new Element('iq', 'jabber:component:accept', ['id', 'a']) },
      { kind: 'stanza', element: new Element('message', 'jabber:component:accept') },
      { kind: 'end' },
    ])
  })

  it.each([
    ["<?xml version='1.0'?>"],
    ['<?xml version="1.0" encoding="UTF-8"?>'],
    ["<?xml\tversion = '1.0'\n?>"],
    [' \n'],
    [''],
  ])('may begin with %j', (prolog) => {
    expect(recordEveryWay(`${prolog}${header}`).map((event) => event.kind)).toEqual(['start'])
  })

  it('may have its header in the default namespace', () => {
    const [start] = recordEveryWay("<stream xmlns='http://etherx.jabber.org/streams'>")
    expect(start).toMatchObject({ kind: 'start', element: { name: 'stream' } })
  })

  it('may be over at once', () => {
    const told = recordEveryWay(header.replace('>', '/>'))
    expect(told.map((event) => event.kind)).toEqual(['start', 'end'])
  })

  it.each([['<iq/>'], ['garbage'], ['</stream:stream>'], ['<!-- -->'], ['\xff'], ['\0']])(
    'is deaf to %j after its end',
    (rest) => {
      const told = recordEveryWay(Buffer.from(`${header}</stream:stream>${rest}`, 'latin1'))
      expect(told.map((event) => event.kind)).toEqual(['start', 'end'])
    },
  )

  it('is deaf after an error', () => {
    const told = recordEveryWay(`${header}<iq/><a></b><iq/></stream:stream>\0<?`)
    expect(told.map((event) => event.kind)).toEqual(['start', 'stanza', 'error'])
  })

  it('delivers every stanza of 2 000 in one write, in order', () => {
    const bodies = Array.from({ length: 2000 }, (_, i) => `<iq id='${i}'><body>${i} 🎉</body></iq>`)
    const stanzas = stanzasOf(record([Buffer.from(header + bodies.join(''))]))
    expect(stanzas.map((stanza) => stanza.attr('id'))).toEqual(bodies.map((_, i) => `${i}`))
    expect(stanzas.every((stanza, i) => stanza.firstChild()?.text() === `${i} 🎉`)).toBe(true)
  })

  it('delivers the stanzas before a fault in the same write', () => {
    const told = record([Buffer.concat([Buffer.from(`${header}<iq/><iq/><iq>`), Buffer.from([0xff])])])
    expect(told.map((event) => event.kind)).toEqual(['start', 'stanza', 'stanza', 'error'])
  })

  it('may come in a plain Uint8Array, which may be used again', () => {
    const buffer = new Uint8Array(64)
    const chunks = function* (): Generator<Uint8Array> {
      for (const byte of Buffer.from(`${header}<a>Grüße</a>`)) yield buffer.fill(byte).subarray(3, 4)
    }
    expect(stanzasOf(record(chunks()))[0]?.text()).toBe('Grüße')
  })

  it('takes time in proportion to its length, however it is cut', () => {
    const long = 'x'.repeat(250_000)
    const documents = [
      `<a>${long}</a>`,
      `<a b='${long}'/>`,
      `<a b='${'>'.repeat(250_000)}'/>`,
      `<a>${'&amp;'.repeat(50_000)}</a>`,
      `<a><![CDATA[${']'.repeat(250_000)}]]></a>`,
      `<${long}/>`,
      `<a ${' '.repeat(250_000)}/>`,
    ]
    // Quadratic time is minutes here: it ends the test by its time limit.
    for (const document of documents) {
      expect(stanzasOf(record(oneByteAtATime(Buffer.from(header + document))))).toHaveLength(1)
    }
  })
})

describe('an element', () => {
  it('has its children and runs of text in order', () => {
    expect(readStanza('<a>one<b>two</b>three<c/><d/>four</a>').children).toEqual([
      'one',
      new Element('b', 'jabber:component:accept', [], ['two']),
      'three',
      new Element('c', 'jabber:component:accept'),
      new Element('d', 'jabber:component:accept'),
      'four',
    ])
  })

  it.each([
    ['<a>&lt;&gt;&amp;&quot;&apos;</a>', `<>&"'`],
    ['<a>&amp;lt;</a>', '&lt;'],
    ['<a>&#65;&#x42;&#x1F389;&#128077;&#x10FFFF;</a>', 'AB🎉👍\u{10ffff}'],
    ['<a>&#9;&#10;&#13;&#xD;&#000032;</a>', '\t\n\r\r '],
    ['<a>1\r\n2\r3\n4\r\r\n5</a>', '1\n2\n3\n4\n\n5'],
    ['<a>one\r<![CDATA[\ntwo]]></a>', 'one\n\ntwo'],
    ['<a><![CDATA[<b>&amp;\r\n]] ]> ]]]]></a>', '<b>&amp;\n]] ]> ]]'],
    ['<a>1<![CDATA[2]]>3<![CDATA[]]><![CDATA[4]]></a>', '1234'],
    ['<a><![CDATA[]]></a>', ''],
    [`<a>] ]] > ' "</a>`, `] ]] > ' "`],
    ['<a>]]<![CDATA[>]]></a>', ']]>'],
    ['<a>&#93;]></a>', ']]>'],
    ['<a>\u0085\u2028\ufeff\ufffd\ud7ff\ue000</a>', '\u0085\u2028\ufeff\ufffd\ud7ff\ue000'],
    ['<a \t\r\n></a \t\r\n>', ''],
  ])('reads the text of %j as %j', (xml, text) => {
    expect(readStanza(xml)).toEqual(
      new Element('a', 'jabber:component:accept', [], text === '' ? [] : [text]),
    )
  })

  it.each([
    [`<a b='&lt;&#x3c;"&quot;&apos;'/>`, `<<""'`],
    [`<a b="'>/>"/>`, `'>/>`],
    ["<a b='1\t2\n3\r\n4\r5  6'/>", '1 2 3 4 5  6'],
    ["<a b='&#9;&#10;&#13;'/>", '\t\n\r'],
    ["<a  b\t=\n'c' ></a>", 'c'],
    ["<a b=''/>", ''],
  ])('reads the attribute of %j as %j', (xml, value) => {
    expect(readStanza(xml).attributes).toEqual(['b', value])
  })

  it('has an emoji wherever one may be', () => {
    const [party, thumb] = ['🎉', '👍🏽']
    const name = '\u{10400}x\u{10428}'
    const stanza = readStanza(
      `<${name} ${name}='${party}' b='x${thumb}'>${thumb}<b>a${party}b</b><![CDATA[${party}]]>&#x1F389;</${name}>`,
    )
    expect(stanza.name).toBe(name)
    expect(stanza.attributes).toEqual([name, party, 'b', `x${thumb}`])
    expect(stanza.children).toEqual([
      thumb,
      new Element('b', 'jabber:component:accept', [], [`a${party}b`]),
      party + party,
    ])
  })

  it('is in the namespace of its prefix, or of the nearest default declaration', () => {
    const stanza = readStanza(
      "<p:a xmlns:p='urn:p'><b/><b xmlns='urn:d'><c/><p:c xmlns:p='urn:q'><p:d/></p:c><p:e/><c xmlns=''><d/></c></b><f/></p:a>",
    )
    const seen: string[] = []
    const walk = (element: Element): void => {
      seen.push(`${element.name} ${element.ns}`)
      for (const child of element.elements()) walk(child)
    }
    walk(stanza)
    expect(seen).toEqual([
      'a urn:p',
      'b jabber:component:accept',
      'b urn:d',
      'c urn:d',
      'c urn:q',
      'd urn:q',
      'e urn:p',
      'c ',
      'd ',
      'f jabber:component:accept',
    ])
  })

  it('keeps the prefixes of its attributes, and its declarations among them', () => {
    const stanza = readStanza("<a xml:lang='pl' xmlns:p='urn:p' p:b='1' b='2'/>")
    expect(stanza.attributes).toEqual(['xml:lang', 'pl', 'xmlns:p', 'urn:p', 'p:b', '1', 'b', '2'])
  })

  it.each([['a-b.c_1'], ['_a'], ['é'], ['a\u00b7'], ['日本'], ['\u{effff}']])('may be named %s', (name) => {
    expect(readStanza(`<${name}></${name}>`).name).toBe(name)
  })
})
