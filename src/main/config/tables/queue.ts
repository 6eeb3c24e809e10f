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
        'Notifications held in memory and not yet answered. Where several domains are served, one may have three ' +
        'quarters of what the others leave of them; served alone, all. From nine tenths of that on its XMPP server is ' +
        'no longer read, and what comes beyond it is answered with an error, as one to be tried again.',
    }),
    max_pending_bytes: integer(268_435_456, 1_048_576, 1_099_511_627_776, {
      description:
        'Memory that they may take, in bytes: 1 KiB each and two bytes for each character. Shared by domains as max_pending is, ' +
        'and the same past it. Of what the other senders leave of its domain, a sender may have two thirds of both; what comes ' +
        'beyond that is answered with an error, as one to be tried again, while the streams go on being read.',
    }),
    max_stored: integer(10_000_000, 0, 1_000_000_000, {
      description:
        'Notifications stored for later. Where several domains are served, one may have three quarters of what the ' +
        'others leave of them; served alone, all. What cannot be delivered in time and has no room here is answered ' +
        'with an error, as one to be tried again. What a crash left unfinished with durability = "always" may exceed it, by max_pending.',
    }),
    max_stored_bytes: integer(8_589_934_592, 0, 1_125_899_906_842_624, {
      description:
        'What they may take of the disk, in bytes: 512 each and their texts. Shared by domains as max_stored is, and the same past it. ' +
        'Of what the other senders leave of its domain, a sender may have three quarters of both.',
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
