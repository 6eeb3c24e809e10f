import { XmppServers } from '../../src/core/xmpp-servers.ts'

/** One XMPP server behind components of these domains. */
export function oneServer(...domains: readonly string[]): XmppServers {
  return new XmppServers(
    domains.map((domain) => ({ domain, server: '127.0.0.1:5347', hosts: ['chat.test'] })),
  )
}
