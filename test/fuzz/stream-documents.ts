import fc from 'fast-check'

/** How often each property is tried. */
export const runs = Number(process.env.FUZZ_RUNS ?? 3000)

const name = fc.constantFrom('iq', 'x', 'field', 'value', 'pubsub', 'a-b.c_1', 'é', '日本', '\u{10400}', '_')
const prefix = fc.constantFrom('', '', '', 'p:', 'q:', 'stream:')
const ns = fc.constantFrom('urn:p', 'urn:q', 'jabber:x:data', 'http://jabber.org/protocol/pubsub', 'é')
const space = fc.constantFrom(' ', '\n', '\t', ' \r\n ')
const maybeSpace = fc.constantFrom('', '', ' ', '\r\n')
const text = fc.oneof(
  fc.constantFrom(
    'text',
    ' ',
    '\n',
    '\r\n',
    '\r',
    '\t',
    '&lt;',
    '&amp;',
    '&#x1F389;',
    '&#13;',
    '&#65;',
    'ąę',
    '🎉',
    '>',
    ']]',
    ']',
    "'",
  ),
  fc.constantFrom('\u0085', '\u2028', '\ufeff', '\ufffd', '\ue000', '"', '&quot;', '&apos;', '&gt;'),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((s) => s.replace(/[<&>\p{Cc}\ufffe\uffff]/gu, '')),
)
const endsOfCdata = /\]{2,}>/g
// Not beginning with ']' or '>', so that two of them side by side are well-formed too.
const texts = fc.array(text, { maxLength: 4 }).map((parts) =>
  parts
    .join('')
    .replace(endsOfCdata, '')
    .replace(/^[\]>]+/, ''),
)
const cdata = fc
  .array(fc.constantFrom('<a>', '&', ']', ']]', '>', 'x', '🎉', '\r\n', '\r', '<!--'), { maxLength: 5 })
  .map((parts) => `<![CDATA[${parts.join('').replace(endsOfCdata, '')}]]>`)

const attribute = fc
  .tuple(space, prefix, name, maybeSpace, maybeSpace, fc.constantFrom('"', "'"), texts)
  .map(([s, p, n, before, after, quote, value]) => ({
    key: p + n,
    written: `${s}${p}${n}${before}=${after}${quote}${value.replaceAll(quote, '').replaceAll('<', '')}${quote}`,
  }))
const attributes = fc.uniqueArray(attribute, { maxLength: 4, selector: ({ key }) => key })

// The prefixes keep their different namespaces, so that no two attributes are one.
const declarations = fc
  .tuple(ns, fc.boolean())
  .map(([uri, isDefault]) => (isDefault ? ` xmlns='${uri}'` : ''))

const { element } = fc.letrec<{ element: string; content: string }>((tie) => ({
  element: fc
    .tuple(prefix, name, declarations, attributes, maybeSpace, tie('content'), fc.boolean())
    .map(([p, n, declared, attrs, s, content, isEmpty]) => {
      const tag = `${p}${n}${declared}${attrs.map(({ written }) => written).join('')}${s}`
      return isEmpty || content === '' ? `<${tag}/>` : `<${tag}>${content}</${p}${n}${s}>`
    }),
  content: fc
    .array(fc.oneof({ depthSize: 'small' }, texts, cdata, tie('element')), { maxLength: 4 })
    .map((parts) => parts.join('')),
}))

export const plainHeader =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' xmlns:p='urn:1' xmlns:q='urn:2'>"

/** A stream that is well-formed, with its end. */
export const wellFormedStream: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', "<?xml version='1.0'?>", '<?xml version="1.0" encoding="UTF-8"?>\n', '\n'),
    fc.array(fc.tuple(maybeSpace, element), { maxLength: 5 }),
  )
  .map(([prolog, stanzas]) => {
    return `${prolog}${plainHeader}${stanzas.map((parts) => parts.join('')).join('')}</stream:stream>`
  })

/** Tags that come again and again, and such as begin like them. */
const frequentTag = fc.constantFrom(
  ...['x', 'value', 'p:value', 'x ', "x xmlns='jabber:x:data'", "x xmlns='urn:push'", "x xmlns:p='urn:push'"],
  ...[
    "field var='mode'",
    "field var='node'",
    "field var='mode' ",
    "field  var='mode'",
    'field var="mode"',
    "field var='mode>'",
  ],
  ...[
    "field type='mode'",
    "field p:var='mode'",
    "field var='mode' type='form'",
    "field type='form' var='mode'",
  ],
)
const { repetitive } = fc.letrec<{ repetitive: string }>((tie) => ({
  repetitive: fc
    .tuple(
      frequentTag,
      fc.array(fc.oneof({ depthSize: 'small' }, texts, tie('repetitive')), { maxLength: 4 }),
    )
    .map(([tag, content]) => `<${tag}>${content.join('')}</${tag.replace(/ .*/, '')}>`),
}))

/** A well-formed stream that is made of few tags. */
export const repetitiveStream: fc.Arbitrary<string> = fc
  .array(repetitive, { maxLength: 8 })
  .map((stanzas) => `${plainHeader}${stanzas.join('')}</stream:stream>`)

const snippet = fc.constantFrom(
  ...['<', '>', '/', '=', "'", '"', '&', ';', '!', '?', '[', ']', ':', ' ', '\n', '\r', '\0', '\x0b', 'x'],
  ...[
    '<!--',
    '-->',
    '<!-- c -->',
    '<![CDATA[',
    ']]>',
    '<!DOCTYPE a>',
    '<?pi?>',
    '<?xml version="1.0"?>',
    '<?',
  ],
  ...[
    '&lol;',
    '&amp;',
    '&#0;',
    '&#x41;',
    '&#xD800;',
    '<a>',
    '</a>',
    '<a/>',
    " p:x=''",
    " xmlns=''",
    " xmlns:p='u'",
  ],
  ...[
    " xmlns:xml='u'",
    " xmlns:xmlns='u'",
    " xmlns:p=''",
    '<r:a/>',
    '<a:b:c/>',
    '</stream:stream>',
    '\ufffe',
    'é',
    '\ufeff',
  ],
  ...[
    " a='1' a='2'",
    " p:a='' q:a='' xmlns:p='u' xmlns:q='u'",
    " xmlns='http://www.w3.org/2000/xmlns/'",
    ' version="1.1"',
  ],
)
const bytes = fc.oneof(
  snippet.map((s) => Buffer.from(s)),
  fc.uint8Array({ minLength: 1, maxLength: 3 }).map((b) => Buffer.from(b)),
)
const place = fc.noBias(fc.nat(9999)).map((n) => n / 10_000)
const mutation = fc.tuple(place, fc.nat({ max: 6 }), fc.oneof(bytes, fc.constant(Buffer.alloc(0))))

/** A well-formed stream in which some bytes were replaced by others: mostly not well-formed any more. */
export const mutatedStream: fc.Arbitrary<Buffer> = fc
  .tuple(wellFormedStream, fc.array(mutation, { minLength: 1, maxLength: 3 }))
  .map(([document, mutations]) => {
    let mutated = Buffer.from(document)
    for (const [at, dropped, inserted] of mutations) {
      const from = Math.floor(at * mutated.length)
      mutated = Buffer.concat([mutated.subarray(0, from), inserted, mutated.subarray(from + dropped)])
    }
    return mutated
  })

/** The bytes in chunks, cut at these places (fractions of the whole). */
export function cutAt(whole: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places].map((at) => Math.floor(at * whole.length)).sort((a, b) => a - b)
  return [...ends, whole.length].map((end, i) => whole.subarray(i === 0 ? 0 : ends[i - 1], end))
}

export const places = fc.array(place, { maxLength: 6 })

/** Parts of which hostile stanzas are made: long, deep or many, and well-formed. */
const longText = fc
  .tuple(
    fc.constantFrom(
      ...[
        'x',
        'é',
        '日',
        '🎉',
        '&apos;',
        '&amp;',
        '&#x1F389;',
        '&#000065;',
        '\r\n',
        '\r',
        ']',
        ']]',
        'ab&lt;',
      ],
      ...['<![CDATA[]]]]>', '<![CDATA[<🎉\r]]>', '<x/>', "<x a='&quot;'/>"],
    ),
    fc.nat({ max: 30 }),
  )
  .map(([part, count]) => part.repeat(count))
const longValue = fc
  .tuple(fc.constantFrom('x', 'é', '🎉', '&quot;', '&#39;', '\r\n', '>'), fc.nat({ max: 60 }))
  .map(([part, count]) => part.repeat(count))
const manyAttributes = fc
  .uniqueArray(
    fc.tuple(
      fc.oneof(
        fc.constantFrom('from', 'to', 'id', 'type', 'xmlns', 'xmlns:n', 'p:a', 'q:a', 'stream:a', 'xml:lang'),
        fc.nat({ max: 30 }).map((number) => `a${number}`),
      ),
      longValue,
    ),
    { maxLength: 8, selector: ([key]) => key },
  )
  .map((all) =>
    all
      .map(([key, value]) => {
        // A namespace that is declared has a name, without whitespace.
        const written = key.startsWith('xmlns') ? `urn:${value.replace(/&[^;]+;|\s/g, '')}` : value
        return ` ${key}="${written}"`
      })
      .join(''),
  )
const { hostile } = fc.letrec<{ hostile: string }>((tie) => ({
  hostile: fc
    .tuple(
      fc.constantFrom('x', 'field', 'message', 'p:x', 'é', 'body'),
      manyAttributes,
      fc.array(fc.oneof({ depthSize: 'small' }, longText, tie('hostile')), { maxLength: 5 }),
      fc.oneof(fc.constant(0), fc.nat({ max: 12 })),
    )
    .map(([tag, attributes, content, nested]) => {
      return `<${tag}${attributes}>${'<a>'.repeat(nested)}${content.join('')}${'</a>'.repeat(nested)}</${tag}>`
    }),
}))
/** A stanza with something that no limit can pass, often enough, when the limits are small. */
export const hostileStanza: fc.Arbitrary<string> = hostile

/** A stream of hostile stanzas, with its end. */
export const hostileStream: fc.Arbitrary<string> = fc
  .array(fc.oneof(hostile, element), { minLength: 1, maxLength: 4 })
  .map((stanzas) => `${plainHeader}${stanzas.join('')}</stream:stream>`)
