import type { Device } from '../../core/notification.ts'

/** XEP-0060 §4.1, those that a push node knows. */
export type Affiliation = 'owner' | 'publisher' | 'publish-only' | 'outcast'

/** A push node as it is stored. Values in `configuration` are the node_config form's, by var without `pubsub#`. */
export interface NodeRecord {
  /** Bare JID of the creator. Owners are also listed in `affiliations`. */
  readonly owner: string
  readonly configuration: Readonly<Record<string, string>>
  /** By JID: bare, or a domain. */
  readonly affiliations: Readonly<Record<string, Affiliation>>
  /** Device options stored when the node was registered rather than created; undefined: they come with each publish. */
  readonly registration: NodeRegistration | undefined
  readonly createdAtMs: number
}

export interface NodeRegistration {
  /** Publish-options by name (`service`, `device_id`, …). */
  readonly options: Readonly<Record<string, string>>
  /** What a publish must show in its publish-options as `secret`. */
  readonly secret: string
}

/** Push nodes. Reads are synchronous; a promise is settled when the change is on disk. */
export interface NodeStore {
  get(domain: string, node: string): NodeRecord | undefined
  /** `limit`: the owner has `maxPerOwner` nodes on this domain already. */
  create(
    domain: string,
    node: string,
    record: NodeRecord,
    maxPerOwner: number,
  ): Promise<'created' | 'exists' | 'limit'>
  /** Replaces the record if it exists; false when it does not. `change` gets the newest record; returning undefined leaves it. */
  update(
    domain: string,
    node: string,
    change: (record: NodeRecord) => NodeRecord | undefined,
  ): Promise<boolean>
  remove(domain: string, node: string): Promise<boolean>
  /** Nodes of a domain for which this JID has an affiliation, in the nodes' order. */
  affiliationsOf(domain: string, jid: string): { node: string; affiliation: Affiliation }[]
  /** Removes all nodes that this bare JID alone owns, on every domain; how many. */
  removeOwnedBy(owner: string): Promise<number>
  count(): number
}

/** Devices that a provider has called gone. */
export interface DeadDeviceStore {
  isDead(device: Device): boolean
  /** `domain` and `node`: where the device was met, so that a new registration there forgets it. */
  add(device: Device, domain: string, node: string): Promise<void>
  forget(device: Device): Promise<boolean>
  /** Forgets what was met at this node: it was made or enabled anew. How many. */
  forgetNode(domain: string, node: string): Promise<number>
  /** Forgets marks older than the store's ttl; how many. */
  sweep(): Promise<number>
  count(): number
}
