import { choice, flag, integer, oneOrList, table, text } from '../keys.ts'

const tlsTable = table({
  ca_file: text('', {
    description:
      "PEM file of authorities trusted besides the system's: MongoosePush's certificate is often self-signed.",
    path: 'readable',
  }),
  verify: flag(true, {
    description:
      'Whether its certificate must be valid. Rather than false, name its authority in `tls.ca_file`.',
  }),
})

export const mongoosepushTable = table(
  {
    url: oneOrList('https://localhost:8443', undefined, 'origin', {
      description:
        'Where MongoosePush listens, or a list: used in turn, a failing one is left out until it recovers.',
      allowed:
        'http(s)://host:port without path and user, or a list of such (the path goes into path_prefix)',
    }),
    api_version: choice('v3', ['v1', 'v2', 'v3'], { description: 'Which version of its API is spoken.' }),
    max_http_connections: integer(100, 1, 65_535, {
      description: 'Connections in all, shared out among the workers.',
    }),
    request_timeout_ms: integer(2_000, 10, 30_000, {
      description: 'How long one request may take, the wait for a connection included.',
    }),
    path_prefix: text('/', {
      description: 'What comes before /v3/… in the path.',
      format: 'path-prefix',
      allowed: 'a path that begins with /, without ? and #',
    }),
    tls: tlsTable,
  },
  'The push gateway.',
)
