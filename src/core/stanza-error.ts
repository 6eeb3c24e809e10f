import { escapeXml } from './xml/escape.ts'

/**
 * Stanza errors (RFC 6120 §8.3): the one table of those that the daemon answers with, and how they are
 * written. An XMPP server decides by type and condition whether it keeps a push registration: most servers keep
 * it at every `wait`, Tigase only at the conditions of `keptConditions`, whatever the type.
 */

export interface StanzaError {
  readonly type: 'auth' | 'cancel' | 'modify' | 'wait'
  /** The defined condition (RFC 6120 §8.3.3). */
  readonly condition: string
  /** The condition of `http://jabber.org/protocol/pubsub#errors` beside it. */
  readonly pubsub: string | undefined
  /** What `<unsupported feature='…'/>` names. */
  readonly feature: string | undefined
  /** For people. */
  readonly text: string | undefined
}

export const stanzaErrors = {
  badRequest: define('modify', 'bad-request'),
  invalidPayload: define('modify', 'bad-request', 'invalid-payload'),
  nodeIdMissing: define('modify', 'bad-request', 'nodeid-required'),
  noInstantNodes: define('modify', 'not-acceptable', 'nodeid-required'),
  notAcceptable: define('modify', 'not-acceptable'),
  incomplete: define('modify', 'policy-violation'),
  forbidden: define('auth', 'forbidden'),
  notAllowed: define('cancel', 'not-allowed'),
  itemNotFound: define('cancel', 'item-not-found'),
  conflict: define('cancel', 'conflict'),
  preconditionNotMet: define('cancel', 'conflict', 'precondition-not-met'),
  featureNotImplemented: define('cancel', 'feature-not-implemented'),
  serviceUnavailable: define('cancel', 'service-unavailable'),
  deviceNotRegistered: define('cancel', 'not-acceptable', 'device-not-registered'),
  remoteServerTimeout: define('wait', 'remote-server-timeout'),
  internalServerError: define('wait', 'internal-server-error'),
  overload: define('wait', 'service-unavailable'),
  unsendable: define('wait', 'bad-request', 'invalid-payload'),
  submitFailed: define('wait', 'internal-server-error', 'failed-to-submit-push-notification'),
} as const satisfies Record<string, StanzaError>

/** The conditions of a `wait` at which every XMPP server keeps the registration. Answers to publishes use no others. */
export const keptConditions: readonly string[] = [
  'internal-server-error',
  'service-unavailable',
  'remote-server-timeout',
  'bad-request',
]

export function withText(error: StanzaError, text: string): StanzaError {
  return { ...error, text }
}

/** A pubsub feature (XEP-0060 §16.3) that is not offered: `feature` is its name after `pubsub#`. */
export function unsupported(feature: string): StanzaError {
  return { ...stanzaErrors.featureNotImplemented, pubsub: 'unsupported', feature }
}

/** The `<error/>` element. */
export function renderStanzaError(error: StanzaError): string {
  let xml = `<error type='${error.type}'><${error.condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>`
  // RFC 6120 §8.3.2: the text stands between the two conditions.
  if (error.text !== undefined) {
    xml += `<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>${escapeXml(error.text)}</text>`
  }
  if (error.pubsub !== undefined) {
    const feature = error.feature === undefined ? '' : ` feature='${escapeXml(error.feature)}'`
    xml += `<${error.pubsub} xmlns='http://jabber.org/protocol/pubsub#errors'${feature}/>`
  }
  return `${xml}</error>`
}

function define(type: StanzaError['type'], condition: string, pubsub?: string): StanzaError {
  return { type, condition, pubsub, feature: undefined, text: undefined }
}
