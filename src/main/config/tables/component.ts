import { choice, flag, integer, list, oneOrList, requiredText, tables, text } from '../keys.ts'

const publishersNotes = {
  description:
    'Senders that may publish. "any": every sender that the node admits; "servers": only a bare domain or a bare JID, ' +
    'which is how XMPP servers publish (XEP-0357 §3), while clients use a full JID; or a list of domains. The daemon ' +
    'itself may always publish, from any of its domains. On a virtual host "any" is an open relay, and `check` warns of ' +
    'it: list your servers there.',
  allowed: '"any", "servers", or a list of domains',
  reload: true,
}

export const componentTable = tables(
  {
    domain: requiredText({
      description: 'The domain that the XMPP server routes to this component.',
      format: 'domain',
      allowed: 'a domain in lower case, such as pubsub.example.com',
      example: 'pubsub.example.com',
    }),
    server: text('127.0.0.1:5347', {
      description: "The XMPP server's listener for components (XEP-0114).",
      format: 'address',
      allowed: 'host:port, [IPv6]:port, or unix:/path',
    }),
    hosts: list(
      {
        description:
          'The XMPP domains of the server behind this component. Its streams may carry stanzas from these domains and ' +
          'from domains that no component lists; stanzas from the domains of another server are dropped. Default: ' +
          '`push.served_hosts` while all components name one `server`; with several servers each component needs this key.',
        allowed: 'a list of domains in lower case',
        example: ['example.com'],
        reload: true,
      },
      'domain',
    ),
    server_kind: choice('standard', ['standard', 'openfire'], {
      description:
        'The kind of XMPP server. openfire: the stream header asks for several streams of one component, which ' +
        'Openfire refuses otherwise; standard: every other server.',
    }),
    secret_file: text('', {
      description:
        'File with the secret shared with the XMPP server. Without it and without `secret` a systemd credential ' +
        "of the domain's name is used.",
      path: 'secret',
      example: '/etc/xmpp-pushd/pubsub.example.com.secret',
    }),
    secret: text('', {
      description: 'The secret itself, instead of `secret_file`.',
      confidential: true,
    }),
    tls: flag(false, {
      description: 'Direct TLS from the first byte, as ejabberd offers it; plain TCP otherwise.',
    }),
    tls_ca_file: text('', {
      description: "PEM file of the authorities trusted for `tls`; empty: the system's.",
      path: 'readable',
    }),
    tls_verify: flag(true, {
      description: "Whether the server's certificate must be valid for the host in `server`.",
    }),
    connections: integer(2, 1, 32, {
      description:
        'Streams to the server. It never sees us away while one is left; a server that allows only one ' +
        '(Prosody, MongooseIM) keeps the others waiting as a standby.',
    }),
    ping_interval_ms: integer(15_000, 100, 3_600_000, {
      description:
        'How often a stream is tried with a ping to our own domain. Together with `ping_timeout_ms` it should stay ' +
        'below the 32 s in which ejabberd waits for an answer.',
    }),
    ping_timeout_ms: integer(10_000, 100, 60_000, {
      description:
        'How long the ping may take before the daemon takes the stream for dead and opens a new one.',
    }),
    standby_ms: integer(1_000, 100, 60_000, {
      description:
        'How often the daemon tries to connect while another daemon holds the domain (`conflict`), and it is the standby. Each ' +
        'wait is between half of this and all of it, at random.',
    }),
    pubsub: flag(true, {
      description: 'Whether push nodes can be made on this domain (PubSub-full).',
      reload: true,
    }),
    publishers: oneOrList('any', ['any', 'servers'], 'domain', publishersNotes),
    tags: list({
      description: 'MongoosePush pool tags for pushes from this domain. Clients cannot give any.',
      reload: true,
    }),
  },
  'One table per domain.',
)
