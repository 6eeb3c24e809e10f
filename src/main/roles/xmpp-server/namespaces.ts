/** Namespaces that the XMPP Server role answers to or names, besides those of the App Server role. */
export const forwardNs = 'urn:xmpp:forward:0'
export const pubsubEventNs = 'http://jabber.org/protocol/pubsub#event'
export const clientNs = 'jabber:client'
export const hintsNs = 'urn:xmpp:hints'
export const jingleMessageNs = 'urn:xmpp:jingle-message:0'

/** Each server has its own version behind it: `1` ejabberd, `2` Prosody (XEP-0355). */
export const delegationNsPrefix = 'urn:xmpp:delegation:'
export const privilegeNsPrefix = 'urn:xmpp:privilege:'

/** The node whose events ejabberd's mod_push_offline sends. */
export const offlineMessagesNode = 'urn:xmpp:push:nodes:messages'
