import { expect } from 'vitest'
import type { Element } from '../../../src/core/xml/element.ts'
import { fixedLimits } from '../../../src/main/xmpp/parser-limits.ts'
import { type ParserLimits, type StreamFault, StreamParser } from '../../../src/main/xmpp/stream-parser.ts'

export const header =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>"

export const roomy: ParserLimits = {
  ...fixedLimits,
  maxStreamStanzaBytes: 67_108_864,
  maxStanzaBytes: 262_144,
  maxTextBytes: 262_144,
  maxDepth: 64,
  maxAttributes: 64,
}

/** Everything that a parser told, in order. */
export type Recording = (
  | { kind: 'start' | 'stanza'; element: Element }
  | { kind: 'end' }
  | { kind: 'error'; fault: StreamFault }
)[]

export function record(chunks: Iterable<Uint8Array>, limits = roomy): Recording {
  const told: Recording = []
  const parser = new StreamParser(
    {
      streamStart: (element) => void told.push({ kind: 'start', element }),
      stanza: (element) => void told.push({ kind: 'stanza', element }),
      streamEnd: () => void told.push({ kind: 'end' }),
      error: (fault) => void told.push({ kind: 'error', fault }),
    },
    limits,
  )
  for (const chunk of chunks) parser.write(chunk)
  return told
}

export function stanzasOf(recording: Recording): Element[] {
  return recording.flatMap((event) => (event.kind === 'stanza' ? [event.element] : []))
}

export function faultOf(recording: Recording): StreamFault | undefined {
  const last = recording.at(-1)
  return last?.kind === 'error' ? last.fault : undefined
}

export function* oneByteAtATime(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i++) yield bytes.subarray(i, i + 1)
}

export function splitAt(bytes: Uint8Array, at: number): Uint8Array[] {
  return [bytes.subarray(0, at), bytes.subarray(at)]
}

/** Reads a document whole, one byte at a time, and split at every byte, which must all tell the same. */
export function recordEveryWay(document: string | Uint8Array, limits = roomy): Recording {
  const bytes = Buffer.from(document as string)
  const whole = record([bytes], limits)
  expect(record(oneByteAtATime(bytes), limits)).toEqual(whole)
  for (let at = 1; at < bytes.length; at++) expect(record(splitAt(bytes, at), limits)).toEqual(whole)
  return whole
}
