import { isAppleHost, type TargetRules } from '../core/gateway/publish-target.ts'
import { servedDomain } from '../core/gateway/served-domain.ts'
import { isVirtualDomain } from '../core/served-domains.ts'
import type { XmppServers } from '../core/xmpp-servers.ts'
import type { ComponentConfig, Config } from './config/config.ts'
import { gatewayOrigins } from './config/gateway-origins.ts'
import { patternHosts, xmppServers } from './config/hosts.ts'
import type { DispatchOptions } from './dispatch/options.ts'
import { gatewayPools } from './gateway-pools.ts'
import type { AppServerDomain, AppServerOptions } from './roles/app-server/options.ts'
import type { PluginSetting } from './roles/xmpp-server/load-plugin.ts'
import type { XmppServerOptions } from './roles/xmpp-server/options.ts'
import { type ComponentOptions, componentDefaults } from './xmpp/component-options.ts'
import { fixedLimits } from './xmpp/parser-limits.ts'

/** What each part takes from the configuration. Pure. */

/** A worker that was not heard of for so long hangs: longer than any pause of its garbage collector. */
const workerHangMs = 5_000

/** To App Servers elsewhere, unanswered: some kilobytes each. */
const maxRemotePublishes = 100_000

export function appServerOptions(config: Config, version: string): AppServerOptions {
  const { content, push } = config
  const servers = xmppServers(config)
  return {
    version,
    domains: servedDomains(config, servers),
    servers,
    content: {
      defaultTitle: content.default_title,
      defaultBody: content.default_body,
      includeSender: content.include_sender,
      includeBody: content.include_body,
      sender: content.sender === 'bare' ? 'bare' : 'full',
      onMissing: content.on_missing,
      onEmpty: content.on_empty,
    },
    targets: push.gateway === 'direct' ? targetRules(config) : undefined,
    nodeLimits: {
      perOwner: push.max_nodes_per_owner,
      perHost: push.max_nodes_per_host,
      inAll: push.max_nodes,
    },
  }
}

function targetRules(config: Config): TargetRules {
  const pools = gatewayPools(config).map((pool) => ({
    service: pool.service,
    mode: pool.mode,
    tags: pool.tags,
    defaultTopic: pool.service === 'apns' ? pool.defaultTopic : '',
    isApple: pool.service === 'apns' && isAppleHost(new URL(pool.target.origin).hostname),
  }))
  return { pools, topics: config.gateway.topics }
}

export function xmppServerOptions(config: Config): XmppServerOptions {
  const { push, content, queue } = config
  return {
    servedHosts: push.served_hosts,
    servers: xmppServers(config),
    maxSubscriptionsPerUser: push.max_subscriptions_per_user,
    dedupWindowMs: push.dedup_window_s * 1000,
    pluginTimeoutMs: push.plugin_timeout_ms,
    lifetimeMs: queue.default_ttl_s * 1000,
    maxRemotePublishes,
    content: {
      includeSender: content.include_sender,
      includeBody: content.include_body,
      language: content.language,
      encryptedBody: content.encrypted_body,
      invitationBody: content.invitation_body,
      sender: content.sender === 'full' ? 'full' : 'bare',
    },
  }
}

export function pluginSetting({ push }: Config, workingDirectory: string): PluginSetting {
  return { name: push.plugin, memoryMb: push.plugin_memory_mb, workingDirectory }
}

/** With no host named, the daemon cannot tell its own users from others: such an installation goes on working. */
function nodeOwners(
  { hosts }: ComponentConfig,
  { node_owners: owners, served_hosts: servedHosts }: Config['push'],
): 'any' | readonly string[] {
  if (owners !== 'hosts') return owners
  const own = hosts.length > 0 ? hosts : servedHosts
  return own.length > 0 ? own : 'any'
}

/** After how long without a publish or a change a push node is removed; 0: never. */
export function nodeTtlMs({ node_ttl_days: days }: Config['push']): number {
  return days * 86_400_000
}

/** The components' domains, and the virtual hosts that only HTTP reaches. */
function servedDomains(config: Config, servers: XmppServers): AppServerDomain[] {
  const { virtual_pubsub_hosts: patterns } = config.push
  const hosts = patternHosts(config)
  const domains = config.component.map((component) => ({
    domain: component.domain,
    pubsub: component.pubsub,
    virtual: isVirtualDomain(component.domain, patterns, hosts),
    publishers:
      typeof component.publishers === 'string'
        ? component.publishers
        : // The daemon's publishes to itself through the XMPP server come from there.
          [...component.publishers, ...servers.scopeOf(component.domain).domains],
    tags: component.tags,
    nodeOwners: nodeOwners(component, config.push),
  }))
  const known = new Set(domains.map(({ domain }) => domain))
  for (const pattern of patterns) {
    for (const host of pattern.includes('@HOST@') ? hosts : ['']) {
      const domain = pattern.replaceAll('@HOST@', () => host)
      if (known.has(domain)) continue
      known.add(domain)
      domains.push({ domain, pubsub: false, virtual: true, publishers: 'any', tags: [], nodeOwners: [] })
    }
  }
  return domains
}

/** `current`: the configuration as it is by now; asked for what may change while the dispatcher works. */
export function dispatchOptions(config: Config, current: () => Config): DispatchOptions {
  const { gateway, mongoosepush, push, queue } = config
  const isDirect = push.gateway === 'direct'
  return {
    urls: isDirect ? [] : gatewayOrigins(mongoosepush),
    apiVersion: mongoosepush.api_version,
    pathPrefix: mongoosepush.path_prefix,
    defaults: {
      get title() {
        return current().content.default_title
      },
      get body() {
        return current().content.default_body
      },
    },
    tls: { ca: mongoosepush.tls.ca, verify: mongoosepush.tls.verify },
    maxHttpConnections: mongoosepush.max_http_connections,
    requestTimeoutMs: mongoosepush.request_timeout_ms,
    workers: push.wpool.workers,
    workerHangMs,
    replyDeadlineMs: push.reply_deadline_ms,
    maxPending: queue.max_pending,
    maxPendingBytes: queue.max_pending_bytes,
    domains: [
      ...servedDomains(config, xmppServers(config)).map(({ domain }) => domain),
      ...(gateway.listen === '' ? [] : [servedDomain]),
    ],
    retry: {
      maxAttempts: queue.retry.max_attempts,
      baseMs: queue.retry.base_ms,
      capMs: queue.retry.cap_ms,
    },
    suspectLimit: push.suspect_limit,
    defaultTtlS: queue.default_ttl_s,
    journalAll: queue.durability === 'always',
    pools: gatewayPools(config),
    direct: isDirect,
    suspectShare: gateway.suspect_share,
  }
}

export function componentOptions(component: ComponentConfig, config: Config): ComponentOptions {
  const { limits } = config
  return {
    ...componentDefaults,
    domain: component.domain,
    server: component.server,
    serverKind: component.server_kind,
    secret: component.secret.reveal(),
    connections: component.connections,
    tls: component.tls ? { ca: component.tls_ca, verify: component.tls_verify } : undefined,
    pingIntervalMs: component.ping_interval_ms,
    pingTimeoutMs: component.ping_timeout_ms,
    standbyMs: component.standby_ms,
    limits: {
      ...fixedLimits,
      maxStreamStanzaBytes: limits.max_stream_stanza_bytes,
      maxStanzaBytes: limits.max_stanza_bytes,
      maxTextBytes: limits.max_text_bytes,
      maxDepth: limits.max_stanza_depth,
      maxAttributes: limits.max_stanza_attributes,
    },
  }
}
