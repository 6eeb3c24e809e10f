import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Config } from './config/config.ts'
import { redacted } from './config/redacted.ts'
import { deadLetterDesk } from './dead-letter-desk.ts'
import type { Dispatcher } from './dispatch/dispatcher.ts'
import type { Exchange } from './exchange.ts'
import type { ProviderDesk } from './gateway/provider-desk.ts'
import type { Restarts } from './handover/restarts.ts'
import type { HealthCheck, HttpPorts } from './http/ports.ts'
import type { XmppServer } from './roles/xmpp-server/xmpp-server.ts'
import type { Secret } from './secret.ts'
import type { DeadDeviceStore } from './store/dead-device-ports.ts'
import type { NodeRecord, NodeStore } from './store/node-ports.ts'
import type { DeadLetterStore, SubscriptionStore } from './store/ports.ts'
import type { StoreError } from './store/store-error.ts'
import { subscriptionDesk } from './subscription-desk.ts'
import type { ComponentDomain } from './xmpp/component-domain.ts'

/** The parts of the daemon that its HTTP server shows. */
export interface ShownParts {
  readonly config: () => Config
  readonly stopping: () => boolean
  readonly httpToken: () => Secret | undefined
  readonly storeFault: () => StoreError | undefined
  readonly nodes: NodeStore
  readonly deadDevices: DeadDeviceStore
  readonly letters: DeadLetterStore
  readonly subscriptions: SubscriptionStore
  readonly dispatcher: Dispatcher
  readonly desk: ProviderDesk
  readonly exchange: Exchange
  readonly xmppServer: XmppServer
  readonly domains: ReadonlyMap<string, ComponentDomain>
  /** Where the gateway's API is served; undefined: nowhere. */
  readonly servedAddress: () => string | undefined
  readonly restarts: Restarts
}

type ShownPorts = Omit<HttpPorts, 'version' | 'metrics' | 'log' | 'nowMs'>

/** A turn of the event loop that takes so long costs XMPP servers their patience. */
const slowTurnMs = 1_000

export function httpPorts(parts: ShownParts): ShownPorts {
  const { dispatcher, desk, exchange, xmppServer, domains, nodes, deadDevices, config } = parts
  const health = healthChecks(parts)
  return {
    token: parts.httpToken,
    hosts: () => config().http.hosts,
    health,
    notReady: () => notReady(parts),
    publish: (input, sink) => exchange.publish(input, input.domain, sink),
    eventsHeldBack: () => {
      if (parts.stopping()) return 'stopping'
      return xmppServer.full || !exchange.hasRoomForEvents ? 'no-room' : undefined
    },
    takeEvent: (event, ended) => xmppServer.take(event, ended),
    subscriptions: subscriptionDesk(
      parts.subscriptions,
      () => config().push.max_subscriptions_per_user,
      Date.now,
    ),
    streams: () => Object.fromEntries([...domains].map(([name, domain]) => [name, domain.state()])),
    pools: () => {
      const { gateways, workers } = dispatcher.state()
      return {
        gateways: gateways.map((gateway) => ({ ...gateway, ...desk.faults(gateway.pool) })),
        workers,
        served_at: parts.servedAddress() ?? null,
      }
    },
    queue: () => {
      const state = dispatcher.state()
      const { pending, pendingBytes, waiting, accepted, late, stored, storedBytes, oldestAtMs } = state
      const { max_pending, max_pending_bytes, max_stored, max_stored_bytes } = config().queue
      return {
        pending,
        max_pending,
        pending_bytes: pendingBytes,
        max_pending_bytes,
        waiting,
        accepted,
        late,
        stored,
        max_stored,
        stored_bytes: storedBytes,
        max_stored_bytes,
        stored_oldest: oldestAtMs === undefined ? null : isoTime(oldestAtMs),
        dead_letters: parts.letters.count(),
      }
    },
    config: () => redacted(config()),
    node: (domain, node) => {
      const record = nodes.get(domain, node)
      const recent = exchange.recent(domain, node).map(({ result, atMs }) => ({ result, at: isoTime(atMs) }))
      if (record === undefined) return recent.length === 0 ? undefined : { domain, node, recent }
      return { domain, node, ...shownRecord(record), recent }
    },
    ...deadLetterDesk(parts),
    restartState: () => parts.restarts.state(),
    restart: () => {
      const refusal = parts.stopping() ? 'the daemon is stopping' : parts.restarts.refusal
      if (refusal === undefined) parts.restarts.ask('POST /admin/restart')
      return refusal
    },
    deadDevice: (device, domain, node) => {
      const { gone, suspectedAt } = deadDevices.marksOf(device)
      const dead = domain === undefined ? gone : deadDevices.isDead(device, domain, node ?? '')
      return { dead, gone, suspected_at: suspectedAt }
    },
  }
}

function shownRecord({ owner, configuration, affiliations, registration, createdAtMs }: NodeRecord): object {
  return {
    owner,
    configuration,
    affiliations,
    // The options, not the secret.
    registration: registration?.options,
    created: isoTime(createdAtMs),
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

function notReady({ domains, dispatcher, stopping }: ShownParts): string[] {
  const missing: string[] = []
  if (stopping()) missing.push('the daemon is stopping')
  for (const [name, { fault }] of domains) if (fault !== undefined) missing.push(`${name}: ${fault}`)
  if (dispatcher.state().gatewayDown) missing.push('the gateway is down')
  return missing
}

function healthChecks({ dispatcher, storeFault, stopping }: ShownParts): () => HealthCheck[] {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  return () => {
    const longestMs = Math.round(delay.max / 1e6)
    delay.reset()
    const fault = storeFault()
    return [
      {
        component: 'event-loop',
        measurement: 'delay',
        componentId: undefined,
        status: longestMs > slowTurnMs ? 'warn' : 'pass',
        value: longestMs,
        unit: 'ms',
        output: undefined,
      },
      {
        component: 'store',
        measurement: 'writable',
        componentId: undefined,
        status: fault === undefined ? 'pass' : 'fail',
        value: fault === undefined,
        unit: undefined,
        output: fault?.message,
      },
      ...dispatcher.state().workers.map(
        ({ index, up }): HealthCheck => ({
          component: 'worker',
          measurement: 'alive',
          componentId: String(index),
          // One that has ended with the daemon's stop is no fault.
          status: up || stopping() ? 'pass' : 'fail',
          value: up,
          unit: undefined,
          output: up || stopping() ? undefined : 'not up; a new one is being started',
        }),
      ),
    ]
  }
}
