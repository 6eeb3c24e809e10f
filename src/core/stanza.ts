import { utf8Bytes } from './cut-text.ts'
import { renderStanzaError, type StanzaError } from './stanza-error.ts'
import { escapeXml } from './xml/escape.ts'

/** Answers to requests, as the text that goes out. */

/** The largest stanza that the daemon sends, in bytes as written: some servers end the stream at 64 KiB. */
export const maxSentStanzaBytes = 60 * 1024

export function isTooLargeToSend(stanza: string): boolean {
  // No character has more than three bytes for a unit of its length.
  return stanza.length * 3 > maxSentStanzaBytes && utf8Bytes(stanza) > maxSentStanzaBytes
}

/** What an answer repeats of its request, as it was read. */
export interface IqHeader {
  readonly id: string
  /** Who asked. */
  readonly from: string
  /** Whom: the answer comes from there. */
  readonly to: string
}

/** `payload`: complete XML, with its namespace. */
export function iqResult(request: IqHeader, payload = ''): string {
  const head = `<iq type='result'${addressed(request)}`
  return payload === '' ? `${head}/>` : `${head}>${payload}</iq>`
}

export function iqError(request: IqHeader, error: StanzaError): string {
  return `<iq type='error'${addressed(request)}>${renderStanzaError(error)}</iq>`
}

function addressed(request: IqHeader): string {
  return ` id='${escapeXml(request.id)}' from='${escapeXml(request.to)}' to='${escapeXml(request.from)}'`
}
