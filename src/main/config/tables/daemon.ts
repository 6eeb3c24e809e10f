import { choice, integer, list, table, text } from '../keys.ts'

/** The keys above all tables. */
export const daemonKeys = {
  data_dir: text('/var/lib/xmpp-pushd', {
    description:
      'Where push nodes, dead devices and stored notifications are kept. One daemon at a time may use it.',
    path: 'any',
  }),
  drain_timeout_ms: integer(10_000, 0, 600_000, {
    description: 'How long a stop may take: what is not delivered by then is stored.',
    reload: true,
  }),
  handover_ms: integer(2_000, 0, 60_000, {
    description:
      'In a planned restart, how long the old process waits for answers of the gateway before its successor takes over: what ' +
      'has none by then is stored, and sent again. No stream is read meanwhile.',
    reload: true,
  }),
}

export const logTable = table(
  {
    level: choice('info', ['trace', 'debug', 'info', 'warn', 'error'], {
      description: 'From which level on lines are written. At info no line is about a single notification.',
      reload: true,
    }),
    format: choice('json', ['json', 'pretty'], {
      description: 'json: one object per line, for machines; pretty: for the eye.',
    }),
  },
  'Logs, on standard output.',
)

export const httpTable = table(
  {
    listen: text('127.0.0.1:9590', {
      description:
        'Where metrics, health, publishes over HTTP and the admin routes are served. `localhost` means 127.0.0.1.',
      format: 'listen-address',
      allowed: 'host:port, [IPv6]:port, or unix:/path',
    }),
    token_file: text('', {
      description:
        'File with the bearer token for /v1 and /admin, on one line. Empty: the token is in `data_dir`/http.token, which ' +
        'the daemon creates if it is missing. Requests over a unix socket need no token: only the owner and the group of ' +
        'its file can connect.',
      path: 'secret',
      reload: true,
    }),
    hosts: list(
      {
        description:
          'Host names that requests may have in `Host`, and in `Origin` when a web page sends them, besides the address ' +
          'of `listen` and localhost. /metrics, /healthz and /readyz accept every name. Where `listen` is a wildcard ' +
          'address, every literal IP address is accepted.',
        example: ['push-admin.example.com'],
        reload: true,
      },
      'host',
    ),
  },
  "The daemon's own HTTP server.",
)

export const limitsTable = table(
  {
    max_text_bytes: integer(16_384, 1024, 1_048_576, {
      description: 'The most bytes kept of the text of one element: at most half of `max_stanza_bytes`.',
    }),
    max_stanza_bytes: integer(262_144, 10_000, 67_108_864, {
      description: 'The most bytes kept of one stanza: names, values and texts.',
    }),
    max_stanza_depth: integer(32, 8, 1000, {
      description: 'The deepest level of nested elements that is kept of a stanza.',
    }),
    max_stanza_attributes: integer(64, 16, 1000, {
      description: 'The most attributes kept of one element.',
    }),
    max_stream_stanza_bytes: integer(67_108_864, 1_048_576, 1_073_741_824, {
      description: 'The longest stanza that the daemon reads, in bytes; a longer one ends the stream.',
    }),
  },
  'Limits on stanzas from an XMPP server. Any user can send a stanza that is over a limit, so the daemon skips the rest ' +
    'of it and keeps the stream. Only `max_stream_stanza_bytes` ends a stream.',
)
