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

/** The node of the events in which MUC/Sub sends messages of a room. */
export const mucSubMessagesNode = 'urn:xmpp:mucsub:nodes:messages'
export const stanzaIdNs = 'urn:xmpp:sid:0'
export const delayNs = 'urn:xmpp:delay'
export const mucUserNs = 'http://jabber.org/protocol/muc#user'
/** Of direct invitations to rooms (XEP-0249). */
export const conferenceNs = 'jabber:x:conference'
/** Of channels of MIX (XEP-0369), each with its version behind it. */
export const mixNsPrefix = 'urn:xmpp:mix:core:'
