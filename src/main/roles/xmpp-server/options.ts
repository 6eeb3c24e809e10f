import type { XmppServers } from '../../../core/xmpp-servers.ts'
import type { ContentOptions } from '../app-server/options.ts'

/** What the configuration says about the XMPP Server role. Frozen; replaced as a whole on a reload. */
export interface XmppServerOptions {
  /** Domains of the users. */
  readonly servedHosts: readonly string[]
  /**
   * Decides which streams may report what, and which domains send publishes to App Servers elsewhere; the first domain of a
   * server replaces an unknown one.
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
  /** The language (RFC 5646) of the text to push where a message has several; '': the first text. */
  readonly language: string
  /** The text of an alert for an encrypted message. */
  readonly encryptedBody: string
  /** The text of an alert for an invitation to a room without a text. */
  readonly invitationBody: string
  /** Shows a sender's address with its resource, or without. A sender in a room keeps the nick. */
  readonly sender: 'full' | 'bare'
}
