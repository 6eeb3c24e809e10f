import { escapeXml } from '../../../core/xml/escape.ts'
import type { Affiliation, NodeAffiliation, NodeRecord } from '../../store/node-ports.ts'
import { affiliationOf } from './affiliations.ts'
import type { ListShape } from './list-page.ts'
import { pubsubNs, pubsubOwnerNs } from './namespaces.ts'

/** Lists of affiliations (XEP-0060 §5.7, §8.9.1). Pure. */

/** `only`: the node that was asked about, if one was. */
export function ownAffiliationsShape(only: string | undefined): ListShape<NodeAffiliation> {
  const asked = only === undefined ? '' : ` node='${escapeXml(only)}'`
  return {
    head: `<pubsub xmlns='${pubsubNs}'><affiliations${asked}>`,
    foot: '</affiliations>',
    tail: '</pubsub>',
    entry: ({ node, affiliation }) => `<affiliation node='${escapeXml(node)}' affiliation='${affiliation}'/>`,
    name: nameOfNode,
  }
}

/** Of those who have to do with a node. */
export function nodeAffiliationsShape(node: string): ListShape<[jid: string, affiliation: Affiliation]> {
  return {
    head: `<pubsub xmlns='${pubsubOwnerNs}'><affiliations node='${escapeXml(node)}'>`,
    foot: '</affiliations>',
    tail: '</pubsub>',
    entry: ([jid, affiliation]) => `<affiliation jid='${escapeXml(jid)}' affiliation='${affiliation}'/>`,
    name: ([jid]) => jid,
  }
}

/** What a bare JID has to do with one node: one entry, or none. */
export function ownAffiliation(
  node: string,
  record: NodeRecord | undefined,
  bare: string,
): NodeAffiliation[] {
  const affiliation = record === undefined ? undefined : affiliationOf(record, bare)
  return affiliation === undefined ? [] : [{ node, affiliation }]
}

export function nameOfNode({ node }: NodeAffiliation): string {
  return node
}
