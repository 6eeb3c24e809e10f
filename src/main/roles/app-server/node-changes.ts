import type { Logger } from 'pino'
import { utf8Bytes } from '../../../core/cut-text.ts'
import { dataFormNs, readForm } from '../../../core/data-form.ts'
import { bareJid } from '../../../core/jid.ts'
import { type IqHeader, iqError, iqResult } from '../../../core/stanza.ts'
import { type StanzaError, stanzaErrors, withText } from '../../../core/stanza-error.ts'
import type { Element } from '../../../core/xml/element.ts'
import { escapeXml } from '../../../core/xml/escape.ts'
import type { Metrics } from '../../metrics/table.ts'
import type { DeadDeviceStore } from '../../store/dead-device-ports.ts'
import type { Affiliation, NodeLimit, NodeLimits, NodeRecord, NodeStore } from '../../store/node-ports.ts'
import { type AffiliationChanges, changeAffiliations, isOwner, ownersOf } from './affiliations.ts'
import type { Domain } from './domain.ts'
import { pubsubNs, pubsubOwnerNs } from './namespaces.ts'
import { applyForm, defaultConfiguration, type NodeConfiguration } from './node-config.ts'
import { NodeCrowding } from './node-crowding.ts'
import { limitOfRecord, maxNodeNameBytes, type RecordLimit, textOfRecordLimit } from './node-record-limits.ts'

export interface NodeRequestPorts {
  readonly nodes: NodeStore
  readonly deadDevices: DeadDeviceStore
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
}

/** What every request about push nodes comes with. */
export interface NodeRequest {
  readonly domain: Domain
  readonly header: IqHeader
  /** Bare JID. */
  readonly sender: string
  readonly limits: NodeLimits
}

/** Makes push nodes and changes them, within what their owners may have. Each answers once the change is on disk. */
export class NodeChanges {
  readonly #ports: NodeRequestPorts
  readonly #crowding: NodeCrowding

  constructor(ports: NodeRequestPorts) {
    this.#ports = ports
    this.#crowding = new NodeCrowding(ports)
  }

  /** XEP-0060 §8.1. `pubsub`: the payload; `create`: its child. */
  create(request: NodeRequest, create: Element, pubsub: Element): string | Promise<string> {
    const { domain, header, sender } = request
    const type = create.attr('type')
    if (type !== undefined && type !== 'push') return iqError(header, stanzaErrors.featureNotImplemented)
    const node = create.attr('node') ?? ''
    if (node === '') return iqError(header, stanzaErrors.noInstantNodes)
    if (utf8Bytes(node) > maxNodeNameBytes) {
      this.#hit('node_name_bytes')
      return iqError(
        header,
        withText(stanzaErrors.notAcceptable, `node: longer than ${maxNodeNameBytes} bytes`),
      )
    }
    if (!domain.mayOwnNodes(sender)) {
      this.#hit('node_owners')
      return iqError(header, stanzaErrors.forbidden)
    }
    const form = pubsub.child('configure', pubsubNs)?.child('x', dataFormNs)
    const configured = form === undefined ? { configuration: defaultConfiguration } : submitted(form)
    if ('error' in configured) return iqError(header, configured.error)

    const nowMs = this.#ports.nowMs()
    const record: NodeRecord = {
      owner: sender,
      configuration: configured.configuration,
      affiliations: { [sender]: 'owner' },
      registration: undefined,
      createdAtMs: nowMs,
      usedAtMs: nowMs,
    }
    const past = limitOfRecord(undefined, record)
    return past === undefined ? this.#make(request, node, record) : iqError(header, this.#pastLimit(past))
  }

  /** XEP-0060 §8.2. */
  configure(request: NodeRequest, node: string, configure: Element): string | Promise<string> {
    const { header } = request
    const form = configure.child('x', dataFormNs)
    if (form === undefined) return iqError(header, stanzaErrors.badRequest)
    // XEP-0060 §8.2.3: `cancel` keeps the present configuration.
    if (form.attr('type') === 'cancel') return iqResult(header)
    return this.#change(request, node, (record) => {
      const configured = submitted(form, record.configuration)
      return 'error' in configured ? configured.error : { ...record, configuration: configured.configuration }
    })
  }

  /** XEP-0060 §8.9.2. */
  setAffiliations(request: NodeRequest, node: string, list: Element): string | Promise<string> {
    const changes = readAffiliations(list)
    if ('error' in changes) return iqError(request.header, changes.error)
    return this.#change(request, node, (record) => changeAffiliations(record, changes.changes) ?? ownerless)
  }

  async #make({ domain, header, limits }: NodeRequest, node: string, record: NodeRecord): Promise<string> {
    const { nodes, deadDevices } = this.#ports
    const made = await nodes.create(domain.name, node, record, limits)
    switch (made) {
      case 'exists':
        return iqError(header, stanzaErrors.conflict)
      case 'created':
        this.#crowding.noteOwner(record.owner, limits)
        // Created again: perhaps for a device that is back.
        await deadDevices.forgetNode(domain.name, node)
        return iqResult(header, `<pubsub xmlns='${pubsubNs}'><create node='${escapeXml(node)}'/></pubsub>`)
      default:
        return iqError(header, this.#noRoom(made, limits))
    }
  }

  /** Changes a node that its owner may have deleted, or lost, since the request was read. */
  async #change(
    request: NodeRequest,
    node: string,
    change: (record: NodeRecord) => NodeRecord | StanzaError,
  ): Promise<string> {
    const { domain, header, limits } = request
    let error: StanzaError | undefined
    let newOwners: readonly string[] = []
    const done = await this.#ports.nodes.update(
      domain.name,
      node,
      (record) => {
        const changed = this.#allowed(request, record, change)
        if ('condition' in changed) {
          error = changed
          return undefined
        }
        newOwners = ownersAdded(record, changed)
        return { ...changed, usedAtMs: this.#ports.nowMs() }
      },
      limits,
    )
    if (done === 'missing') return iqError(header, stanzaErrors.itemNotFound)
    if (done !== 'updated') return iqError(header, this.#noRoom(done, limits))
    if (error !== undefined) return iqError(header, error)
    for (const owner of newOwners) this.#crowding.noteOwner(owner, limits)
    return iqResult(header)
  }

  /** The changed record, or why there is none. */
  #allowed(
    { domain, sender }: NodeRequest,
    record: NodeRecord,
    change: (record: NodeRecord) => NodeRecord | StanzaError,
  ): NodeRecord | StanzaError {
    const changed = isOwner(record, sender) ? change(record) : stanzaErrors.forbidden
    if ('condition' in changed) return changed
    const past = limitOfRecord(record, changed)
    if (past !== undefined) return this.#pastLimit(past)
    if (ownersAdded(record, changed).every((owner) => domain.mayOwnNodes(owner))) return changed
    this.#hit('node_owners')
    return withText(stanzaErrors.overload, 'owner: users of this domain may not own nodes here')
  }

  #noRoom(limit: NodeLimit, limits: NodeLimits): StanzaError {
    this.#hit(limit)
    switch (limit) {
      case 'max_nodes_per_owner':
        return withText(
          stanzaErrors.overload,
          `an owner has at most ${limits.perOwner} nodes, and takes over another user's node with less than half of that`,
        )
      case 'max_nodes_per_host':
        return withText(stanzaErrors.overload, 'the users of this domain have the maximum number of nodes')
      case 'max_nodes':
        return withText(stanzaErrors.overload, 'the maximum number of nodes is reached')
    }
  }

  #pastLimit(limit: RecordLimit): StanzaError {
    this.#hit(limit)
    return withText(stanzaErrors.notAcceptable, textOfRecordLimit(limit))
  }

  #hit(limit: NodeLimit | RecordLimit | 'node_name_bytes' | 'node_owners'): void {
    this.#ports.metrics.limitsHit.child(limit).add(1)
  }
}

const ownerless = withText(stanzaErrors.notAcceptable, 'a node keeps at least one owner')

function ownersAdded(before: NodeRecord, after: NodeRecord): string[] {
  return ownersOf(after).filter((owner) => !isOwner(before, owner))
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
