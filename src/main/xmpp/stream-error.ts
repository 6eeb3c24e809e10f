import { escapeXml } from '../../core/xml/escape.ts'

/** The namespace of stream error conditions (RFC 6120 §4.9.2). */
export const streamErrorNs = 'urn:ietf:params:xml:ns:xmpp-streams'

/** Every condition that a stream error may name (RFC 6120 §4.9.3). */
export const streamErrorConditions = [
  'bad-format',
  'bad-namespace-prefix',
  'conflict',
  'connection-timeout',
  'host-gone',
  'host-unknown',
  'improper-addressing',
  'internal-server-error',
  'invalid-from',
  'invalid-namespace',
  'invalid-xml',
  'not-authorized',
  'not-well-formed',
  'policy-violation',
  'remote-connection-failed',
  'reset',
  'resource-constraint',
  'restricted-xml',
  'see-other-host',
  'system-shutdown',
  'undefined-condition',
  'unsupported-encoding',
  'unsupported-feature',
  'unsupported-stanza-type',
  'unsupported-version',
] as const

export type StreamErrorCondition = (typeof streamErrorConditions)[number]

/** Why a stream cannot go on: the condition for the peer, and a sentence for people. */
export interface StreamFault {
  readonly condition: StreamErrorCondition
  /** Never holds anything that the peer sent: it is safe to log. */
  readonly text: string
  /** The limit that was passed, if that is the fault. */
  readonly limit?: ParserLimit | undefined
}

/** The parser limit that ends a stream, by its name in the metrics. */
export type ParserLimit = 'stream_stanza'

/**
 * The `<stream:error>` that tells the peer (RFC 6120 §4.9.2); `</stream:stream>` must follow it. The
 * prefix `stream` is the one that our own stream header binds.
 */
export function renderStreamError(fault: StreamFault): string {
  const text =
    fault.text === '' ? '' : `<text xmlns='${streamErrorNs}' xml:lang='en'>${escapeXml(fault.text)}</text>`
  return `<stream:error><${fault.condition} xmlns='${streamErrorNs}'/>${text}</stream:error>`
}

/** A fault on its way from where it was found to the parser's `write`, which catches it. */
export class StreamFaultError extends Error implements StreamFault {
  readonly condition: StreamErrorCondition
  readonly text: string
  readonly limit: ParserLimit | undefined

  constructor(condition: StreamErrorCondition, text: string, limit?: ParserLimit) {
    super(text)
    this.name = 'StreamFaultError'
    this.condition = condition
    this.text = text
    this.limit = limit
  }
}

/** What is not XML, or not namespaces in XML. */
export function notWellFormed(text: string): StreamFaultError {
  return new StreamFaultError('not-well-formed', text)
}
