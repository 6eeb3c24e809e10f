import { dataFormNs, readForm } from '../../../core/data-form.ts'
import { bareJid } from '../../../core/jid.ts'
import { type IqHeader, iqError, iqResult } from '../../../core/stanza.ts'
import { type StanzaError, stanzaErrors, unsupported, withText } from '../../../core/stanza-error.ts'
import type { Element } from '../../../core/xml/element.ts'
import { escapeXml } from '../../../core/xml/escape.ts'
import type { Metrics } from '../../metrics/table.ts'
import type { DeadDeviceStore } from '../../store/dead-device-ports.ts'
import type { Affiliation, NodeRecord, NodeStore } from '../../store/ports.ts'
import { type AffiliationChanges, changeAffiliations, isOwner } from './affiliations.ts'
import type { Domain } from './domain.ts'
import { pubsubNs, pubsubOwnerNs } from './namespaces.ts'
import { applyForm, defaultConfiguration, type NodeConfiguration, renderForm } from './node-config.ts'
import { pubsubOperation } from './pubsub-operation.ts'

/** Node names longer than this are refused: as long as each part of a JID may be. */
const maxNodeBytes = 1023

export interface NodeRequestPorts {
  readonly nodes: NodeStore
  readonly deadDevices: DeadDeviceStore
  readonly metrics: Metrics
  readonly nowMs: () => number
}

/** The text of an answer: at once or, for a change, once it is on disk. */
type Answer = string | Promise<string>

/**
 * Push node management (XEP-0060 §8): create, configure, affiliations, delete, purge. A node belongs to the
 * bare JID that made it; who is not an owner is refused, also for a node that could be seen.
 */
export class NodeRequests {
  readonly #ports: NodeRequestPorts

  constructor(ports: NodeRequestPorts) {
    this.#ports = ports
  }

  /** Answers a request with a `<pubsub/>` of either namespace that is no publish. */
  handle(
    domain: Domain,
    request: IqHeader,
    type: 'get' | 'set',
    pubsub: Element,
    maxPerOwner: number,
  ): Answer {
    const operation = pubsubOperation(type, pubsub)
    if (operation === undefined) return iqError(request, stanzaErrors.badRequest)
    if (operation.kind === 'unsupported') return iqError(request, unsupported(operation.feature))
    if (!domain.pubsub) return iqError(request, unsupported('create-nodes'))
    const sender = bareJid(request.from)
    if (sender === undefined) return iqError(request, stanzaErrors.badRequest)

    const { kind, element } = operation
    switch (kind) {
      case 'create':
        return this.#create(domain, request, sender, element, pubsub, maxPerOwner)
      case 'get-default':
        return iqResult(request, owned(`<default>${renderForm(defaultConfiguration)}</default>`))
      case 'own-affiliations':
        return this.#ownAffiliations(domain, request, sender, element)
    }

    const node = element.attr('node') ?? ''
    if (node === '') return iqError(request, stanzaErrors.nodeIdMissing)
    const record = this.#ports.nodes.get(domain.name, node)
    if (record === undefined) return iqError(request, stanzaErrors.itemNotFound)
    if (!isOwner(record, sender)) return iqError(request, stanzaErrors.forbidden)
    switch (kind) {
      case 'delete':
        return this.#delete(domain, request, node)
      case 'purge':
        // Nothing is ever kept.
        return iqResult(request)
      case 'get-configuration':
        return iqResult(request, renderConfiguration(node, record.configuration))
      case 'set-configuration':
        return this.#configure(domain, request, sender, node, element)
      case 'get-affiliations':
        return iqResult(request, renderAffiliations(node, record))
      case 'set-affiliations':
        return this.#setAffiliations(domain, request, sender, node, element)
    }
  }

  #create(
    domain: Domain,
    request: IqHeader,
    sender: string,
    create: Element,
    pubsub: Element,
    maxPerOwner: number,
  ): Answer {
    const type = create.attr('type')
    if (type !== undefined && type !== 'push') return iqError(request, stanzaErrors.featureNotImplemented)
    const node = create.attr('node') ?? ''
    if (node === '') return iqError(request, stanzaErrors.noInstantNodes)
    if (Buffer.byteLength(node) > maxNodeBytes) {
      return iqError(request, withText(stanzaErrors.notAcceptable, `node: longer than ${maxNodeBytes} bytes`))
    }
    const form = pubsub.child('configure', pubsubNs)?.child('x', dataFormNs)
    const configured = form === undefined ? { configuration: defaultConfiguration } : submitted(form)
    if ('error' in configured) return iqError(request, configured.error)

    return this.#makeNode(domain, request, node, maxPerOwner, {
      owner: sender,
      configuration: configured.configuration,
      affiliations: { [sender]: 'owner' },
      registration: undefined,
      createdAtMs: this.#ports.nowMs(),
    })
  }

  async #makeNode(
    domain: Domain,
    request: IqHeader,
    node: string,
    maxPerOwner: number,
    record: NodeRecord,
  ): Promise<string> {
    const { nodes, deadDevices, metrics } = this.#ports
    const made = await nodes.create(domain.name, node, record, maxPerOwner)
    switch (made) {
      case 'exists':
        return iqError(request, stanzaErrors.conflict)
      case 'limit':
        metrics.limitsHit.child('max_nodes_per_owner').add(1)
        return iqError(request, withText(stanzaErrors.resourceConstraint, `at most ${maxPerOwner} nodes`))
      case 'created':
        // Made anew: perhaps for a device that is back.
        await deadDevices.forgetNode(domain.name, node)
        return iqResult(request, `<pubsub xmlns='${pubsubNs}'><create node='${escapeXml(node)}'/></pubsub>`)
    }
  }

  async #delete(domain: Domain, request: IqHeader, node: string): Promise<string> {
    const removed = await this.#ports.nodes.remove(domain.name, node)
    return removed ? iqResult(request) : iqError(request, stanzaErrors.itemNotFound)
  }

  #configure(domain: Domain, request: IqHeader, sender: string, node: string, configure: Element): Answer {
    const form = configure.child('x', dataFormNs)
    if (form === undefined) return iqError(request, stanzaErrors.badRequest)
    // XEP-0060 §8.2.3: whoever cancels keeps what there is.
    if (form.attr('type') === 'cancel') return iqResult(request)
    return this.#change(domain, request, sender, node, (record) => {
      const configured = submitted(form, record.configuration)
      return 'error' in configured ? configured.error : { ...record, configuration: configured.configuration }
    })
  }

  #setAffiliations(domain: Domain, request: IqHeader, sender: string, node: string, list: Element): Answer {
    const changes = readAffiliations(list)
    if ('error' in changes) return iqError(request, changes.error)
    return this.#change(domain, request, sender, node, (record) => {
      const changed = changeAffiliations(record, changes.changes)
      if (changed === 'ownerless') {
        return withText(stanzaErrors.notAcceptable, 'a node keeps at least one owner')
      }
      return changed === 'too-many' ? stanzaErrors.resourceConstraint : changed
    })
  }

  /** Changes a node that its owner may have deleted, or lost, since the request was read. */
  async #change(
    domain: Domain,
    request: IqHeader,
    sender: string,
    node: string,
    change: (record: NodeRecord) => NodeRecord | StanzaError,
  ): Promise<string> {
    let error: StanzaError | undefined
    const found = await this.#ports.nodes.update(domain.name, node, (record) => {
      const changed = isOwner(record, sender) ? change(record) : stanzaErrors.forbidden
      if ('condition' in changed) {
        error = changed
        return undefined
      }
      return changed
    })
    if (!found) return iqError(request, stanzaErrors.itemNotFound)
    return error === undefined ? iqResult(request) : iqError(request, error)
  }

  /** XEP-0060 §5.7: the sender's own, of one node when it is named. */
  #ownAffiliations(domain: Domain, request: IqHeader, sender: string, affiliations: Element): string {
    const only = affiliations.attr('node')
    const asked = only === undefined ? '' : ` node='${escapeXml(only)}'`
    let xml = `<pubsub xmlns='${pubsubNs}'><affiliations${asked}>`
    for (const { node, affiliation } of this.#ports.nodes.affiliationsOf(domain.name, sender)) {
      if (only !== undefined && only !== node) continue
      xml += `<affiliation node='${escapeXml(node)}' affiliation='${affiliation}'/>`
    }
    return iqResult(request, `${xml}</affiliations></pubsub>`)
  }
}

/** The configuration that a submitted form asks for, or why it is refused. */
function submitted(
  form: Element,
  current: NodeConfiguration = defaultConfiguration,
): { configuration: NodeConfiguration } | { error: StanzaError } {
  const applied = applyForm(readForm(form), current)
  if (!('fault' in applied)) return applied
  const { malformed, text } = applied.fault
  return { error: withText(malformed ? stanzaErrors.badRequest : stanzaErrors.notAcceptable, text) }
}

function readAffiliations(list: Element): { changes: AffiliationChanges } | { error: StanzaError } {
  const changes = new Map<string, Affiliation | 'none'>()
  for (const entry of list.elements('affiliation', pubsubOwnerNs)) {
    const jid = bareJid(entry.attr('jid') ?? '')
    if (jid === undefined) return { error: withText(stanzaErrors.badRequest, 'jid: not a JID') }
    const affiliation = affiliationNamed(entry.attr('affiliation'))
    if (affiliation === undefined) {
      return { error: withText(stanzaErrors.notAcceptable, 'affiliation: not an accepted value') }
    }
    changes.set(jid, affiliation)
  }
  return { changes }
}

function affiliationNamed(name: string | undefined): Affiliation | 'none' | undefined {
  switch (name) {
    case 'owner':
    case 'publisher':
    case 'publish-only':
    case 'outcast':
    case 'none':
      return name
    default:
      return undefined
  }
}

function renderConfiguration(node: string, configuration: NodeConfiguration): string {
  return owned(`<configure node='${escapeXml(node)}'>${renderForm(configuration)}</configure>`)
}

function renderAffiliations(node: string, record: NodeRecord): string {
  let xml = `<affiliations node='${escapeXml(node)}'>`
  for (const [jid, affiliation] of Object.entries(record.affiliations)) {
    xml += `<affiliation jid='${escapeXml(jid)}' affiliation='${affiliation}'/>`
  }
  return owned(`${xml}</affiliations>`)
}

function owned(xml: string): string {
  return `<pubsub xmlns='${pubsubOwnerNs}'>${xml}</pubsub>`
}
