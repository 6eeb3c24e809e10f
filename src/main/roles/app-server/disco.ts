import { escapeXml } from '../../../core/xml/escape.ts'
import { discoInfoNs, discoItemsNs, pingNs, pubsubNs, pushNs, versionNs } from './namespaces.ts'

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
]

/** What a domain is and can do (XEP-0357 §4.2: `pubsub/push` is a must). */
export function renderDomainInfo(pubsub: boolean, virtual: boolean): string {
  const features = [...everywhere]
  if (pubsub || virtual) features.push(pubsubNs, ...publishFeatures.map(pubsubFeature))
  if (pubsub) features.push(...nodeFeatures.map(pubsubFeature))

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

/** `node`: the node that was asked about, or ''; `items`: the nodes to list, all at `jid`. */
export function renderItems(node: string, jid: string, items: readonly string[]): string {
  const asked = node === '' ? '' : ` node='${escapeXml(node)}'`
  let xml = `<query xmlns='${discoItemsNs}'${asked}>`
  for (const item of items) xml += `<item jid='${escapeXml(jid)}' node='${escapeXml(item)}'/>`
  return `${xml}</query>`
}

function pubsubFeature(name: string): string {
  return `${pubsubNs}#${name}`
}
