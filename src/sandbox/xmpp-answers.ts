import type { SandboxElement } from './element.ts'
import { escapeXml } from './stanzas.ts'

const stanzasNs = 'urn:ietf:params:xml:ns:xmpp-stanzas'

/**
 * What the XMPP server that the sandbox plays answers to a component's request to its own domain or to one of
 * its users; undefined when nothing is to be answered.
 */
export function answerAsServer(stanza: SandboxElement): string | undefined {
  const type = stanza.attr('type')
  if (stanza.name !== 'iq' || (type !== 'get' && type !== 'set')) return undefined
  const request = stanza.firstChild()
  if (type === 'get' && request?.ns === 'urn:xmpp:ping') return answer(stanza, 'result', '')
  if (type === 'get' && request?.ns === 'http://jabber.org/protocol/disco#info') {
    const features = ['http://jabber.org/protocol/disco#info', 'urn:xmpp:ping']
      .map((feature) => `<feature var='${feature}'/>`)
      .join('')
    const identity = "<identity category='server' type='im' name='sandbox'/>"
    return answer(stanza, 'result', `<query xmlns='${request.ns}'>${identity}${features}</query>`)
  }
  return answer(stanza, 'error', `<error type='cancel'><service-unavailable xmlns='${stanzasNs}'/></error>`)
}

function answer(request: SandboxElement, type: 'result' | 'error', payload: string): string {
  const from = escapeXml(request.attr('to') ?? '')
  const to = escapeXml(request.attr('from') ?? '')
  return `<iq from='${from}' to='${to}' type='${type}' id='${escapeXml(request.attr('id') ?? '')}'>${payload}</iq>`
}
