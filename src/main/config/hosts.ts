import { type ServerComponent, XmppServers } from '../../core/xmpp-servers.ts'
import { parseAddress } from '../address.ts'

/** The part of the configuration about XMPP servers and their domains. Pure. */
export interface HostsConfig {
  readonly component: readonly {
    readonly domain: string
    readonly server: string
    readonly hosts: readonly string[]
  }[]
  readonly push: { readonly served_hosts: readonly string[] }
}

/** The servers behind all components. */
export function xmppServers(config: HostsConfig): XmppServers {
  return new XmppServers(serverComponents(config))
}

/** Each component with its server and its hosts, which default to `push.served_hosts`. */
export function serverComponents({ component, push }: HostsConfig): ServerComponent[] {
  return component.map(({ domain, server, hosts }) => ({
    domain,
    server: oneSpelling(server),
    hosts: hosts.length > 0 ? hosts : push.served_hosts,
  }))
}

/** The domains that `@HOST@` stands for. */
export function patternHosts({ component, push }: HostsConfig): string[] {
  return [...new Set([...push.served_hosts, ...component.flatMap(({ hosts }) => hosts)])]
}

function oneSpelling(server: string): string {
  const address = parseAddress(server)
  return address?.kind === 'tcp' ? `${address.host.toLowerCase()}:${address.port}` : server
}
