import type { Element } from '../../core/xml/element.ts'
import { discoInfoNs, pubsubNs, pushNs } from './app-server/namespaces.ts'
import { delegationNsPrefix, forwardNs, privilegeNsPrefix, pubsubEventNs } from './xmpp-server/namespaces.ts'
import { isPublishId } from './xmpp-server/publish-iq.ts'

/**
 * Which role a stanza is for; the one place that says so. The XMPP Server role gets
 * - `<enable/>` and `<disable/>`, direct or delegated, and questions about what a delegation adds (XEP-0355 §6)
 * - messages that tell of messages, or of what a server delegates and permits
 * - answers to publishes that it has sent
 * and everything else, publishes above all, is the App Server's: so is what the XMPP Server role declines.
 */
export function isForXmppServer(stanza: Element): boolean {
  if (stanza.name === 'iq') return isIqForXmppServer(stanza)
  return stanza.name === 'message' && stanza.attr('type') !== 'error' && stanza.children.some(isNews)
}

function isIqForXmppServer(iq: Element): boolean {
  const payload = iq.firstChild()
  // The first look of nearly all stanzas is the last one. (A publish's answer may repeat it.)
  if (payload?.ns === pubsubNs && iq.attr('type') === 'set') return false
  const type = iq.attr('type')
  if (type === 'result' || type === 'error') return isPublishId(iq.attr('id') ?? '')
  if (payload === undefined) return false
  if (payload.ns === pushNs || payload.ns.startsWith(delegationNsPrefix)) return true
  return payload.ns === discoInfoNs && payload.attr('node')?.startsWith(delegationNsPrefix) === true
}

function isNews(child: Element | string): boolean {
  if (typeof child === 'string') return false
  const { ns } = child
  if (ns === forwardNs || ns === pubsubEventNs) return true
  return ns.startsWith(delegationNsPrefix) || ns.startsWith(privilegeNsPrefix)
}
