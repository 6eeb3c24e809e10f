import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { StreamErrorCondition } from '../../src/main/xmpp/stream-parser.ts'
import {
  faultOf,
  oneByteAtATime,
  type Recording,
  record,
  roomy,
  stanzasOf,
} from '../main/xmpp/stream-recording.ts'
import { type Oddity, readWithSaxes } from './saxes-reading.ts'
import { cutAt, mutatedStream, places, repetitiveStream, runs, wellFormedStream } from './stream-documents.ts'

/** Everything that we refuse and saxes does not. */
const refusals: Readonly<Record<Oddity, StreamErrorCondition>> = {
  'byte order mark': 'not-well-formed',
  comment: 'restricted-xml',
  'processing instruction': 'restricted-xml',
  'document type': 'restricted-xml',
  'other encoding': 'unsupported-encoding',
  'other version': 'not-well-formed',
  'other root': 'bad-format',
  'text between stanzas': 'bad-format',
  'local name that is none': 'not-well-formed',
}

const limits = { ...roomy, maxStanzaBytes: 1_000_000 }
const isComplete = (told: Recording): boolean => told.at(-1)?.kind === 'end'

it.each([
  ['what is well-formed', wellFormedStream],
  ['what repeats itself', repetitiveStream],
])('%s is read as saxes reads it', (_, stream) => {
  fc.assert(
    fc.property(stream, (document) => {
      const saxes = readWithSaxes(document)
      expect(saxes.error).toBeUndefined()
      const told = record([Buffer.from(document)], limits)
      expect(faultOf(told)).toBeUndefined()
      expect(isComplete(told)).toBe(true)
      expect(stanzasOf(told)).toEqual(saxes.stanzas)
    }),
    { numRuns: runs },
  )
})

/** saxes takes this namespace for none at all. */
const inWhitespace = Buffer.from(
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' xmlns:p=' '>" +
    "<iq xmlns='jabber:x:data'/></stream:stream>",
)

/** What follows the end of the root is no part of the document. */
const behindTheEnd = Buffer.from(
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'/><a><b></a>",
)

it('what saxes refuses is never read to its end, and what we alone refuse is on the list', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  fc.assert(
    fc.property(mutatedStream, (bytes) => {
      const told = record([bytes], limits)
      const fault = faultOf(told)
      let document: string
      try {
        document = decoder.decode(bytes)
      } catch {
        // Nothing to compare with: it need only not be taken, unless the bad byte is after the end.
        if (fault === undefined && !isComplete(told)) expect(bytes.at(-1)).toBeGreaterThan(0x7f)
        return
      }
      const saxes = readWithSaxes(document)
      fc.pre(!saxes.hasPaddedNamespace)
      if (saxes.error?.startsWith('unbound namespace prefix') === true) {
        // No fault of a stream: what is read beyond it, saxes does not tell.
        const read = stanzasOf(told)
        expect(read.slice(0, saxes.stanzas.length)).toEqual(saxes.stanzas.slice(0, read.length))
        if (saxes.oddities.size === 0) expect(read.length).toBeGreaterThanOrEqual(saxes.stanzas.length)
        return
      }
      if (saxes.isComplete && fault === undefined) {
        expect(isComplete(told)).toBe(true)
        expect(stanzasOf(told)).toEqual(saxes.stanzas)
      } else {
        expect(isComplete(told)).toBe(false)
      }
      if (saxes.isComplete && fault !== undefined) {
        const ours = [...saxes.oddities].map((oddity) => refusals[oddity])
        if (saxes.oddities.has('other root')) ours.push('invalid-namespace')
        expect(ours).toContain(fault.condition)
      }
      // Whatever came before the fault is the same.
      expect(stanzasOf(told)).toEqual(saxes.stanzas.slice(0, stanzasOf(told).length))
      if (saxes.oddities.size === 0) expect(stanzasOf(told)).toHaveLength(saxes.stanzas.length)
    }),
    { numRuns: runs, examples: [[inWhitespace], [behindTheEnd]] },
  )
})

it('how a stream is cut makes no difference', () => {
  fc.assert(
    fc.property(mutatedStream, places, (bytes, cuts) => {
      const whole = record([bytes], limits)
      expect(record(cutAt(bytes, cuts), limits)).toEqual(whole)
      expect(record(oneByteAtATime(bytes), limits)).toEqual(whole)
    }),
    { numRuns: Math.ceil(runs / 3) },
  )
})

it('no bytes make it throw', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }),
      fc.boolean(),
      (chunks, isOpen) => {
        const header = "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>"
        const told = record(isOpen ? [Buffer.from(header), ...chunks] : chunks, limits)
        expect(told.filter((event) => event.kind === 'error').length).toBeLessThan(2)
      },
    ),
    { numRuns: runs },
  )
})
