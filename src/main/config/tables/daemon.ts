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
        'Where metrics, health, publishes over HTTP and the admin routes are served. `localhost` is 127.0.0.1.',
      format: 'listen-address',
      allowed: 'host:port, [IPv6]:port, or unix:/path',
    }),
    token_file: text('', {
      description:
        'File with the bearer token that /v1 and /admin ask for, on one line. Empty: the one in `data_dir`/http.token, ' +
        'which the daemon makes when there is none. A unix socket asks for none: its file lets in the owner and the ' +
        'group.',
      path: 'secret',
      reload: true,
    }),
    hosts: list(
      {
        description:
          'Names by which the server may be asked (the `Host` of a request) besides the address of `listen` and ' +
          'localhost, and whose pages may ask it (`Origin`). /metrics, /healthz and /readyz go by any name. Where ' +
          '`listen` is a wildcard, any literal address will do.',
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
      description: 'How much of the text of one element is kept.',
    }),
    max_stanza_bytes: integer(262_144, 10_000, 67_108_864, {
      description: 'How much of one stanza is kept: names, values and texts.',
    }),
    max_stanza_depth: integer(32, 8, 1000, {
      description: 'How deep the elements of a stanza that are kept stand in one another.',
    }),
    max_stanza_attributes: integer(64, 16, 1000, {
      description: 'How many attributes of one element are kept.',
    }),
    max_stream_stanza_bytes: integer(67_108_864, 1_048_576, 1_073_741_824, {
      description: 'The longest stanza taken from an XMPP server; a longer one costs it the stream.',
    }),
  },
  'Bounds on what is kept of a stanza. The sender of a stanza chooses its content, so the rest is skipped, and only ' +
    '`max_stream_stanza_bytes` ends a stream.',
)
