import { bareJid, domainOfBare, hasResource, hostKey } from '../../../core/jid.ts'
import { type IqHeader, iqError, iqResult } from '../../../core/stanza.ts'
import { type StanzaError, stanzaErrors } from '../../../core/stanza-error.ts'
import type { Element } from '../../../core/xml/element.ts'
import { escapeXml } from '../../../core/xml/escape.ts'
import { discoInfoNs, pushNs } from '../app-server/namespaces.ts'
import { clientNs, delayNs, delegationNsPrefix, forwardNs } from './namespaces.ts'

/**
 * Namespace delegation (XEP-0355): the server hands us what its users ask of it about push. Its namespace is taken
 * from the wire, since each server speaks another version.
 *
 * Whatever is wrong with a user's request, the answer is a result around an error: after an error in its place
 * ejabberd never answers the user.
 */
export interface DelegatedRequest {
  /** Of the server's own IQ, which is what gets answered. */
  readonly outer: IqHeader
  readonly ns: string
  /** `to`: the user's own bare JID when the request had none. */
  readonly inner: IqHeader
  readonly type: 'get' | 'set'
  readonly payload: Element
  /** Bare JID. */
  readonly user: string
}

export type ReadDelegation =
  | { readonly kind: 'request'; readonly request: DelegatedRequest }
  | { readonly kind: 'refused'; readonly stanza: string }

export function isDelegation({ name, ns }: Element): boolean {
  return name === 'delegation' && ns.startsWith(delegationNsPrefix)
}

/** Reads a delegated request and who may make it: the user itself, for itself, by way of its own server. Pure. */
export function readDelegation(
  outer: IqHeader,
  delegation: Element,
  isServed: (host: string) => boolean,
): ReadDelegation {
  const server = bareJid(outer.from)
  if (server === undefined || server.includes('@') || hasResource(outer.from) || !isServed(server)) {
    return { kind: 'refused', stanza: iqError(outer, stanzaErrors.forbidden) }
  }
  // A server may add a `<delay/>` to a forwarded request, before it (XEP-0297 §2) or within it.
  const iq = delegation.child('forwarded', forwardNs)?.elements().find(isNoDelay)
  const from = iq?.attr('from')
  const id = iq?.attr('id')
  const user = from === undefined ? undefined : bareJid(from)
  // Nobody could be answered.
  if (iq?.name !== 'iq' || from === undefined || id === undefined || user === undefined) {
    return { kind: 'refused', stanza: iqError(outer, stanzaErrors.badRequest) }
  }

  const { ns } = delegation
  const to = iq.attr('to')
  const inner = { id, from, to: to ?? user }
  const type = iq.attr('type')
  const payload = iq.elements().find(isNoDelay)
  const isOwn = user.includes('@') && hostKey(domainOfBare(user)) === hostKey(server)
  if (!isOwn || (to !== undefined && (hasResource(to) || bareJid(to) !== user))) {
    return refused(outer, ns, inner, stanzaErrors.forbidden)
  }
  if ((type !== 'get' && type !== 'set') || payload === undefined) {
    return refused(outer, ns, inner, stanzaErrors.badRequest)
  }
  return { kind: 'request', request: { outer, ns, inner, type, payload, user } }
}

/** The server's answer around the user's; `error` undefined: a result. */
export function answerDelegated(
  { outer, ns, inner }: Pick<DelegatedRequest, 'outer' | 'ns' | 'inner'>,
  error: StanzaError | undefined,
): string {
  const answer = error === undefined ? iqResult(inner) : iqError(inner, error)
  // In the namespace that the user's stream has.
  const inClient = `<iq xmlns='${clientNs}'${answer.slice('<iq'.length)}`
  return iqResult(
    outer,
    `<delegation xmlns='${escapeXml(ns)}'><forwarded xmlns='${forwardNs}'>${inClient}</forwarded></delegation>`,
  )
}

/**
 * XEP-0355 §6 (disco nesting): what our being there adds to the server's features and, `:bare:`, to those of its
 * users. Undefined: it is no such question, or about another namespace.
 */
export function answerNesting(request: IqHeader, query: Element): string | undefined {
  const node = query.attr('node') ?? ''
  if (query.name !== 'query' || query.ns !== discoInfoNs || !node.startsWith(delegationNsPrefix))
    return undefined
  const about = node.slice(node.indexOf(':', delegationNsPrefix.length))
  if (about !== `::${pushNs}` && about !== `:bare:${pushNs}`) return undefined
  return iqResult(
    request,
    `<query xmlns='${discoInfoNs}' node='${escapeXml(node)}'><feature var='${pushNs}'/></query>`,
  )
}

function isNoDelay({ name, ns }: Element): boolean {
  return name !== 'delay' || ns !== delayNs
}

function refused(outer: IqHeader, ns: string, inner: IqHeader, error: StanzaError): ReadDelegation {
  return { kind: 'refused', stanza: answerDelegated({ outer, ns, inner }, error) }
}
