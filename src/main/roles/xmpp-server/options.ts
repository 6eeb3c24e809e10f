import type { XmppServers } from '../../../core/xmpp-servers.ts'
import type { ContentOptions } from '../app-server/options.ts'

/** What the configuration says about the XMPP Server role. Frozen; replaced as a whole on a reload. */
export interface XmppServerOptions {
  /** Domains of the users. */
  readonly servedHosts: readonly string[]
  /**
   * Whose streams tell of what, and whose domains send publishes to App Servers elsewhere; the first of a server stands
   * in for one unknown.
   */
  readonly servers: XmppServers
  readonly maxSubscriptionsPerUser: number
  /** How long an event is remembered, in milliseconds; 0: not at all. */
  readonly dedupWindowMs: number
  /** For all that the plugin does about one event. */
  readonly pluginTimeoutMs: number
  /** How long a publish to an App Server elsewhere waits for a stream to go out on; as it was at the start. */
  readonly lifetimeMs: number
  /** Publishes to App Servers elsewhere that may be unanswered; as it was at the start. */
  readonly maxRemotePublishes: number
  /** What may leave the daemon. */
  readonly content: Pick<ContentOptions, 'includeSender' | 'includeBody'> & EventContentOptions
}

/** How a message is shown. */
export interface EventContentOptions {
  /** Of several texts the one in this language (RFC 5646) is pushed; '': the first. */
  readonly language: string
  /** Shown of a message that only its user can read. */
  readonly encryptedBody: string
  /** Shown of an invitation to a room without a text. */
  readonly invitationBody: string
  /** Of a user that writes: the address with its resource, or without. What comes out of a room keeps its nick. */
  readonly sender: 'full' | 'bare'
}
