import type { Logger } from 'pino'
import { domainOfBare } from '../../../core/jid.ts'
import type { Metrics } from '../../metrics/table.ts'
import type { NodeLimits, NodeStore } from '../../store/node-ports.ts'

export interface NodeCrowdingPorts {
  readonly nodes: NodeStore
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
}

/** The part of a limit at which the operator is warned, before any user is refused. */
const crowdedShare = 0.9
/** At most one line of each kind in this time. */
const logIntervalMs = 60_000

/** Warns when the push nodes of a host, or all nodes, come near their limit. */
export class NodeCrowding {
  readonly #ports: NodeCrowdingPorts
  /** By limit: there are never more than fit into `max_nodes`. */
  readonly #hosts = new Map<string, number>()
  readonly #loggedMs = { max_nodes: Number.NEGATIVE_INFINITY, max_nodes_per_host: Number.NEGATIVE_INFINITY }

  constructor(ports: NodeCrowdingPorts) {
    this.#ports = ports
    ports.metrics.nodesCrowdedHosts.read(() => this.#crowdedHosts())
  }

  /** A bare JID has another node. */
  noteOwner(owner: string, { perHost, inAll }: NodeLimits): void {
    const { nodes, log } = this.#ports
    const host = domainOfBare(owner)
    const count = nodes.countOfHost(host)
    if (count >= perHost * crowdedShare) {
      this.#hosts.set(host, perHost)
      if (this.#isDue('max_nodes_per_host')) {
        const fields = { host, nodes: count, limit: perHost }
        log.warn(fields, 'the users of a host own 90 % of push.max_nodes_per_host')
      }
    }
    if (nodes.count() >= inAll * crowdedShare && this.#isDue('max_nodes')) {
      const fields = { nodes: nodes.count(), limit: inAll }
      log.warn(fields, 'there are 90 % of push.max_nodes')
    }
  }

  #crowdedHosts(): number {
    for (const [host, perHost] of this.#hosts) {
      if (this.#ports.nodes.countOfHost(host) < perHost * crowdedShare) this.#hosts.delete(host)
    }
    return this.#hosts.size
  }

  /** Whether a line of this kind may be logged again; if so it counts as logged. */
  #isDue(kind: 'max_nodes' | 'max_nodes_per_host'): boolean {
    const now = this.#ports.nowMs()
    if (now - this.#loggedMs[kind] < logIntervalMs) return false
    this.#loggedMs[kind] = now
    return true
  }
}
