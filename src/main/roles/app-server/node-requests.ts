import { utf8Bytes } from '../../../core/cut-text.ts'
import { bareJid } from '../../../core/jid.ts'
import { type IqHeader, iqError, iqResult } from '../../../core/stanza.ts'
import { stanzaErrors, unsupported } from '../../../core/stanza-error.ts'
import type { Element } from '../../../core/xml/element.ts'
import { escapeXml } from '../../../core/xml/escape.ts'
import type { NodeLimits, NodeRecord } from '../../store/node-ports.ts'
import {
  nameOfNode,
  nodeAffiliationsShape,
  ownAffiliation,
  ownAffiliationsShape,
} from './affiliation-lists.ts'
import { isOwner } from './affiliations.ts'
import type { Domain } from './domain.ts'
import { type ListAnswer, partOfArray, readListPart, renderPage } from './list-page.ts'
import { pubsubOwnerNs } from './namespaces.ts'
import { NodeChanges, type NodeRequest, type NodeRequestPorts } from './node-changes.ts'
import { defaultConfiguration, type NodeConfiguration, renderForm } from './node-config.ts'
import { pubsubOperation } from './pubsub-operation.ts'

/** No node has a longer name: as long as each part of a JID may be. */
const longestNodeNameBytes = 1023

/** An answer: at once; for a change, once it is on disk; for a list, when its sender has a turn. */
type Answer = string | Promise<string> | ListAnswer

/**
 * Push node management (XEP-0060 §8): create, configure, affiliations, delete, purge. A node belongs to the
 * bare JID that made it; who is not an owner is refused, also for a node that could be seen.
 */
export class NodeRequests {
  readonly #ports: NodeRequestPorts
  readonly #changes: NodeChanges

  constructor(ports: NodeRequestPorts) {
    this.#ports = ports
    this.#changes = new NodeChanges(ports)
  }

  /** Answers a request with a `<pubsub/>` of either namespace that is no publish. */
  handle(domain: Domain, header: IqHeader, type: 'get' | 'set', pubsub: Element, limits: NodeLimits): Answer {
    const operation = pubsubOperation(type, pubsub)
    if (operation === undefined) return iqError(header, stanzaErrors.badRequest)
    if (operation.kind === 'unsupported') return iqError(header, unsupported(operation.feature))
    if (!domain.pubsub) return iqError(header, unsupported('create-nodes'))
    const sender = bareJid(header.from)
    if (sender === undefined) return iqError(header, stanzaErrors.badRequest)

    const request: NodeRequest = { domain, header, sender, limits }
    const { kind, element } = operation
    switch (kind) {
      case 'create':
        return this.#changes.create(request, element, pubsub)
      case 'get-default':
        return iqResult(header, owned(`<default>${renderForm(defaultConfiguration)}</default>`))
      case 'own-affiliations':
        return this.#ownAffiliations(request, element, pubsub)
    }

    const node = element.attr('node') ?? ''
    if (node === '') return iqError(header, stanzaErrors.nodeIdMissing)
    const record = this.#ports.nodes.get(domain.name, node)
    if (record === undefined) return iqError(header, stanzaErrors.itemNotFound)
    if (!isOwner(record, sender)) return iqError(header, stanzaErrors.forbidden)
    switch (kind) {
      case 'delete':
        return this.#delete(request, node)
      case 'purge':
        // Nothing is ever kept.
        return iqResult(header)
      case 'get-configuration':
        return iqResult(header, renderConfiguration(node, record.configuration))
      case 'set-configuration':
        return this.#changes.configure(request, node, element)
      case 'get-affiliations':
        return this.#nodeAffiliations(request, node, record, pubsub)
      case 'set-affiliations':
        return this.#changes.setAffiliations(request, node, element)
    }
  }

  async #delete({ domain, header }: NodeRequest, node: string): Promise<string> {
    const removed = await this.#ports.nodes.remove(domain.name, node)
    return removed ? iqResult(header) : iqError(header, stanzaErrors.itemNotFound)
  }

  /** XEP-0060 §5.7: the sender's own, of one node when it is named. */
  #ownAffiliations({ domain, header, sender }: NodeRequest, affiliations: Element, pubsub: Element): Answer {
    const part = readListPart(pubsub)
    if ('condition' in part) return iqError(header, part)
    const only = affiliations.attr('node')
    if (only !== undefined && utf8Bytes(only) > longestNodeNameBytes) {
      return iqError(header, stanzaErrors.itemNotFound)
    }
    const { nodes } = this.#ports
    const shape = ownAffiliationsShape(only)
    return {
      makeList: () => {
        const listed =
          only === undefined
            ? nodes.affiliationsOf(domain.name, sender, part)
            : partOfArray(ownAffiliation(only, nodes.get(domain.name, only), sender), part, nameOfNode)
        return renderPage(header, part, listed, shape)
      },
    }
  }

  #nodeAffiliations({ header }: NodeRequest, node: string, record: NodeRecord, pubsub: Element): Answer {
    const part = readListPart(pubsub)
    if ('condition' in part) return iqError(header, part)
    return {
      makeList: () => {
        const all = Object.entries(record.affiliations).sort(([a], [b]) => (a < b ? -1 : 1))
        const listed = partOfArray(all, part, ([jid]) => jid)
        return renderPage(header, part, listed, nodeAffiliationsShape(node))
      },
    }
  }
}

function renderConfiguration(node: string, configuration: NodeConfiguration): string {
  return owned(`<configure node='${escapeXml(node)}'>${renderForm(configuration)}</configure>`)
}

function owned(xml: string): string {
  return `<pubsub xmlns='${pubsubOwnerNs}'>${xml}</pubsub>`
}
