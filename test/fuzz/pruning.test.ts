import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Element } from '../../src/core/xml/element.ts'
import { isIncomplete, PrunedElement } from '../../src/core/xml/pruned-element.ts'
import type { ParserLimits } from '../../src/main/xmpp/parser-limits.ts'
import { publish, startAppServer, virtualHost } from '../main/roles/app-server/app-server-at-work.ts'
import { faultOf, oneByteAtATime, record, stanzasOf } from '../main/xmpp/stream-recording.ts'
import { prune } from './pruned-reading.ts'
import { readWithSaxes } from './saxes-reading.ts'
import {
  cutAt,
  hostileStanza,
  hostileStream,
  mutatedStream,
  places,
  runs,
  plainHeader as streamHeader,
} from './stream-documents.ts'

/** Small, but large enough for the header. */
const someLimits: fc.Arbitrary<ParserLimits> = fc.record({
  maxStreamStanzaBytes: fc.constant(10_000_000),
  maxStanzaBytes: fc.integer({ min: 300, max: 2000 }),
  maxTextBytes: fc.integer({ min: 0, max: 100 }),
  maxDepth: fc.integer({ min: 1, max: 12 }),
  maxAttributes: fc.integer({ min: 4, max: 8 }),
  maxValueBytes: fc.integer({ min: 50, max: 80 }),
  maxChildren: fc.integer({ min: 0, max: 20 }),
  maxElements: fc.integer({ min: 1, max: 40 }),
})

/** Its documents are long, and read three times. */
const longRuns = Math.ceil(runs / 4)

it('what is pruned is what the limits leave of what saxes reads, however the stream is cut', () => {
  const seen = new Map<string, number>()
  fc.assert(
    fc.property(hostileStream, someLimits, places, (document, limits, cuts) => {
      const saxes = readWithSaxes(document)
      expect(saxes.error).toBeUndefined()
      const bytes = Buffer.from(document)
      const told = record([bytes], limits)
      expect(faultOf(told)).toBeUndefined()
      const expected = saxes.stanzas.map((stanza) => prune(stanza, limits))
      expect(stanzasOf(told)).toStrictEqual(expected)
      expect(record(cutAt(bytes, cuts), limits)).toStrictEqual(told)
      expect(record(oneByteAtATime(bytes), limits)).toStrictEqual(told)
      for (const stanza of expected) {
        if (!(stanza instanceof PrunedElement)) continue
        expect(isIncomplete(stanza)).toBe(true)
        for (const loss of stanza.lost) seen.set(loss, (seen.get(loss) ?? 0) + 1)
      }
    }),
    { numRuns: longRuns },
  )
  // The documents are such that each limit is passed.
  for (const loss of ['text', 'depth', 'attributes', 'attribute_value', 'children', 'elements', 'kept']) {
    expect(seen.get(loss), loss).toBeGreaterThan(longRuns / 100)
  }
})

/** Any that leave a publish whole. */
const limitsForPublishes: fc.Arbitrary<ParserLimits> = fc.record({
  maxStreamStanzaBytes: fc.constant(10_000_000),
  maxStanzaBytes: fc.integer({ min: 3000, max: 20_000 }),
  maxTextBytes: fc.integer({ min: 100, max: 1000 }),
  maxDepth: fc.integer({ min: 9, max: 14 }),
  maxAttributes: fc.integer({ min: 5, max: 20 }),
  maxValueBytes: fc.integer({ min: 100, max: 200 }),
  maxChildren: fc.integer({ min: 12, max: 20 }),
  maxElements: fc.integer({ min: 50, max: 60 }),
})

/** Well-formed by the user's own stream, whose prefixes ours does not know. */
const anyHostile = fc.oneof(
  hostileStanza,
  hostileStanza.map((xml) => xml.replaceAll('p:', 'undeclared:')),
  fc
    .tuple(hostileStanza, fc.constantFrom('get', 'set', 'result'), fc.nat({ max: 40 }))
    .map(([xml, type, count]) => `<iq type='${type}' id='h' from='eve@far.test/x'>${xml.repeat(count)}</iq>`),
  hostileStanza.map(
    (xml) => `<message from='eve@far.test/x'>${'<a>'.repeat(50)}${xml}${'</a>'.repeat(50)}</message>`,
  ),
  fc.nat({ max: 30_000 }).map((count) => `<message><body>${'&apos;'.repeat(count)}</body></message>`),
)

it('whatever comes between them, each publish gets its answer, on the same stream', async () => {
  await using app = await startAppServer()
  fc.assert(
    fc.property(
      fc.array(anyHostile, { minLength: 1, maxLength: 5 }),
      limitsForPublishes,
      places,
      (stanzas, limits, cuts) => {
        const publishOf = (id: number) => publish({ id: `good-${id}` })
        const all = stanzas.map((xml, i) => publishOf(i) + xml).join('') + publishOf(stanzas.length)
        const told = record(cutAt(Buffer.from(`${streamHeader}${all}`), cuts), limits)
        expect(faultOf(told)).toBeUndefined()
        const pushed = stanzasOf(told).flatMap((stanza) => {
          const verdict = app.server.handle(virtualHost, stanza)
          return verdict.kind === 'push' ? [verdict.request.id] : []
        })
        expect(pushed).toEqual(Array.from({ length: stanzas.length + 1 }, (_, i) => `good-${i}`))
      },
    ),
    { numRuns: runs },
  )
})

/** How many bytes of text, names and values are in it. */
function weightOf(element: Element): number {
  let bytes = Buffer.byteLength(element.name + element.attributes.join(''))
  for (const child of element.children) {
    bytes += typeof child === 'string' ? Buffer.byteLength(child) : weightOf(child)
  }
  return bytes
}

it('what is kept of a stanza is within the limits, its addressing aside', () => {
  fc.assert(
    fc.property(fc.array(anyHostile, { minLength: 1, maxLength: 3 }), someLimits, (stanzas, limits) => {
      const told = record([Buffer.from(streamHeader + stanzas.join(''))], limits)
      expect(faultOf(told)).toBeUndefined()
      for (const stanza of stanzasOf(told)) {
        expect(weightOf(stanza)).toBeLessThanOrEqual(limits.maxStanzaBytes + 4 * limits.maxValueBytes)
      }
    }),
    { numRuns: runs },
  )
})

/** The faults of `Namespaces in XML` that saxes reports. In what it skips, the parser looks for those of XML 1.0 alone. */
const aboutPrefixes = new RegExp(
  `^(${[
    'unbound namespace prefix',
    'duplicate attribute',
    'invalid attempt to undefine prefix',
    'xml prefix must be bound',
    'xmlns prefix must be bound',
    'the default namespace may not be set',
    'may not assign',
    'malformed name',
    'tags may not have "xmlns" as prefix',
  ].join('|')})`,
)

it('what is skipped has to be well-formed: what saxes refuses is never read to its end', () => {
  fc.assert(
    fc.property(mutatedStream, someLimits, places, (bytes, limits, cuts) => {
      const told = record([bytes], limits)
      expect(record(cutAt(bytes, cuts), limits)).toStrictEqual(told)
      if (told.at(-1)?.kind !== 'end') return
      const { error } = readWithSaxes(bytes.toString())
      if (error !== undefined) expect(error).toMatch(aboutPrefixes)
    }),
    { numRuns: runs },
  )
})
