import { apnsId } from '../../../src/core/apns/push-id.ts'
import type { CapturedCase, Exchange } from './captured-cases.ts'

/** What we do otherwise than MongoosePush, on purpose. */
export interface Difference {
  /** As docs/migration-mongoosepush.md lists it. */
  readonly name: string
  readonly applies: (captured: CapturedCase) => boolean
  /** From what MongoosePush does to what we do. */
  readonly change: (theirs: Exchange, captured: CapturedCase) => Exchange
}

function withHeaders(exchange: Exchange, headers: Record<string, string>): Exchange {
  const { provider } = exchange
  if (provider === undefined) return exchange
  return { ...exchange, provider: { ...provider, headers: { ...provider.headers, ...headers } } }
}

/** The shortest alert to APNs, and that it was delivered. */
function delivers(theirs: Exchange, { name }: CapturedCase, deviceId: string): Exchange {
  return {
    ...theirs,
    status: 200,
    answer: 'null',
    provider: {
      to: 'apns-prod',
      path: `/3/device/${deviceId}`,
      headers: {
        'apns-topic': 'com.example.default',
        'apns-push-type': 'alert',
        'apns-id': apnsId(name),
      },
      body: { aps: { alert: { title: 'T', body: 'B' } } },
    },
  }
}

function jsonOf({ body }: CapturedCase): Record<string, unknown> {
  return (body?.json ?? {}) as Record<string, unknown>
}

function toApns({ provider }: CapturedCase): boolean {
  return provider?.to.startsWith('apns') === true
}

function isSilent(captured: CapturedCase): boolean {
  return toApns(captured) && !('alert' in jsonOf(captured)) && !('title' in jsonOf(captured))
}

function answers(status: number, word: string): Difference['change'] {
  return (theirs, { path }) => {
    const name = /^\/v[12]\//.test(path) ? 'details' : 'reason'
    return { ...theirs, status, answer: JSON.stringify({ [name]: word }) }
  }
}

const isNotificationPath = /^\/v[123]\/notification\/[^/]+$/

function isBroken({ name }: CapturedCase): boolean {
  return name.endsWith('bad json') || name.endsWith('bad utf8')
}

export const differences: readonly Difference[] = [
  {
    name: 'APNs: `apns-push-type` is always sent',
    applies: (captured) => toApns(captured) && !isSilent(captured),
    change: (theirs) => withHeaders(theirs, { 'apns-push-type': 'alert' }),
  },
  {
    name: 'APNs: `apns-id` is sent',
    applies: toApns,
    change: (theirs, { name }) => withHeaders(theirs, { 'apns-id': apnsId(name) }),
  },
  {
    name: 'APNs: `time_to_live` becomes `apns-expiration`',
    applies: (captured) => toApns(captured) && 'time_to_live' in jsonOf(captured),
    change(theirs, captured) {
      const lifetimeS = Number(jsonOf(captured).time_to_live)
      return withHeaders(theirs, {
        'apns-expiration': lifetimeS > 0 ? String(1_700_000_000 + lifetimeS) : '0',
      })
    },
  },
  {
    name: "APNs: silent pushes have the pool's default topic too",
    applies: (captured) => isSilent(captured) && !('topic' in jsonOf(captured)),
    change: (theirs) => withHeaders(theirs, { 'apns-topic': 'com.example.default' }),
  },
  {
    name: 'APNs: silent pushes have priority 5',
    applies: isSilent,
    change: (theirs) => withHeaders(theirs, { 'apns-priority': '5' }),
  },
  {
    name: 'APNs: an empty topic is none',
    applies: (captured) => toApns(captured) && jsonOf(captured).topic === '',
    change: (theirs) => withHeaders(theirs, { 'apns-topic': 'com.example.default' }),
  },
  {
    name: 'A device id is one segment of the path',
    applies: ({ path }) => isNotificationPath.test(path) && path.includes('%'),
    change: (theirs, captured) =>
      delivers(theirs, captured, captured.path.slice(captured.path.lastIndexOf('/') + 1)),
  },
  {
    name: 'APNs: what is too large is shortened first',
    applies: ({ name }) => name === 'apns 5000-byte body',
    change(theirs) {
      const body = `${'x'.repeat(4096 - '{"aps":{"alert":{"title":"T","body":"…"}}}'.length - 2)}…`
      return {
        ...theirs,
        provider: theirs.provider && { ...theirs.provider, body: { aps: { alert: { title: 'T', body } } } },
      }
    },
  },
  {
    name: 'FCM: `ttl` stays within what FCM takes',
    applies: ({ name }) => name === 'fcm v3 ttl -1',
    change: (theirs) => ({
      ...theirs,
      provider: theirs.provider && {
        ...theirs.provider,
        body: JSON.parse(JSON.stringify(theirs.provider.body).replace('"-1s"', '"0s"')) as unknown,
      },
    }),
  },
  {
    name: '`ExpiredToken` is 410 in v3',
    applies: ({ name }) => name === 'apns err 410 ExpiredToken v3',
    change: answers(410, 'unregistered'),
  },
  {
    name: '`Retry-After` is passed on',
    applies: ({ path }) => path.endsWith('-ra'),
    change: (theirs) => ({ ...theirs, headers: { ...theirs.headers, 'retry-after': '7' } }),
  },
  {
    name: "FCM: a minute's pause when a quota is used up",
    applies: ({ name }) => /QUOTA_EXCEEDED|RESOURCE_EXHAUSTED/.test(name),
    change: (theirs) => ({ ...theirs, headers: { ...theirs.headers, 'retry-after': '60' } }),
  },
  {
    name: 'What is no JSON is 400',
    applies: isBroken,
    change: answers(400, 'invalid_json'),
  },
  {
    name: 'What there is not is 404',
    applies: ({ path }) => !isNotificationPath.test(path),
    change: answers(404, 'not_found'),
  },
  {
    name: 'Another method is 405',
    applies: ({ path, method }) => isNotificationPath.test(path) && method !== 'POST',
    change: (theirs, captured) => ({
      ...answers(405, 'method_not_allowed')(theirs, captured),
      headers: { ...theirs.headers, allow: 'POST' },
    }),
  },
  {
    name: 'A body over 64 KiB is 413',
    applies: ({ name }) => name === '9 MB body',
    change: answers(413, 'payload_too_large'),
  },
  {
    name: '`Accept` is not judged',
    applies: ({ headers, path }) => isNotificationPath.test(path) && headers?.accept !== undefined,
    change(theirs, captured) {
      if (!captured.path.startsWith('/v1/')) return delivers(theirs, captured, 'x')
      // The captured request is one of v3.
      const source = { pointer: '/alert' }
      const errors = [{ message: 'Unexpected field: alert', source, title: 'Invalid value' }]
      return { ...theirs, status: 422, answer: JSON.stringify({ errors }) }
    },
  },
  {
    name: 'A timeout says so',
    applies: ({ path }) => /x-(slow6000|hang)$/.test(path),
    change: answers(500, 'request_timeout'),
  },
  {
    name: 'A stream or connection that breaks says so at once',
    applies: ({ name }) => /^(apns|fcm) x-(rst|close)$/.test(name),
    change: answers(503, 'connection_lost'),
  },
  {
    name: 'A connection that broke is not used again',
    applies: ({ name }) => name === 'fcm ok-after-close3',
    change: (theirs) => ({
      ...theirs,
      status: 200,
      answer: 'null',
      provider: {
        to: 'fcm',
        path: '/v1/projects/fake_name/messages:send',
        headers: {},
        body: {
          message: {
            android: { notification: { title: 'T', body: 'B' } },
            data: {},
            notification: {},
            token: 'ok-after-close3',
          },
        },
      },
    }),
  },
  {
    name: "A provider's answer without a body counts by its status",
    applies: ({ path }) => /(x-garbage|ap-empty\d+)$/.test(path),
    change: (theirs, captured) =>
      captured.path.endsWith('410')
        ? answers(500, 'unspecified')(theirs, captured)
        : answers(503, 'service_internal')(theirs, captured),
  },
  {
    name: 'FCM: `UNSPECIFIED` is named in v3',
    applies: ({ name }) => name === 'fcm err 520-UNSPECIFIED v3',
    change: answers(500, 'UNSPECIFIED'),
  },
]
