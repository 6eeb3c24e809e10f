import { pluginFaults } from '../../core/plugin-protocol.ts'
import { losses } from '../../core/xml/pruned-element.ts'
import type { Exposition } from './exposition.ts'
import { type AnyFamily, CounterFamily, GaugeFamily, HistogramFamily, type Labels } from './family.ts'

/**
 * Every metric of the daemon: name (after `xmpp_pushd_`), help, labels with their known values. The file is
 * the reference, and over 300 lines for that; who counts fetches a child once
 * (`metrics.publishes.child(domain, 'delivered')`).
 */

/** What became of a publish. The `rejected_` ones are the checks, in their order. */
export const publishResults = [
  'rejected_malformed',
  'rejected_no_node',
  'rejected_forbidden',
  'rejected_no_device',
  'rejected_target',
  'rejected_payload',
  'rejected_content',
  'rejected_dead_device',
  'rejected_no_room',
  'delivered',
  'stored',
  /** Empty, and `content.on_empty = "drop"`: answered with a result, nothing sent. */
  'dropped',
  'dead_device',
  'suspect',
  /** Accepted, but it never got a turn before the reply deadline. */
  'overload',
  /** Any other fault: the gateway's, the operator's, or of this one notification. */
  'failed',
] as const
export type PublishResult = (typeof publishResults)[number]

/** How a notification ended: each ends exactly once. */
export const notificationOutcomes = [
  'delivered',
  'dead_device',
  'suspect',
  'invalid',
  'operator_fault',
  /** The reply deadline came and nothing was stored. */
  'undelivered',
  'expired',
  /** Stored, and a newer one to the same node and device took its place. */
  'superseded',
  /** Stored, and `queue.retry.max_attempts` were made. */
  'exhausted',
  /** No room, or no turn in time. */
  'overflow',
] as const
export type NotificationOutcome = (typeof notificationOutcomes)[number]

/** A stranger names the service: the label takes the two that everybody has, and one for all else. */
export function serviceLabel(service: string): 'apns' | 'fcm' | 'other' {
  return service === 'apns' || service === 'fcm' ? service : 'other'
}

const services = ['apns', 'fcm', 'other']
/** The ways in of message events. */
export const eventSources = ['message', 'mongooseim', 'ejabberd', 'forwarded', 'push_offline'] as const
export type EventSource = (typeof eventSources)[number]
/** What became of one. */
export const eventResults = ['notified', 'skipped', 'duplicate', 'refused', 'failed'] as const
export type EventResult = (typeof eventResults)[number]

/** Where a stream to an XMPP server stands. */
export const streamStates = ['waiting', 'connecting', 'up', 'standby', 'stopped'] as const
export type StreamStateName = (typeof streamStates)[number]
/**
 * What a start consists of, in the order in which it ends: the configuration is read, the streams begin to connect, each of them
 * is up or has failed once, the store is open, the workers are there, the ports are open.
 */
export const startPhases = ['configuration', 'connecting', 'streams', 'store', 'workers', 'ready'] as const
export type StartPhase = (typeof startPhases)[number]
/** Why a stream was lost, or did not come up. */
export const lossCauses = [
  /** Without a stream error of the server: no connection, faulty XML, no answer to pings, a connection that just ended. */
  'network',
  /** The stream was not up within the time limit of the handshake. */
  'timeout',
  /** `<stream:error/>`, other than those below. */
  'stream-error',
  /** `<conflict/>`: the server has a stream of this domain, and one is all it takes. */
  'conflict',
  /** `<invalid-from/>`: the server does not accept a `from` of the daemon. */
  'invalid-from',
  /** `<not-authorized/>` or `<host-unknown/>` before the stream was up: somebody has to change a configuration. */
  'refused',
] as const
export type LossCause = (typeof lossCauses)[number]
const retryCauses = [
  'throttled',
  'server_error',
  'timeout',
  'connect_error',
  'connection_lost',
  'worker_lost',
  /** A provider has said that it did nothing with it, or there was no place for it in time. */
  'not_processed',
  /** A provider took the token that vouches for us for too old. */
  'token_expired',
  /** Stored, and met a fault of the operator's: it is tried until that is mended. */
  'operator_fault',
  /** Stored or journalled by an earlier run, and perhaps sent by it. */
  'restart',
  /** With a gateway when the daemon's successor took over: sent, perhaps delivered. */
  'handover',
]
/** Codes of the served API, and that the client did not wait for one. */
const servedStatuses = [
  ...['200', '202', '400', '401', '403', '404', '405', '410', '413', '421', '422', '429', '500', '503'],
  'gone',
]
/** Codes that the gateway is known to give, and what happens instead of an answer. */
const gatewayStatuses = ['200', '400', '410', '413', '422', '429', '500', '503', ...retryCauses.slice(2, 7)]

/**
 * From half a millisecond, what the daemon itself takes, over the gateway's usual 5–250 ms, to the default
 * reply deadline of 10 s; 30 s is the last that any XMPP server waits for.
 */
const publishBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** One HTTP request: loopback answers in about a millisecond, the default request timeout is 2 s. */
const gatewayBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10]

export class Metrics {
  readonly publishes = new CounterFamily('publishes_total', 'Publishes answered, by what became of them.', {
    domain: 'domains',
    result: publishResults,
  })
  readonly publishDuration = new HistogramFamily(
    'publish_duration_seconds',
    'Time from a publish being read to its answer being written.',
    publishBounds,
    { domain: 'domains' },
  )
  readonly tagsIgnored = new CounterFamily(
    'publish_tags_ignored_total',
    'Publishes whose pool tags were ignored: only the configuration gives tags.',
    { domain: 'domains' },
  )
  readonly notifications = new CounterFamily(
    'notifications_total',
    'Notifications that ended, by provider and outcome.',
    { service: services, outcome: notificationOutcomes },
  )
  readonly notificationsShortened = new CounterFamily(
    'notifications_shortened_total',
    'Notifications whose text was cut because the gateway called them too large.',
    { service: services },
  )
  readonly dataFieldsDropped = new CounterFamily(
    'data_fields_dropped_total',
    'Data fields left out because the provider keeps their names for itself.',
    { service: services },
  )
  readonly suspectAlarm = new GaugeFamily(
    'suspect_alarm',
    'Whether (1) so many devices are refused that the configuration, not the devices, is at fault.',
    { service: services },
  )
  readonly gatewayRequests = new CounterFamily(
    'gateway_requests_total',
    'HTTP requests to the gateway, by status code or by what happened instead of an answer.',
    { pool: 'pools', status: gatewayStatuses },
  )
  readonly gatewayRequestDuration = new HistogramFamily(
    'gateway_request_duration_seconds',
    'Time of one HTTP request to the gateway, from its being sent to its answer.',
    gatewayBounds,
    { pool: 'pools' },
  )
  readonly gatewayInflight = new GaugeFamily(
    'gateway_inflight',
    'Notifications handed to the workers for this gateway and not yet answered by it.',
    { pool: 'pools' },
  )
  readonly gatewayConnections = new GaugeFamily(
    'gateway_connections',
    'Open connections to the gateway, over all workers; all services share them, so the pool is its host.',
    { pool: 'met' },
  )
  readonly gatewayCircuitState = new GaugeFamily(
    'gateway_circuit_state',
    'Whether the gateway is in use: 0 yes, 1 being probed, 2 left out.',
    { pool: 'pools' },
  )
  readonly gatewayPaused = new GaugeFamily(
    'gateway_paused',
    'Whether (1) the pool is paused because its provider throttles it: one push goes out every 5 s.',
    { pool: 'met' },
  )
  readonly gatewayPausedDevices = new GaugeFamily(
    'gateway_paused_devices',
    'Devices of the pool that are paused because their provider throttles pushes to them; other devices get theirs.',
    { pool: 'met' },
  )
  readonly providerAuthorized = new GaugeFamily(
    'provider_authorized',
    'Whether (1) there is a token or a certificate that authorizes the daemon at the provider of the pool; 0: no pushes go out to it.',
    { pool: 'met' },
  )
  readonly certificateExpiry = new GaugeFamily(
    'certificate_expiry_timestamp_seconds',
    'When a certificate of ours ends, by the key of the configuration that names its file.',
    { certificate: 'met' },
  )
  readonly pending = new GaugeFamily('pending', 'Notifications held in memory and not yet settled.')
  readonly pendingBytes = new GaugeFamily(
    'pending_bytes',
    'Upper estimate of the memory that pending notifications take.',
  )
  readonly pendingBytesLimit = new GaugeFamily(
    'pending_bytes_limit',
    'queue.max_pending_bytes: domains share it as they share queue.max_pending.',
  )
  readonly pendingLimit = new GaugeFamily(
    'pending_limit',
    'queue.max_pending: one domain may have three quarters of what the others leave.',
  )
  readonly domainPending = new GaugeFamily(
    'domain_pending',
    'Of those pending, the ones that came in on this domain (events over HTTP: http), since it was first used.',
    { domain: 'met' },
  )
  readonly domainHeld = new GaugeFamily(
    'domain_held',
    'Whether (1) the daemon does not read the streams of the domain, because the domain has used its share of queue.max_pending ' +
      'or queue.max_pending_bytes, or is crowded and has many pushes on their way to the disk.',
    { domain: 'met' },
  )
  readonly stored = new GaugeFamily('stored', 'Notifications stored on disk for later delivery.')
  readonly storedBytes = new GaugeFamily(
    'stored_bytes',
    'Disk space that the notifications stored for later delivery take.',
  )
  readonly storedBytesLimit = new GaugeFamily(
    'stored_bytes_limit',
    'queue.max_stored_bytes: notifications over it are refused.',
  )
  readonly storedOldestAge = new GaugeFamily(
    'stored_oldest_age_seconds',
    'Age of the oldest notification stored for later delivery; 0 when there is none.',
  )
  readonly storedLimit = new GaugeFamily('stored_limit', 'queue.max_stored: what comes beyond it is refused.')
  readonly deadLetters = new GaugeFamily(
    'dead_letters',
    'Records of acknowledged notifications that were not delivered.',
  )
  readonly backlogRate = new GaugeFamily(
    'backlog_rate_per_second',
    'How many stored notifications a second may go out at present; it doubles while that works.',
    { service: services },
  )
  readonly retries = new CounterFamily('retries_total', 'Attempts made again, by why the last one failed.', {
    cause: retryCauses,
  })
  readonly componentConnected = new GaugeFamily(
    'component_connected',
    'Streams to the XMPP server that are up.',
    { domain: 'components' },
  )
  readonly componentStreams = new GaugeFamily(
    'component_streams',
    'The configured streams by state; standby: the server takes none beside the one that is up.',
    { domain: 'components', state: streamStates },
  )
  readonly componentReconnects = new CounterFamily(
    'component_reconnects_total',
    'Attempts to open a stream again after it was lost or refused.',
    { domain: 'components' },
  )
  readonly componentStreamsLost = new CounterFamily(
    'component_streams_lost_total',
    'Streams that were lost or did not come up, by cause.',
    { domain: 'components', cause: lossCauses },
  )
  readonly componentReadDelay = new GaugeFamily(
    'component_read_delay_seconds',
    'How long the server takes to read what is sent now, on the slowest stream; 0: no delay is seen.',
    { domain: 'components' },
  )
  readonly stanzas = new CounterFamily('stanzas_total', 'Stanzas received.', {
    domain: 'components',
    kind: ['iq', 'message', 'presence', 'other'],
  })
  readonly stanzasDropped = new CounterFamily(
    'stanzas_dropped_total',
    'Received stanzas that the daemon has no use for or that the stream may not carry, and (no-stream) answers that had no stream.',
    {
      domain: 'domains',
      why: [
        ...['iq-response', 'message', 'presence', 'unaddressed'],
        ...['foreign-from', 'foreign-to', 'no-stream'],
      ],
    },
  )
  readonly workerUtilization = new GaugeFamily(
    'worker_utilization',
    "Share of the time that the worker's event loop was busy, 0 to 1.",
    { worker: 'workers' },
  )
  readonly workerQueue = new GaugeFamily(
    'worker_queue',
    'Notifications handed to the worker and not yet answered by it.',
    { worker: 'workers' },
  )
  readonly workerRestarts = new CounterFamily(
    'worker_restarts_total',
    'Workers replaced because they ended or no longer answered.',
    { worker: 'workers' },
  )
  readonly storeWritable = new GaugeFamily(
    'store_writable',
    'Whether (1) the last change was written to the store, or none was tried yet; 0: it failed.',
  )
  readonly nodes = new GaugeFamily('nodes', 'Push nodes stored.')
  readonly nodesLimit = new GaugeFamily('nodes_limit', 'push.max_nodes: no further nodes are created.')
  readonly nodesCrowdedHosts = new GaugeFamily(
    'nodes_crowded_hosts',
    'XMPP domains whose users own 90 % or more of push.max_nodes_per_host, of those that made a node since the start.',
  )
  readonly subscriptions = new GaugeFamily('subscriptions', 'Push subscriptions stored.')
  readonly deadDevices = new GaugeFamily('dead_devices', 'Devices remembered as gone.')
  readonly registrationsDisabled = new CounterFamily(
    'registrations_disabled_total',
    'Registrations removed by the daemon itself, by reason.',
    { reason: ['dead_device', 'suspect_limit', 'refused', 'unreachable', 'account_gone', 'unused'] },
  )
  readonly events = new CounterFamily('events_total', 'Message events taken in, by way in and result.', {
    source: eventSources,
    result: eventResults,
  })
  readonly pluginFailures = new CounterFamily(
    'plugin_failures_total',
    'Events that push.plugin failed to decide, by cause; no user was notified of them, or (gone) the defaults decided.',
    { cause: [...pluginFaults, 'gone'] },
  )
  readonly pluginRestarts = new CounterFamily(
    'plugin_restarts_total',
    'Times that the thread of push.plugin ended, or the daemon ended it, and was started again.',
  )
  readonly publishesSent = new CounterFamily(
    'publishes_sent_total',
    'Publishes to App Servers elsewhere, by result.',
    { result: ['taken', 'refused', 'failed', 'timeout', 'withdrawn', 'overflow'] },
  )
  readonly publishesUnanswered = new GaugeFamily(
    'publishes_unanswered',
    'Publishes to App Servers elsewhere that have not ended.',
  )
  readonly limitsHit = new CounterFamily(
    'limits_hit_total',
    'Times a limit was reached, for every limit that has no metric of its own.',
    {
      limit: [
        ...losses,
        'stream_stanza',
        'unsent_bytes',
        'summary_fields',
        'push_text',
        'max_pending',
        'max_pending_bytes',
        'sender_pending',
        'max_stored',
        'max_stored_bytes',
        'sender_stored',
        'paused_devices',
        'suspects',
        'delivered_topics',
        'max_nodes_per_owner',
        'max_nodes_per_host',
        'max_nodes',
        'node_owners',
        'node_name_bytes',
        'node_record_bytes',
        'node_affiliations',
        'node_affiliation_bytes',
        'lists_waiting',
        'unsent_queries',
        'sent_stanza_bytes',
        'max_subscriptions_per_user',
        'dedup_events',
        'plugin_events',
        'publishes_sent',
        'http_connections',
        'http_request_time',
        'http_open_requests',
        'http_idle_time',
        'http_body_bytes',
        'served_connections',
        'served_connections_per_address',
        'served_requests',
        'served_streams',
        'served_header_bytes',
        'served_body_bytes',
        'served_bodies_bytes',
        'served_request_time',
        'served_answer_time',
        'served_open_requests',
      ],
    },
  )
  readonly httpRequests = new CounterFamily(
    'http_requests_total',
    "Requests to the daemon's own HTTP server, by route and status code.",
    { route: 'met', status: 'met' },
  )
  readonly servedRequests = new CounterFamily(
    'served_requests_total',
    'Requests to the served API, by route and status code.',
    { route: ['v1', 'v2', 'v3', 'other'], status: servedStatuses },
  )
  readonly servedRequestDuration = new HistogramFamily(
    'served_request_duration_seconds',
    'Time from the head of a request to the served API being read to its answer being written.',
    publishBounds,
    { version: ['v1', 'v2', 'v3'] },
  )
  readonly servedConnections = new GaugeFamily('served_connections', 'Open connections of the served API.', {
    protocol: ['http/1.1', 'h2'],
  })
  readonly configReloads = new CounterFamily('config_reloads_total', 'Times the configuration was reread.', {
    result: ['applied', 'refused'],
  })
  readonly startSeconds = new GaugeFamily(
    'start_seconds',
    'Time from the start of the process to the end of each start phase; 0: not finished yet.',
    { phase: startPhases },
  )
  readonly buildInfo = new GaugeFamily('build_info', 'Always 1; the label says what runs.', {
    version: 'met',
  } satisfies Labels)

  readonly #families: readonly AnyFamily[]
  #exposition: Promise<Exposition> | undefined

  /**
   * `pools`: gateways by host and service, as the dispatcher labels them; `workers`: how many worker threads;
   * `components`: those of `domains` that have streams. Children of all these exist from the start.
   */
  constructor(
    version: string,
    domains: readonly string[] = [],
    pools: readonly string[] = [],
    workers: number = 0,
    components: readonly string[] = domains,
  ) {
    this.#families = Object.values(this) as AnyFamily[]
    const workerNames = Array.from({ length: workers }, (_, i) => String(i))
    for (const family of this.#families) family.prepare({ domains, components, pools, workers: workerNames })
    this.buildInfo.child(version).set(1)
  }

  /** The text of `/metrics`: OpenMetrics when `accept` (an Accept header) asks for it, else Prometheus. */
  async render(accept: string | undefined): Promise<{ contentType: string; body: string }> {
    return (await this.loadExposition()).render(accept)
  }

  /** What `render` needs, and nobody before it: it takes a while to load. */
  loadExposition(): Promise<Exposition> {
    this.#exposition ??= import('./exposition.ts').then(({ Exposition }) => new Exposition(this.#families))
    return this.#exposition
  }
}
