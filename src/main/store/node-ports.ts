/** XEP-0060 §4.1, those that a push node knows. */
export type Affiliation = 'owner' | 'publisher' | 'publish-only' | 'outcast'

/** A push node as it is stored. Values in `configuration` are the node_config form's, by var without `pubsub#`. */
export interface NodeRecord {
  /** Bare JID of the creator. Owners are those in `affiliations`. */
  readonly owner: string
  readonly configuration: Readonly<Record<string, string>>
  /** By JID: bare, or a domain. */
  readonly affiliations: Readonly<Record<string, Affiliation>>
  /** Device options stored when the node was registered rather than created; undefined: they come with each publish. */
  readonly registration: NodeRegistration | undefined
  readonly createdAtMs: number
  /** When it was last published to or changed: as far as that is known, and never later. */
  readonly usedAtMs: number
}

export interface NodeRegistration {
  /** Publish-options by name (`service`, `device_id`, …). */
  readonly options: Readonly<Record<string, string>>
  /** What a publish must show in its publish-options as `secret`. */
  readonly secret: string
}

/** How many push nodes there may be. Each owner of a node has one more by it, and so has the host of each owner. */
export interface NodeLimits {
  /** On one domain. A node gets a new owner only while that one has less than half of it. */
  readonly perOwner: number
  readonly perHost: number
  readonly inAll: number
}

/** Which of them leaves no room: a label of `limits_hit_total`. */
export type NodeLimit = 'max_nodes_per_owner' | 'max_nodes_per_host' | 'max_nodes'

/** Which part of a list is asked for. */
export interface ListPart {
  /** What the part lies behind, or with `backwards` in front of; undefined: the beginning, or the end. It need not exist. */
  readonly anchor: string | undefined
  readonly backwards: boolean
  readonly limit: number
}

export interface ListedPart<T> {
  /** In the order of the list. */
  readonly entries: readonly T[]
  /** The place of the first entry in the list, from 0; undefined in a list that is too long to be counted. */
  readonly index: number | undefined
  /** How many entries the list has; undefined likewise. */
  readonly count: number | undefined
}

export interface NodeAffiliation {
  readonly node: string
  readonly affiliation: Affiliation
}

/** Push nodes. Reads are synchronous; a promise is settled when the change is on disk. */
export interface NodeStore {
  get(domain: string, node: string): NodeRecord | undefined
  create(
    domain: string,
    node: string,
    record: NodeRecord,
    limits: NodeLimits,
  ): Promise<'created' | 'exists' | NodeLimit>
  /**
   * Replaces the record if it exists. `change` gets the newest record; returning undefined leaves it. A new owner needs
   * room within `limits` (undefined: it makes nobody an owner).
   */
  update(
    domain: string,
    node: string,
    change: (record: NodeRecord) => NodeRecord | undefined,
    limits: NodeLimits | undefined,
  ): Promise<'updated' | 'missing' | NodeLimit>
  remove(domain: string, node: string): Promise<boolean>
  /** Nodes of a domain for which this JID has an affiliation, in an order that does not change. */
  affiliationsOf(domain: string, jid: string, part: ListPart): ListedPart<NodeAffiliation>
  /** The same of the nodes that it owns alone. What others name it in makes this no slower. */
  ownedBy(domain: string, jid: string, part: ListPart): ListedPart<NodeAffiliation>
  /** Removes all nodes that this bare JID alone owns, on these domains; how many. */
  removeOwnedBy(owner: string, domains: Iterable<string>): Promise<number>
  /** Notes, in a while, that a node was published to. `record`: as it was read. */
  used(domain: string, node: string, record: NodeRecord, atMs: number): void
  /** From what age of `usedAtMs` on `used` may have something to note. Milliseconds. */
  readonly leastUseAgeMs: number
  /** How many nodes the users of a host own, on all domains. */
  countOfHost(host: string): number
  count(): number
}
