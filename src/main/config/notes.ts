import { isVirtualDomain } from '../../core/served-domains.ts'
import { isLocal, parseAddress } from '../address.ts'
import type { Config } from './config.ts'
import { gatewayOrigins } from './gateway-origins.ts'
import { sharedHosts } from './host-checks.ts'
import { patternHosts, serverComponents, xmppServers } from './hosts.ts'

/** What a sound configuration should still be told. */
export function notesOn(config: Config): string[] {
  const notes: string[] = []
  const isForXmpp = config.gateway.listen === ''
  if (isForXmpp && config.component.length === 0)
    notes.push('there is no [[component]]: nothing is served over XMPP')
  const isDirect = config.push.gateway === 'direct'
  const usual = isDirect ? 'gateway' : 'mongoosepush'
  if (config[usual].request_timeout_ms >= config.push.reply_deadline_ms) {
    const path = `${usual}.request_timeout_ms`
    notes.push(`${path} is not below push.reply_deadline_ms: no time for a second attempt`)
  }
  return [
    ...notes,
    ...nodeNotes(config),
    ...relayNotes(config),
    ...hostNotes(config),
    ...wayNotes(config),
    ...gatewayNotes(config),
  ]
}

function relayNotes(config: Config): string[] {
  const { component, push } = config
  const hosts = patternHosts(config)
  const notes: string[] = []
  component.forEach(({ domain, publishers }, i) => {
    if (publishers !== 'any') return
    if (!isVirtualDomain(domain, push.virtual_pubsub_hosts, hosts)) return
    const path = `component[${i}].publishers`
    notes.push(
      `${path} is "any" on a virtual host, which makes it an open relay: anyone can push to any device; list your servers`,
    )
  })
  return notes
}

/** Notes on connections that someone on the network path could read or change. */
function wayNotes({ component, push, mongoosepush, gateway }: Config): string[] {
  const notes: string[] = []
  if (push.gateway !== 'direct') {
    const away = gatewayOrigins(mongoosepush).filter((origin) => !isLoopback(origin))
    if (away.some((origin) => origin.startsWith('http:'))) {
      const path = 'mongoosepush.url'
      notes.push(`${path} is http to another machine: anyone on the network path can read the pushes`)
    }
    if (!mongoosepush.tls.verify && away.some((origin) => origin.startsWith('https:'))) {
      notes.push('mongoosepush.tls.verify is false: anyone on the network path can pretend to be the gateway')
    }
  }
  component.forEach(({ server, tls, tls_verify }, i) => {
    const address = parseAddress(server)
    if (!tls || tls_verify || address === undefined || isLocal(address)) return
    const path = `component[${i}].tls_verify`
    notes.push(`${path} is false: anyone on the network path can pretend to be the XMPP server`)
  })
  gateway.fcm.forEach(({ account }, i) => {
    if (!account.reveal().account.tokenUri.startsWith('http:')) return
    const path = `gateway.fcm[${i}].service_account_file`
    notes.push(`${path} has a token_uri with http: anyone on the network path can read the access tokens`)
  })
  return notes
}

function isLoopback(origin: string): boolean {
  const { hostname } = new URL(origin)
  return isLocal({ kind: 'tcp', host: hostname.replace(/^\[|\]$/g, ''), port: 0 })
}

/** Notes on the hosts of several servers. */
function hostNotes(config: Config): string[] {
  const servers = xmppServers(config)
  const components = serverComponents(config)
  const notes: string[] = []
  components.forEach((own, i) => {
    if (!components.slice(0, i).some((other) => sharedHosts(own, other).length > 0)) return
    const path = `component[${i}].hosts`
    notes.push(
      `${path} shares a host with a component at another address: the daemon treats both as one server`,
    )
  })
  if (servers.count < 2) return notes
  for (const host of config.push.served_hosts) {
    if (servers.serverOf(host) !== undefined) continue
    const path = `push.served_hosts: ${host}`
    notes.push(`${path} is not in the hosts of any component: every server may send stanzas for it`)
  }
  return notes
}

function nodeNotes({ component, push }: Config): string[] {
  const notes: string[] = []
  const isOpen = component.some(({ pubsub, hosts }) => pubsub && hosts.length === 0)
  if (isOpen && push.node_owners === 'hosts' && push.served_hosts.length === 0) {
    notes.push(
      'push.node_owners is "hosts" and push.served_hosts is empty: users of every server that can reach this one may create push nodes',
    )
  }
  return notes
}

function gatewayNotes({ push, gateway }: Config): string[] {
  const notes: string[] = []
  const pools = gateway.fcm.length + gateway.apns.length
  if (gateway.listen !== '' && pools === 0) {
    notes.push('there is no [[gateway.fcm]] or [[gateway.apns]]: gateway.listen can deliver nothing')
  }
  if (isOpenToOthers(gateway)) {
    notes.push('gateway.open is true: everybody who reaches gateway.listen can push to your apps')
  }
  if (gateway.listen === '' && pools > 0 && push.gateway !== 'direct') {
    notes.push(
      'push.gateway is "mongoosepush" and gateway.listen is empty: the pools of [gateway] are not used',
    )
  }
  gateway.apns.forEach(({ key, default_topic }, i) => {
    if (key === undefined || default_topic !== '') return
    const path = `gateway.apns[${i}].default_topic`
    notes.push(`${path} is empty: APNs refuses pushes that name no topic`)
  })
  return notes
}

function isOpenToOthers({ listen, open, tokens, tls }: Config['gateway']): boolean {
  const address = parseAddress(listen)
  if (address === undefined || isLocal(address)) return false
  return open && tokens === undefined && tls.client_ca === undefined
}
