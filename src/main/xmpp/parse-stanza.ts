import type { Element } from '../../core/xml/element.ts'
import { type ParserLimits, StreamParser } from './stream-parser.ts'

const header = Buffer.from(
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
)

/**
 * Parses a text as one stanza, by the rules of a client's stream; a PrunedElement if it is over the limits. Undefined: the
 * text is not exactly one stanza.
 */
export function parseStanza(xml: string, limits: ParserLimits): Element | undefined {
  const found: Element[] = []
  let hasFailed = false
  const parser = new StreamParser(
    {
      streamStart() {},
      stanza: (element) => void found.push(element),
      streamEnd() {
        hasFailed = true
      },
      error() {
        hasFailed = true
      },
    },
    limits,
  )
  parser.write(header)
  parser.write(Buffer.from(xml))
  // What is complete is followed by nothing: this would be within an element that is not.
  parser.write(Buffer.from('<end/>'))
  const [stanza, end, ...more] = found
  return hasFailed || end === undefined || more.length > 0 ? undefined : stanza
}
