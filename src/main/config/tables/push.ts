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
        'Who may make push nodes and be given them: "hosts": the users of the component\'s `hosts`, else of `served_hosts` (of anywhere while both are empty); ' +
        '"any": those of every server that can reach this one; or a list of domains. Nodes that there are stay.',
      allowed: '"hosts", "any", or a list of domains',
      reload: true,
    }),
    max_nodes_per_owner: integer(128, 1, 1_000_000, {
      description: 'Push nodes that one user may own on one domain.',
      reload: true,
    }),
    max_nodes_per_host: integer(1_000_000, 1, 100_000_000, {
      description: 'Push nodes that the users of one XMPP domain may own, on all domains together.',
      reload: true,
    }),
    max_nodes: integer(5_000_000, 1, 100_000_000, {
      description: 'Push nodes in all.',
      reload: true,
    }),
    node_ttl_days: integer(400, 0, 36_500, {
      description:
        'After how many days without a publish or a change a push node is removed; at most one hundredth of that later. 0: never.',
      reload: true,
    }),
    dead_device_ttl_s: integer(2_592_000, 60, 315_360_000, {
      description: 'How long a device that its provider called gone is remembered as such.',
    }),
    suspect_limit: integer(5, 1, 1000, {
      description:
        'After how many refusals in a row, with none delivered between, a device is taken for dead.',
    }),
    max_subscriptions_per_user: integer(32, 1, 10_000, {
      description: 'Push subscriptions that one user may have; past it the longest unused go.',
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
