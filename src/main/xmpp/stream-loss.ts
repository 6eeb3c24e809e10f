import type { Element } from '../../core/xml/element.ts'
import type { LossCause } from '../metrics/table.ts'
import { streamErrorNs } from './stream-error.ts'

export interface StreamLoss {
  readonly cause: LossCause
  /** For people: the log, `/readyz`, `/admin`. */
  readonly text: string
}

/** What the conditions mean that an operator can do something about, when they answer the handshake. */
const refusals = new Map([
  ['not-authorized', 'the secret is wrong, or the server does not know the domain'],
  ['host-unknown', 'the server does not know the domain'],
])

/** The server's words are quoted up to this length (UTF-16 units). */
const maxQuote = 200

/** The loss that a received `<stream:error/>` means (RFC 6120 §4.9). */
export function lossByStreamError(error: Element, wasUp: boolean): StreamLoss {
  let condition = ''
  let words = ''
  for (const child of error.elements()) {
    if (child.ns !== streamErrorNs) continue
    if (child.name === 'text') words = child.text().slice(0, maxQuote)
    else condition = child.name.slice(0, maxQuote)
  }
  // Jabber before XMPP 1.0 had no conditions, and some servers still send text alone.
  const bareText = condition === '' ? error.text().trim().slice(0, maxQuote) : ''
  if (condition === '') condition = 'undefined-condition'
  const said = bareText !== '' ? `"${bareText}"` : words === '' ? condition : `${condition}, "${words}"`
  if (condition === 'conflict') {
    return { cause: 'conflict', text: `another stream holds the domain (${said})` }
  }
  const refusal = wasUp ? undefined : refusals.get(condition)
  if (refusal !== undefined) return { cause: 'refused', text: `${refusal} (${said})` }
  const cause = condition === 'invalid-from' ? 'invalid-from' : 'stream-error'
  return { cause, text: `the server ended the stream with an error (${said})` }
}

/** The loss that a socket's error means. */
export function lossBySocketError(error: Error & { code?: string }): StreamLoss {
  // The error over several addresses of a host has a code, but no message.
  const said = [error.code, error.message].filter((part) => part !== undefined && part !== '')
  return { cause: 'network', text: `connection failed (${said.join(': ')})` }
}
