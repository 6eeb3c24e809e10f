import { availableParallelism } from 'node:os'
import { choice, integer, list, oneOrList, table, text } from '../keys.ts'

const wpoolTable = table({
  workers: integer(Math.min(availableParallelism(), 4), 1, 64, {
    description: "Worker threads that talk to the gateway. Default: this machine's cores, at most 4.",
  }),
})

export const pushTable = table(
  {
    wpool: wpoolTable,
    backend: choice('lmdb', ['lmdb'], { description: 'How data is kept in `data_dir`.' }),
    gateway: choice('mongoosepush', ['mongoosepush', 'direct'], {
      description:
        'Where notifications go: to MongoosePush, or straight to FCM and APNs by the pools of `gateway`. Default: direct ' +
        'where there is a pool and `mongoosepush.url` is not given, else mongoosepush.',
    }),
    virtual_pubsub_hosts: list(
      {
        description:
          'Domains that accept every node name, without nodes being created (PubSub-less). @HOST@ stands for each of ' +
          '`served_hosts` and each of the `hosts` of components. To be reached over XMPP, a domain needs a [[component]].',
        allowed: 'a list of domains in lower case, which may hold @HOST@',
        example: ['virtual.@HOST@'],
        reload: true,
      },
      'domain-pattern',
    ),
    served_hosts: list(
      {
        description: 'The XMPP domains this daemon serves: those of the users.',
        allowed: 'a list of domains in lower case',
        example: ['example.com'],
        reload: true,
      },
      'domain',
    ),
    reply_deadline_ms: integer(10_000, 100, 30_000, {
      description:
        'How long a publish may wait for the gateway before it is answered. XMPP servers give up themselves, the ' +
        'first of them (ejabberd) after 32 s.',
    }),
    node_owners: oneOrList('hosts', ['hosts', 'any'], 'domain', {
      description:
        'Users that may create and own push nodes. "hosts": users of the component\'s `hosts`, else of `served_hosts` (of all ' +
        'domains while both are empty); "any": users of every server that can reach this one; or a list of domains. ' +
        'Existing nodes stay.',
      allowed: '"hosts", "any", or a list of domains',
      reload: true,
    }),
    max_nodes_per_owner: integer(128, 1, 1_000_000, {
      description: 'The most push nodes that one user may own on one domain.',
      reload: true,
    }),
    max_nodes_per_host: integer(1_000_000, 1, 100_000_000, {
      description:
        'The most push nodes that the users of one XMPP domain may own, on all component domains together.',
      reload: true,
    }),
    max_nodes: integer(5_000_000, 1, 100_000_000, {
      description: 'The most push nodes in all.',
      reload: true,
    }),
    node_ttl_days: integer(400, 0, 36_500, {
      description:
        'After how many days without a publish or a change the daemon removes a push node, up to one hundredth of that time ' +
        'later. 0: never.',
      reload: true,
    }),
    dead_device_ttl_s: integer(2_592_000, 60, 315_360_000, {
      description: 'How long the daemon remembers that a provider reported a device as gone.',
    }),
    suspect_limit: integer(5, 1, 1000, {
      description:
        'How many refusals in a row, without a delivery between them, mark a device as dead at a push node.',
    }),
    max_subscriptions_per_user: integer(32, 1, 10_000, {
      description:
        'The most push subscriptions of one user; above it the one unused for the longest time is removed.',
      reload: true,
    }),
    dedup_window_s: integer(300, 0, 86_400, {
      description: 'How long a message event is remembered, so that it is pushed once only; 0: not at all.',
      reload: true,
    }),
    plugin: text('defaults', {
      description: 'What decides whether a message event is pushed, and as what.',
      allowed:
        'defaults, enhanced, hints, or an ES module: a package name, or a path that begins with / or a dot',
      path: 'module',
    }),
    plugin_memory_mb: integer(64, 16, 4096, {
      description:
        'Heap that a plugin of your own may use, in megabytes. When it uses more, its thread ends and the daemon starts ' +
        'it again. Built-in plugins have no thread.',
    }),
    plugin_timeout_ms: integer(100, 1, 10_000, {
      description: 'How long the plugin may think about one event.',
      reload: true,
    }),
  },
  'What is served, and how.',
)
