import { choice, flag, fraction, integer, list, oneOfNumbers, table, tables, text } from '../keys.ts'

const topicNotes = {
  description:
    'The topic of pushes that name none: the bundle id of the app. Empty: such pushes have none, which APNs takes with ' +
    'a certificate alone.',
  format: 'topic',
  allowed: 'a bundle id such as com.example.app, or empty',
  example: 'com.example.app',
}

const tagsNotes = {
  description: 'A pool is for pushes all of whose tags are among these. Of several pools the first is taken.',
}

const connectionsNotes = {
  description: 'HTTP/2 connections to the provider at most, per worker. Each has room for many requests.',
}

const poolTls = table({
  ca_file: text('', {
    description: "PEM file of authorities trusted besides the system's: for tests and for proxies.",
    path: 'readable',
    reload: true,
  }),
})

const fcmTable = tables(
  {
    service_account_file: text('', {
      description:
        'The JSON file with a key of the Firebase service account. A new key of the same project is taken over while ' +
        'the daemon runs.',
      path: 'secret',
      example: '/etc/xmpp-pushd/service-account.json',
      reload: true,
    }),
    mode: choice('', ['', 'prod', 'dev'], {
      description: 'The mode of the pushes that this pool is for; FCM itself knows none. Empty: all.',
      allowed: 'prod, dev, or empty',
    }),
    tags: list(tagsNotes),
    endpoint: text('https://fcm.googleapis.com', {
      description: 'Where FCM is. The access tokens come from the `token_uri` of the service account file.',
      format: 'https-origin',
      allowed: 'https://host or https://host:port, without path and user',
    }),
    tls: poolTls,
    connections: integer(2, 1, 64, connectionsNotes),
  },
  'A pool of connections to FCM: one per Firebase project. Which pushes it gets is told by its mode and its tags.',
)

const apnsTable = tables(
  {
    mode: choice('prod', ['prod', 'dev'], {
      description: 'prod: apps from the App Store and TestFlight; dev: those run from Xcode (the sandbox).',
    }),
    key_file: text('', {
      description:
        'The key (.p8) that provider tokens are signed with; `key_id` and `team_id` go with it. A certificate may ' +
        'stand in its place: `cert_file`.',
      path: 'secret',
      example: '/etc/xmpp-pushd/AuthKey_ABC123DEFG.p8',
      reload: true,
    }),
    key_id: text('', {
      description: "The key's id, as it stands in the name of its file.",
      format: 'apple-id',
      allowed: 'ten characters A–Z and 0–9',
      example: 'ABC123DEFG',
      reload: true,
    }),
    team_id: text('', {
      description: 'The id of the team in the Apple Developer Program.',
      format: 'apple-id',
      allowed: 'ten characters A–Z and 0–9',
      example: 'DEF123GHIJ',
      reload: true,
    }),
    cert_file: text('', {
      description:
        "The app's push certificate, instead of a key: PEM with `private_key_file`, or a .p12 file, which holds both.",
      path: 'readable',
      reload: true,
    }),
    private_key_file: text('', {
      description: "PEM file of the certificate's key. It may be `cert_file` itself.",
      path: 'secret',
      reload: true,
    }),
    passphrase_file: text('', {
      description:
        'File with the passphrase of a .p12 file or of an encrypted PEM key, on one line; empty: there is no passphrase.',
      path: 'secret',
      reload: true,
    }),
    default_topic: text('', topicNotes),
    tags: list(tagsNotes),
    port: oneOfNumbers(443, [443, 2197], {
      description: "APNs's port: the other one is for firewalls that let nothing through on 443.",
    }),
    endpoint: text('', {
      description: "Instead of Apple's hosts and `port`: for tests and proxies.",
      format: 'https-origin-or-none',
      allowed: 'https://host or https://host:port, without path and user, or empty',
    }),
    tls: poolTls,
    connections: integer(2, 1, 64, connectionsNotes),
  },
  'A pool of connections to APNs: one per app and mode, since a key is good for both. Which pushes it gets is told by ' +
    'its mode and its tags.',
)

export const gatewayTable = table(
  {
    listen: text('', {
      description: "Where MongoosePush's own HTTP API is served. Empty: it is not.",
      format: 'listen-address-or-none',
      allowed: 'host:port, [IPv6]:port, unix:/path, or empty',
    }),
    token_file: text('', {
      description:
        'File with the bearer tokens of the clients that may push through `listen`, one per line. Where other machines ' +
        'reach `listen`, the daemon requires this key, `tls.client_ca_file` or `open`. /healthcheck and /metrics need no token.',
      path: 'secret',
      reload: true,
    }),
    open: flag(false, {
      description:
        'Whether `listen` may be open to other machines without `token_file` and `tls.client_ca_file`. Then everyone who ' +
        'reaches it may push.',
    }),
    tls: table({
      cert_file: text('', {
        description:
          'PEM file of the certificate, with its chain, for `listen`. It may be empty, which means plain HTTP, only ' +
          'where `listen` is a loopback address or a unix socket.',
        path: 'readable',
        reload: true,
      }),
      key_file: text('', {
        description: "PEM file of the certificate's key.",
        path: 'secret',
        reload: true,
      }),
      client_ca_file: text('', {
        description:
          'PEM file with the authorities of client certificates. With it, clients of `listen` need a certificate to ' +
          'connect, also for /healthcheck and /metrics.',
        path: 'readable',
        reload: true,
      }),
      passphrase_file: text('', {
        description: 'File with the passphrase of `key_file`, on one line; empty: the key is not encrypted.',
        path: 'secret',
        reload: true,
      }),
    }),
    compat: flag(true, {
      description:
        'Whether requests to FCM are as MongoosePush makes them, with what it drops and the empty objects it adds.',
    }),
    request_timeout_ms: integer(5_000, 10, 30_000, {
      description: 'How long a provider may take for an answer, and a request for its place on a connection.',
    }),
    suspect_share: fraction(0.05, {
      description:
        'The daemon compares the owners whose devices a provider refused with all owners that its pool pushed to in the ' +
        'last 10 minutes. Above this share (with at least 100 answers, and 10 owners with a refused device) it suspects ' +
        'the configuration: it raises an alert, and marks no refused device as dead.',
    }),
    topics: choice('known', ['known', 'any'], {
      description:
        'The topics that a publish may name where `push.gateway` is "direct". known: the `default_topic` of its pool, and ' +
        'the topics that Apple derives from it, such as `com.example.app.voip`; a publish with another topic is refused. ' +
        'any: every topic. A pool without a `default_topic` accepts every topic in both cases.',
      reload: true,
    }),
    fcm: fcmTable,
    apns: apnsTable,
  },
  'The daemon as the push gateway itself: it talks to FCM and APNs, for its own pushes (`push.gateway`) and for others ' +
    '(`listen`).',
)
