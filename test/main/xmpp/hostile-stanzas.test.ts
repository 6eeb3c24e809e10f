import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { Element } from '../../../src/core/xml/element.ts'
import { type Loss, PrunedElement } from '../../../src/core/xml/pruned-element.ts'
import { unmatchedNs } from '../../../src/main/xmpp/namespace-scope.ts'
import { fixedLimits, type ParserLimits } from '../../../src/main/xmpp/parser-limits.ts'
import { StreamParser } from '../../../src/main/xmpp/stream-parser.ts'
import { heldBytes } from '../../support/held-memory.ts'
import { faultOf, header, oneByteAtATime, record, roomy, stanzasOf } from './stream-recording.ts'

/** What a configuration has that says nothing of them. */
const usual: ParserLimits = { ...roomy, maxTextBytes: 16_384, maxDepth: 32 }

/** The stanza, which stands between two others: of a stream that comes whole, in chunks of 64 KiB, byte by byte. */
function prunedLong(xml: string, limits = usual): Element {
  const bytes = Buffer.from(`${header}<iq id='good'/>${xml}<iq id='good'/></stream:stream>`)
  const whole = record([bytes], limits)
  const inChunks = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, i) =>
    bytes.subarray(i * 65_536, (i + 1) * 65_536),
  )
  expect(record(inChunks, limits)).toStrictEqual(whole)
  expect(record(oneByteAtATime(bytes), limits)).toStrictEqual(whole)
  expect(whole.map((event) => event.kind)).toEqual(['start', 'stanza', 'stanza', 'stanza', 'end'])
  return stanzasOf(whole)[1]!
}

function lossesOf(stanza: Element): readonly Loss[] {
  return stanza instanceof PrunedElement ? stanza.lost : []
}

describe('hostile stanzas as strangers send them', () => {
  const nested = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth)

  it('40 nested elements', () => {
    expect(lossesOf(prunedLong(`<message to='push.example.com'>${nested(40)}</message>`))).toEqual(['depth'])
  })

  it('70 attributes', () => {
    const attributes = Array.from({ length: 70 }, (_, i) => ` a${i}='1'`).join('')
    const stanza = prunedLong(`<message><a${attributes}/></message>`)
    expect(stanza.firstChild()?.attributes).toHaveLength(128)
    expect(lossesOf(stanza)).toEqual(['attributes'])
  })

  it.each([['&apos;'], ['&quot;'], ['&#39;']])('a body of 100 KB of quotes written %s', (written) => {
    const stanza = prunedLong(`<message><body>${written.repeat(100_000)}</body><x/></message>`)
    expect(stanza.firstChild()?.text()).toHaveLength(16_384)
    expect(stanza.elements().map(({ name }) => name)).toEqual(['body', 'x'])
    expect(lossesOf(stanza)).toEqual(['text'])
  })

  it('a paste of 300 KB', () => {
    const text = 'Zażółć gęślą jaźń 🎉\n'.repeat(12_000)
    const stanza = prunedLong(`<message><body>${text}</body></message>`)
    const body = stanza.firstChild()?.text() ?? ''
    expect(text.startsWith(body)).toBe(true)
    expect(Buffer.byteLength(body)).toBeGreaterThan(16_380)
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(16_384)
  })

  it('all limits as they are without configuration', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `<b c='${i}'/>`).join('')
    expect(prunedLong(`<a>${many(1100)}</a>`).elements()).toHaveLength(1000)
    expect(lossesOf(prunedLong(`<a>${many(1000)}</a>`))).toEqual([])
    const groups = prunedLong(`<a>${`<g>${many(900)}</g>`.repeat(12)}</a>`)
    expect(groups.elements().reduce((count, group) => count + 1 + group.elements().length, 1)).toBe(10_000)
    const value = prunedLong(`<a b='${'x'.repeat(9000)}'/>`)
    expect(value.attr('b')).toHaveLength(8192)
    const kept = prunedLong(`<a>${`<b>${'x'.repeat(10_000)}</b>`.repeat(30)}</a>`)
    expect(lossesOf(kept)).toEqual(['kept'])
    expect(kept.elements().reduce((bytes, b) => bytes + 4 + b.text().length, 4)).toBe(262_144)
  })

  it('names that are longer than any', () => {
    const long = 'n'.repeat(20_000)
    const stanza = prunedLong(`<a><${long} b=''>c</${long}><p:${long}/><d ${long}='' e=''/><b/></a>`)
    const [first, second, d, b] = stanza.elements()
    expect([first?.ns, second?.ns]).toEqual([unmatchedNs, unmatchedNs])
    expect(d?.attributes).toEqual(['e', ''])
    expect(b?.name).toBe('b')
    expect(lossesOf(stanza)).toEqual(['kept'])
    for (const bad of [
      `<a><${long}></${long}n>`,
      `<a><${long}x></${long}y>`,
      `<a><${long}:></a>`,
      `<a><${long}:1/>`,
      `<a><${long}:b:c/>`,
      `<1${long}/>`,
      `<a ${long}\u00d7=''/>`,
    ]) {
      const bytes = Buffer.from(header + bad)
      expect(faultOf(record([bytes], usual))?.condition).toBe('not-well-formed')
      expect(record(oneByteAtATime(bytes), usual)).toEqual(record([bytes], usual))
    }
  })

  it('a text that is cut into segments anywhere', () => {
    for (const part of [
      '&amp;',
      '&#x1F389;',
      '🎉',
      '\r\n',
      ']]',
      `&#${'0'.repeat(5000)}65;`,
      '<![CDATA[]]]]>',
      'é',
    ]) {
      for (const before of ['', 'x', 'xx', 'xxx']) {
        const read = (written: string): string | undefined => prunedLong(`<a>${written}</a>`, roomy).text()
        const one = read(part)
        const count = Math.ceil(9000 / part.length)
        expect(read(before + part.repeat(count))).toBe(before + one?.repeat(count))
      }
    }
    expect(prunedLong(`<a b='${'&amp;\r\n🎉'.repeat(900)}'/>`, roomy).attr('b')).toBe('& 🎉'.repeat(900))
  })

  it('a reference that does not end', () => {
    for (const [text, condition] of [
      [`&${'a'.repeat(9000)}`, 'restricted-xml'],
      [`&#${'1'.repeat(9000)}`, 'not-well-formed'],
      ['& x'.repeat(9000), 'not-well-formed'],
    ] as const) {
      for (const document of [`${header}<a>${text}`, `${header}<a b='${text}`]) {
        const told = record([Buffer.from(document)], usual)
        expect(faultOf(told)?.condition).toBe(condition)
        expect(record(oneByteAtATime(Buffer.from(document)), usual)).toEqual(told)
      }
    }
  })
})

describe('whatever comes, and however long', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const megabyte = 1_048_576

  /** Parts that make up an element or a tag without end. */
  const endless: [string, string, (i: number) => string][] = [
    ['text', '<a>', () => 'x'.repeat(1000)],
    ['text of entities', '<a>', () => '&quot;'.repeat(200)],
    ['text between elements', '<a>', () => '<b/>x'.repeat(200)],
    ['CDATA', '<a><![CDATA[', () => ']'.repeat(1000)],
    ['a value', "<a b='", () => 'é'.repeat(500)],
    ['a tag of attributes', '<a ', (i) => Array.from({ length: 50 }, (_, k) => `a${i}-${k}='' `).join('')],
    ['a tag of long attributes', '<a ', (i) => `a-name-of-its-own-${i}='${'x'.repeat(5000)}' `],
    ['a tag of declarations', '<a ', (i) => `xmlns:p${i}='urn:${'x'.repeat(1000)}' `],
    ['a tag of whitespace', '<a ', () => ' '.repeat(1000)],
    ['a name', '<a', () => 'x'.repeat(1000)],
    ['an attribute of a long name', '<a b', () => 'x'.repeat(1000)],
    ['an end tag', '<a></a', () => ' '.repeat(1000)],
    ['nested elements', '<a>', () => '<b>'.repeat(200)],
    ['nested elements of many names', '<a>', (i) => `<an-element-of-its-own-${i} b='${'x'.repeat(5000)}'>`],
    ['elements', '<a>', (i) => `<b c='${i}'/>`.repeat(50)],
    ['small elements far apart', '<a>', (i) => `<an-element-of-its-own-${i}/><c d='${'x'.repeat(9000)}'/>`],
    ['small texts far apart', '<a>', (i) => `<b>a-text-of-its-own-${i}</b><c d='${'x'.repeat(9000)}'/>`],
    ['prefixes', '<a>', (i) => `<p${i}:b p${i}:c=''/>`.repeat(20)],
    ['elements that declare', '<a>', (i) => `<b xmlns:p${i}='u' xmlns='${i}'/>`.repeat(20)],
  ]

  it.each(endless)('memory for a stanza is bounded: %s', (_, begin, more) => {
    const parser = new StreamParser(
      {
        streamStart() {},
        stanza: () => expect.unreachable(),
        streamEnd() {},
        error: (fault) => expect.unreachable(fault.text),
      },
      { ...usual, maxStanzaBytes: 65_536 },
    )
    parser.write(Buffer.from(header + begin))
    let written = 0
    const writeTo = (bytes: number): void => {
      for (let i = 0; written < bytes; i++) {
        const chunk = Buffer.from(Array.from({ length: 10 }, (_, k) => more(written + 10 * i + k)).join(''))
        parser.write(chunk)
        written += chunk.length
      }
    }
    writeTo(megabyte)
    collect()
    const before = process.memoryUsage().heapUsed
    writeTo(16 * megabyte)
    collect()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(3 * megabyte)
    // It still reads.
    parser.write(Buffer.from(' '))
  })

  it('what is kept of a text in many parts takes little more than its length', () => {
    const parts = `<a>${'x<![CDATA[y]]>'.repeat(8000)}</a>`.repeat(15)
    const kept = heldBytes(() => {
      const stanzas: Element[] = []
      const parser = new StreamParser(
        {
          streamStart() {},
          stanza: (stanza) => void stanzas.push(stanza),
          streamEnd() {},
          error: (fault) => expect.unreachable(fault.text),
        },
        usual,
      )
      parser.write(Buffer.from(`${header}<message>${parts}</message>`))
      expect(stanzas[0]?.firstChild()?.text()).toBe('xy'.repeat(8000))
      return stanzas[0]
    }, 5)
    expect(kept).toBeLessThan(megabyte)
  })

  it('time is in proportion to the length, however it is cut', () => {
    const long = 'x'.repeat(300_000)
    const documents = [
      `<a>${long}</a>`,
      `<a b='${long}'/>`,
      `<a>${'&amp;'.repeat(60_000)}</a>`,
      `<a><![CDATA[${']'.repeat(300_000)}]]></a>`,
      `<a>&#${'0'.repeat(300_000)}65;</a>`,
      `<${long}/>`,
      `<a ${long}=''/>`,
      `<a><b></b ${' '.repeat(300_000)}></a>`,
      `<a ${Array.from({ length: 40_000 }, (_, i) => `a${i}=''`).join(' ')}/>`,
      `<a>${'<b>'.repeat(60_000)}${'</b>'.repeat(60_000)}</a>`,
      `<a>${'<b/>x'.repeat(60_000)}</a>`,
      `<a>${Array.from({ length: 30 }, (_, i) => `<b xmlns:p${i}='u' xmlns:q${i}='u'>`).join('')}${"<r:c r:d=''/>".repeat(20_000)}`,
    ]
    // Quadratic time is minutes here: it ends the test by its time limit.
    for (const document of documents) {
      expect(faultOf(record(oneByteAtATime(Buffer.from(header + document)), usual))).toBeUndefined()
    }
  }, 60_000)

  it('the constants are those of the pages', () => {
    expect(fixedLimits).toEqual({ maxValueBytes: 8192, maxChildren: 1000, maxElements: 10_000 })
  })
})
