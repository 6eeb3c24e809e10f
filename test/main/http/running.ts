import { pino } from 'pino'
import { afterEach } from 'vitest'
import type { HealthCheck, HttpPorts } from '../../../src/main/http/ports.ts'
import { type HttpLimits, HttpServer } from '../../../src/main/http/server.ts'
import { Metrics } from '../../../src/main/metrics/table.ts'
import type { PublishInput } from '../../../src/main/roles/app-server/publish-input.ts'
import type { IncomingEvent } from '../../../src/main/roles/xmpp-server/event-intake.ts'
import { Secret } from '../../../src/main/secret.ts'

const neverRestarted = {
  pid: 7,
  version: '1',
  config: 'pushd.toml',
  attempts: 0,
  under_way: false,
  failed: null,
}

/** Closed after each test. */
export const servers: HttpServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

const token = new Secret('open-sesame')
/** What the token is shown by. */
export const good = { authorization: 'Bearer open-sesame' }
const noHosts: readonly string[] = []

export interface Running {
  readonly url: string
  readonly log: string[]
  readonly published: PublishInput[]
  readonly events: IncomingEvent[]
  readonly metrics: Metrics
}

export function check(more: Partial<HealthCheck>): HealthCheck {
  return {
    component: 'store',
    measurement: 'writable',
    componentId: undefined,
    status: 'pass',
    value: undefined,
    unit: undefined,
    output: undefined,
    ...more,
  }
}

/** A server on a port of its own; it remembers what it was asked to publish. */
export async function run(
  more: Partial<HttpPorts> = {},
  { limits = {}, host = '127.0.0.1' }: { limits?: Partial<HttpLimits>; host?: string } = {},
): Promise<Running> {
  const log: string[] = []
  const published: PublishInput[] = []
  const events: IncomingEvent[] = []
  const metrics = new Metrics('1.2.3')
  const server = new HttpServer(
    {
      version: '1.2.3',
      metrics,
      log: pino({}, { write: (line: string) => void log.push(line) }),
      nowMs: () => 0,
      token: () => token,
      hosts: () => noHosts,
      health: () => [check({})],
      notReady: () => [],
      publish: (input, sink) => {
        published.push(input)
        sink.publishEnded({ error: undefined, result: 'delivered' })
      },
      eventsHeldBack: () => undefined,
      takeEvent: (event, ended) => {
        events.push(event)
        ended({ notified: 1, safety: 'safe' })
      },
      subscriptions: noSubscriptions,
      streams: () => ({ 'a.example': [] }),
      pools: () => ({ gateways: [] }),
      queue: () => ({ pending: 0 }),
      config: () => ({ data_dir: '/x' }),
      node: (domain, node) => (node === 'known' ? { domain, node } : undefined),
      deadLetters: (limit, before) => ({ limit, before: before ?? null }),
      retryDeadLetters: async (ids) => ({ retried: ids.length, unknown: [] }),
      deadDevice: (device) => ({ dead: device.id === 'gone', ...device }),
      restartState: () => neverRestarted,
      restart: () => undefined,
      ...more,
    },
    limits,
  )
  servers.push(server)
  const url = await server.listen({ kind: 'tcp', host, port: 0 })
  return { url, log, published, events, metrics }
}

export async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  type = 'application/json',
  headers: Record<string, string> = good,
) {
  const response = await fetch(`${url}/v1/publish`, {
    method: 'POST',
    body,
    headers: { 'content-type': type, ...headers },
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

export async function get(url: string, headers: Record<string, string> = good) {
  const response = await fetch(url, { headers })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

export const publish = {
  host: 'a.example',
  node: 'n',
  options: { service: 'apns', device_id: 'd' },
  summary: {},
}

/** A daemon that knows nothing. */
export function portsOf(metrics: Metrics): HttpPorts {
  return {
    version: '1',
    metrics,
    log: pino({ level: 'silent' }),
    nowMs: () => 0,
    token: () => token,
    hosts: () => noHosts,
    health: () => [],
    notReady: () => [],
    publish: (_input, sink) => sink.publishEnded(undefined),
    eventsHeldBack: () => undefined,
    takeEvent: (_event, ended) => ended({ notified: 0, safety: 'safe' }),
    subscriptions: noSubscriptions,
    streams: () => ({}),
    pools: () => ({}),
    queue: () => ({}),
    config: () => ({}),
    node: () => undefined,
    deadLetters: (limit, before) => ({ limit, before: before ?? null }),
    retryDeadLetters: async (ids) => ({ retried: ids.length, unknown: [] }),
    deadDevice: () => ({ dead: false }),
    restartState: () => neverRestarted,
    restart: () => undefined,
  }
}

const noSubscriptions: HttpPorts['subscriptions'] = {
  of: () => ({}),
  page: () => ({}),
  disable: async () => ({}),
  removeUser: async () => ({}),
  removeDomain: async () => ({}),
  import: async () => ({}),
}
