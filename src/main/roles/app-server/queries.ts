import { bareJid } from '../../../core/jid.ts'
import { type IqHeader, iqError, iqResult } from '../../../core/stanza.ts'
import { stanzaErrors } from '../../../core/stanza-error.ts'
import type { Element } from '../../../core/xml/element.ts'
import { escapeXml } from '../../../core/xml/escape.ts'
import type { ListedPart, NodeAffiliation, NodeStore } from '../../store/node-ports.ts'
import { maySee } from './affiliations.ts'
import { renderNodeInfo, renderNoItems } from './disco.ts'
import type { Domain } from './domain.ts'
import { type ListAnswer, readListPart, renderPage } from './list-page.ts'
import { discoInfoNs, discoItemsNs, pingNs, versionNs } from './namespaces.ts'

/** Service discovery (XEP-0030), ping (XEP-0199), software version (XEP-0092): asked with a get, on every domain. */
export function isQuery({ name, ns }: Element): boolean {
  if (ns === pingNs) return name === 'ping'
  return name === 'query' && (ns === discoInfoNs || ns === discoItemsNs || ns === versionNs)
}

/** `payload`: one that `isQuery`. */
export function answerQuery(
  domain: Domain,
  request: IqHeader,
  payload: Element,
  nodes: NodeStore,
  version: string,
): string | ListAnswer {
  switch (payload.ns) {
    case pingNs:
      return iqResult(request)
    case versionNs:
      return iqResult(
        request,
        `<query xmlns='${versionNs}'><name>xmpp-pushd</name><version>${escapeXml(version)}</version></query>`,
      )
  }

  const node = payload.attr('node') ?? ''
  if (node !== '' && !sees(domain, request.from, node, nodes)) {
    return iqError(request, stanzaErrors.itemNotFound)
  }
  if (payload.ns === discoInfoNs) return iqResult(request, node === '' ? domain.info : renderNodeInfo(node))
  return node === ''
    ? listOwnedNodes(domain, request, payload, nodes)
    : iqResult(request, renderNoItems(node))
}

function sees(domain: Domain, from: string, node: string, nodes: NodeStore): boolean {
  const record = domain.pubsub ? nodes.get(domain.name, node) : undefined
  return record !== undefined && maySee(record, from)
}

/** The nodes that the sender owns, and nobody else's. */
function listOwnedNodes(
  domain: Domain,
  request: IqHeader,
  query: Element,
  nodes: NodeStore,
): string | ListAnswer {
  const part = readListPart(query)
  if ('condition' in part) return iqError(request, part)
  const sender = domain.pubsub ? bareJid(request.from) : undefined
  return {
    makeList: () => {
      const listed = sender === undefined ? nothing : nodes.ownedBy(domain.name, sender, part)
      return renderPage(request, part, listed, domain.items)
    },
  }
}

const nothing: ListedPart<NodeAffiliation> = { entries: [], index: 0, count: 0 }
