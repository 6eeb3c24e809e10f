import { choice, flag, integer, table } from '../keys.ts'

const retryTable = table({
  max_attempts: integer(0, 0, 1_000_000, {
    description: 'Attempts at one notification; 0: as many as there is time for.',
  }),
  base_ms: integer(500, 1, 3_600_000, {
    description: 'The wait before the second attempt, at most; it doubles with each further one.',
  }),
  cap_ms: integer(60_000, 1, 86_400_000, {
    description: 'The longest wait between two attempts, unless the gateway asks for more.',
  }),
})

export const queueTable = table(
  {
    max_pending: integer(100_000, 1, 10_000_000, {
      description:
        'Notifications held in memory and not yet answered. Of several domains, each may have three quarters of what the ' +
        'others leave; a single domain may have all. When a domain has nine tenths of its share, the daemon stops reading ' +
        'from its XMPP server. It answers publishes over the share with an error that says to try again.',
    }),
    max_pending_bytes: integer(268_435_456, 1_048_576, 1_099_511_627_776, {
      description:
        'Memory for these notifications, in bytes: the daemon counts 1 KiB for each, and two bytes for each character. ' +
        'Domains share it as they share max_pending, with the same effect at the limit. Of the share of its domain, a ' +
        'sender may have two thirds of what the other senders leave, in number and in bytes. The daemon answers further ' +
        'publishes of that sender with an error that says to try again, and goes on reading the streams.',
    }),
    max_stored: integer(10_000_000, 0, 1_000_000_000, {
      description:
        'Notifications stored for later delivery. Of several domains, each may have three quarters of what the others ' +
        'leave; a single domain may have all. The daemon answers a publish that it can neither deliver in time nor store ' +
        'with an error that says to try again. With durability = "always", notifications that a crash left unfinished may ' +
        'exceed this limit, by up to max_pending.',
    }),
    max_stored_bytes: integer(8_589_934_592, 0, 1_125_899_906_842_624, {
      description:
        'Disk space for these notifications, in bytes: the daemon counts 512 for each, and the length of its texts. Domains ' +
        'share it as they share max_stored, with the same effect at the limit. Of the share of its domain, a sender may ' +
        'have three quarters of what the other senders leave, in number and in bytes.',
    }),
    default_ttl_s: integer(86_400, 0, 2_419_200, {
      description: 'How long a stored notification is worth delivering when its publish does not say.',
    }),
    retry: retryTable,
    collapse: flag(true, {
      description: 'Whether of several stored for one node and device only the newest goes out.',
    }),
    durability: choice('acknowledged', ['acknowledged', 'always'], {
      description:
        'acknowledged: a notification is stored before it is acknowledged without being delivered; always: before ' +
        'it is sent, so that a crash loses none that was read and repeats those under way. That takes one commit more, ' +
        'shared by all that come within 10 ms.',
    }),
  },
  'What waits, and for how long.',
)
