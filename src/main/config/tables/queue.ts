import { Type } from '@sinclair/typebox'
import { choice, flag, integer } from '../keys.ts'

const retryTable = Type.Object(
  {
    max_attempts: integer(0, 0, 1_000_000, {
      description: 'Attempts at one notification; 0: as many as there is time for.',
    }),
    base_ms: integer(500, 1, 3_600_000, {
      description: 'The wait before the second attempt, at most; it doubles with each further one.',
    }),
    cap_ms: integer(60_000, 1, 86_400_000, {
      description: 'The longest wait between two attempts, unless the gateway asks for more.',
    }),
  },
  { default: {}, additionalProperties: false },
)

export const queueTable = Type.Object(
  {
    max_pending: integer(100_000, 1, 10_000_000, {
      description:
        'Notifications held in memory and not yet answered. At this many nothing more is read from the XMPP servers.',
    }),
    max_stored: integer(10_000_000, 0, 1_000_000_000, {
      description:
        'Notifications stored for later. At this many what cannot be delivered in time is answered with an error, as ' +
        'one to be tried again.',
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
        'it is sent.',
    }),
  },
  { default: {}, additionalProperties: false, description: 'What waits, and for how long.' },
)
