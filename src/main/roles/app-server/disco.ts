import { escapeXml } from '../../../core/xml/escape.ts'
import type { NodeAffiliation } from '../../store/node-ports.ts'
import type { ListShape } from './list-page.ts'
import { discoInfoNs, discoItemsNs, pingNs, pubsubNs, pushNs, rsmNs, versionNs } from './namespaces.ts'

/** Payloads of service discovery (XEP-0030). */

const everywhere = [pushNs, discoInfoNs, discoItemsNs, pingNs, versionNs]

/** XEP-0060 §16.3, after `pubsub#`: what works where publishes are taken. */
const publishFeatures = ['publish', 'publish-options']

/** What works where nodes can be managed. */
const nodeFeatures = [
  'create-nodes',
  'create-and-configure',
  'config-node',
  'delete-nodes',
  'purge-nodes',
  'modify-affiliations',
  'retrieve-affiliations',
  'retrieve-default',
  'publish-only-affiliation',
  'access-whitelist',
  'rsm',
]

/** What a domain is and can do (XEP-0357 §4.2: `pubsub/push` is a must). */
export function renderDomainInfo(pubsub: boolean, virtual: boolean): string {
  const features = [...everywhere]
  if (pubsub || virtual) features.push(pubsubNs, ...publishFeatures.map(pubsubFeature))
  if (pubsub) features.push(rsmNs, ...nodeFeatures.map(pubsubFeature))

  let xml = `<query xmlns='${discoInfoNs}'><identity category='pubsub' type='push'/>`
  if (pubsub) xml += "<identity category='pubsub' type='service'/>"
  for (const feature of features) xml += `<feature var='${feature}'/>`
  return `${xml}</query>`
}

export function renderNodeInfo(node: string): string {
  return (
    `<query xmlns='${discoInfoNs}' node='${escapeXml(node)}'><identity category='pubsub' type='leaf'/>` +
    `<feature var='${pubsubNs}'/><feature var='${pushNs}'/></query>`
  )
}

/** A node has no items to show: it is a sink. */
export function renderNoItems(node: string): string {
  return `<query xmlns='${discoItemsNs}' node='${escapeXml(node)}'/>`
}

/** The nodes of a domain that somebody owns. */
export function itemsShape(domain: string): ListShape<NodeAffiliation> {
  const jid = escapeXml(domain)
  return {
    head: `<query xmlns='${discoItemsNs}'>`,
    foot: '',
    tail: '</query>',
    entry: ({ node }) => `<item jid='${jid}' node='${escapeXml(node)}'/>`,
    name: ({ node }) => node,
  }
}

function pubsubFeature(name: string): string {
  return `${pubsubNs}#${name}`
}
