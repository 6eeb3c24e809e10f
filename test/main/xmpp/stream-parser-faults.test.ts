import { describe, expect, it } from 'vitest'
import type { StreamErrorCondition } from '../../../src/main/xmpp/stream-parser.ts'
import { header, oneByteAtATime, record, splitAt } from './stream-recording.ts'

/** A stream after whose header this comes, or a whole document when it begins with a caret. */
type Fault = string

const faults: Partial<Record<StreamErrorCondition, Record<string, Fault[]>>> = {
  'restricted-xml': {
    'a comment': ['<a><!--', '<!-- -->', '^<!-- -->', '^<?xml version="1.0"?><!--'],
    'a document type declaration': ['^<!DOCTYPE stream', '<!DOCTYPE', '<a><!DOCTYPE a ['],
    'a processing instruction': [
      '<a><?php ?>',
      '<?a?>',
      '^<?a b?>',
      '^<?xml-stylesheet ?>',
      '<?xml version="1.0"?>',
    ],
    'an XML declaration after anything else': [
      '^ <?xml version="1.0"?>',
      '^<?xml version="1.0"?><?xml version="1.0"?>',
    ],
    'an entity that is not predefined': [
      '<a>&lol;<',
      "<a b='&nbsp;'",
      '<a>&LT;<',
      '<a>&constructor;<',
      '<a>&é;<',
    ],
  },
  'not-well-formed': {
    'tags that do not match': [
      '<a></b>',
      '<a><b></a>',
      '<a></A>',
      '<a></ab>',
      '<ab></a>',
      '<p:a xmlns:p="p"></a>',
      '</a>',
      '<a></>',
      '<a></ a>',
      '^</a>',
    ],
    'an attribute given twice': [
      "<a b='' b=''>",
      "<a xmlns='a' xmlns='b'>",
      "<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''>",
      "<a p:b='' xmlns:p='u' q:b='' xmlns:q='u'>",
    ],
    'a prefix that is not declared, in the header': [
      '^<stream:stream>',
      "^<stream:stream p:a='' xmlns:stream='http://etherx.jabber.org/streams'>",
    ],
    'a declaration that none may make': [
      "<a xmlns:xml='u'>",
      "<a xmlns:xmlns='u'>",
      "<a xmlns:p=''>",
      "<a xmlns:p='http://www.w3.org/XML/1998/namespace'>",
      "<a xmlns='http://www.w3.org/XML/1998/namespace'>",
      "<a xmlns:p='http://www.w3.org/2000/xmlns/'>",
      "<a xmlns='http://www.w3.org/2000/xmlns/'>",
    ],
    'an element with the prefix xmlns': ['<xmlns:a>', '<a><xmlns:a>'],
    'a bad name': [
      '<1a>',
      '<-a>',
      '< a>',
      '<>',
      '<a:>',
      '<:a>',
      '<a:b:c>',
      '<a:1>',
      "<a 1=''>",
      "<a :b=''>",
      "<a b:=''>",
      '<a\u00d7>',
      '<\u00b7>',
      '<\u{f0000}>',
      '<a,>',
    ],
    'a bad attribute': [
      '<a b>',
      '<a b/>',
      '<a b=>',
      '<a b=c>',
      "<a ='c'>",
      "<a b 'c'>",
      "<a b='<'>",
      "<a b=''c=''>",
      "<a b='' / >",
      '<a/ >',
      '<a/b>',
      "<a><b/></a b=''>",
      '<a></a/>',
    ],
    'the end of a CDATA section in text': ['<a>]]><', '<a>]]]><', '<a>b]]>&amp;<'],
    'a character that XML forbids': [
      '\0',
      '<a>\0',
      '<a>\x08',
      '<a>\x0b',
      '<a>\x1f',
      '<a>\ufffe',
      '<a>é\uffff',
      "<a b='\x01",
      "<a b='\uffff",
      '<a><![CDATA[\x02',
      '<a\x03',
      '<a \x04',
      '^\x05',
      '^<?xml \x06',
    ],
    'a reference that is none': [
      '<a>&<',
      '<a>& ;<',
      '<a>&;<',
      '<a>&a<',
      '<a>&amp<',
      '<a>&#;<',
      '<a>&#x;<',
      '<a>&#X41;<',
      '<a>&#4a;<',
      '<a>&#-1;<',
      '<a>&1;<',
      "<a b='&'>",
      '<a>&a b;<',
    ],
    'a reference to a character that XML forbids': [
      '<a>&#0;<',
      '<a>&#x1f;<',
      '<a>&#xD800;<',
      '<a>&#xDFFF;<',
      '<a>&#xFFFE;<',
      '<a>&#xffff;<',
      '<a>&#x110000;<',
      '<a>&#99999999999999999999;<',
    ],
    'a bad XML declaration': [
      '^<?xml ?>',
      "^<?xml version='1.1'?>",
      "^<?xml encoding='UTF-8'?>",
      "^<?xml version='1.0' standalone='maybe'?>",
      "^<?xml version='1.0'encoding='UTF-8'?>",
      '^<?xml version=\'1.0"?>',
    ],
    'markup that is none': ['<a><![cdata[', '<!ELEMENT', '<a><!>', '<a><!-a'],
    'what is no stream at all': ['^HTTP/1.1 400', '^&amp;', '^<![CDATA[', '^\ufeff<stream', '^{'],
  },
  'bad-format': {
    'text between stanzas': ['x', '<a/> x', '&#32;', '<![CDATA[', 'é', ']]>'],
    'a root that is no stream': ["^<stream:features xmlns:stream='http://etherx.jabber.org/streams'>"],
  },
  'invalid-namespace': {
    'a root outside the namespace of streams': [
      '^<stream>',
      "^<stream:stream xmlns:stream='http://etherx.jabber.org/stream'>",
      "^<html xmlns='http://www.w3.org/1999/xhtml'>",
    ],
  },
  'unsupported-encoding': {
    'an XML declaration of another encoding': [
      "^<?xml version='1.0' encoding='ISO-8859-1'?>",
      "^<?xml version='1.0' encoding='UTF-16'?>",
    ],
  },
}

/** Bytes that are no UTF-8 (RFC 3629 §3), as Latin-1. */
const badUtf8: Record<string, string[]> = {
  'a byte that never occurs': ['\xc0', '\xc1x', '\xf5\x80\x80\x80', '\xfe', '\xff'],
  'a character that is too long': ['\xc0\x80', '\xe0\x80\x80', '\xf0\x80\x80\x80'],
  'a surrogate': ['\xed\xa0\x80', '\xed\xbf\xbf'],
  'a code point above U+10FFFF': ['\xf4\x90\x80\x80'],
  'a character cut short': ['\xc3x', '\xe2\x82x', '\xe2<', '\xf0\x9f\x8ex', '\xf0\x9f\xc3\xa9'],
  'a continuation without a beginning': ['\x80', '\xc3\xa9\xa9', '\xbf\xbf'],
}

function expectFault(bytes: Uint8Array, condition: StreamErrorCondition, stanzas: number): void {
  const whole = record([bytes])
  expect(whole.at(-1)).toMatchObject({ kind: 'error', fault: { condition } })
  expect(whole.filter((event) => event.kind === 'stanza')).toHaveLength(stanzas)
  expect(record(oneByteAtATime(bytes))).toEqual(whole)
  for (let at = 1; at < bytes.length; at++) expect(record(splitAt(bytes, at))).toEqual(whole)
}

for (const [condition, kinds] of Object.entries(faults)) {
  describe(`${condition} is the error for`, () => {
    for (const [kind, documents] of Object.entries(kinds)) {
      it.each(documents)(`${kind}: %j`, (document) => {
        const isWhole = document.startsWith('^')
        const text = isWhole ? document.slice(1) : `${header}<iq/>${document}`
        const before = isWhole ? 0 : 1 + (/^<(a|p:a xmlns:p='u')\/>/.test(document) ? 1 : 0)
        expectFault(Buffer.from(text), condition as StreamErrorCondition, before)
      })
    }
  })
}

describe('unsupported-encoding is the error for', () => {
  for (const [kind, sequences] of Object.entries(badUtf8)) {
    it.each(sequences)(`${kind}: %j`, (sequence) => {
      for (const before of ['<iq/><a>', '<iq/><a>é', '<iq/>']) {
        const bytes = Buffer.concat([Buffer.from(header + before), Buffer.from(`${sequence}x`, 'latin1')])
        // A fault in what comes before the bad byte comes first: here none does.
        if (before === '<iq/>' && sequence.startsWith('\xc3\xa9')) continue
        expectFault(bytes, 'unsupported-encoding', 1)
      }
    })
  }

  it.each(badUtf8['a character cut short'] ?? [])(
    'a character cut short by the last byte so far: %j',
    (sequence) => {
      expectFault(
        Buffer.from(`${Buffer.from(`${header}<iq/><a>`)}${sequence}`, 'latin1'),
        'unsupported-encoding',
        1,
      )
    },
  )

  it('a bad byte far into a long chunk, after the stanzas before it', () => {
    const stanzas = '<iq>é</iq>'.repeat(3000)
    for (const bad of ['\xff', '\xe2\x82\xff']) {
      const told = record([
        Buffer.concat([Buffer.from(header + stanzas), Buffer.from(`${bad}<a/>`, 'latin1')]),
      ])
      expect(told).toHaveLength(3002)
      expect(told.at(-1)).toMatchObject({ fault: { condition: 'unsupported-encoding' } })
    }
  })
})
