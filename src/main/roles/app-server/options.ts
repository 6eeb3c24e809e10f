import type { TargetRules } from '../../../core/gateway/publish-target.ts'
import type { XmppServers } from '../../../core/xmpp-servers.ts'
import type { NodeLimits } from '../../store/node-ports.ts'

/** What the configuration says about the App Server role. Frozen; replaced as a whole on a reload. */
export interface AppServerOptions {
  /** The daemon's, for software version requests (XEP-0092). */
  readonly version: string
  readonly domains: readonly AppServerDomain[]
  /** The XMPP servers behind the domains that have streams. */
  readonly servers: XmppServers
  readonly content: ContentOptions
  /** The daemon's provider pools, and the targets that publishes may name; undefined: MongoosePush has the pools. */
  readonly targets: TargetRules | undefined
  readonly nodeLimits: NodeLimits
}

export interface AppServerDomain {
  readonly domain: string
  /** Clients can create push nodes. */
  readonly pubsub: boolean
  /** Publishes need no push node. Together with `pubsub`: nodes can be managed, publishes go without. */
  readonly virtual: boolean
  readonly publishers: Publishers
  /** The XMPP domains whose users may make push nodes here, or be given them. */
  readonly nodeOwners: 'any' | readonly string[]
  /** Pool tags of every push from this domain. */
  readonly tags: readonly string[]
}

/**
 * Who may publish at all:
 * - `any`: everybody
 * - `servers`: who is no client (an address without a resource; XEP-0357 §3), or
 * - those of these domains only
 */
export type Publishers = 'any' | 'servers' | readonly string[]

export interface ContentOptions {
  readonly defaultTitle: string
  readonly defaultBody: string
  /** Off: no field that names a sender leaves the daemon. */
  readonly includeSender: boolean
  readonly includeBody: boolean
  /** How the sender of a publish is shown: with or without its resource; a room's address keeps the nick. */
  readonly sender: 'full' | 'bare'
  /** A publish with something to read but without its sender or body: default texts, an error, or silent. */
  readonly onMissing: 'default' | 'reject' | 'silent'
  /** A publish with nothing to read: a silent push, or a result and nothing sent. */
  readonly onEmpty: 'silent' | 'drop'
}
