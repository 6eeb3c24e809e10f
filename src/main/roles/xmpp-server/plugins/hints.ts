import type { Element } from '../../../../core/xml/element.ts'
import { hintsNs, jingleMessageNs } from '../namespaces.ts'
import type { MessageEvent, SummaryFields } from '../plugin.ts'
import * as defaults from './defaults.ts'

export { senderId } from './defaults.ts'
export { shouldPublish } from './enhanced.ts'

/**
 * Heeds processing hints (XEP-0334): what is not to be stored is not pushed, and a call (XEP-0353) that is to be
 * stored is, though it has no body: silently, for the app to act on.
 */
export function prepareNotification(event: MessageEvent, sender: string): SummaryFields | null {
  const { stanza } = event
  if (stanza === undefined) return defaults.prepareNotification(event, sender)
  if (stanza.child('no-store', hintsNs) !== undefined) return null
  const call = callIn(stanza)
  const isBodiless = event.body === undefined || event.body === ''
  if (!isBodiless || call === undefined || stanza.child('store', hintsNs) === undefined) {
    return defaults.prepareNotification(event, sender)
  }
  return { 'message-sender': sender, 'jingle-message': call.name, 'jingle-session-id': call.attr('id') }
}

/** `<propose/>`, `<retract/>` … */
function callIn(stanza: Element): Element | undefined {
  return stanza.elements(undefined, jingleMessageNs)[0]
}
