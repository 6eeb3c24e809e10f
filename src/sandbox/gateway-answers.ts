/**
 * What the gateway sandbox answers to a valid request: by the beginning of the device id, so that a test, a
 * demo or a curious operator can have every answer of a real MongoosePush by asking for it.
 */
import type { ApiVersion } from './gateway-schema.ts'

export interface SandboxRequest {
  readonly version: ApiVersion
  /** Percent-decoded: as the provider would get it. */
  readonly deviceId: string
  /** As it came, encoded. */
  readonly path: string
  readonly body: Record<string, unknown>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Milliseconds since the epoch, with fractions; the request was read whole. */
  readonly receivedAtMs: number
  /** What was answered; 0 as long as nothing was, and for `hang` and `reset`. */
  status: number
}

export interface SandboxAnswer {
  /** HTTP status; `hang`: never answered; `reset`: the connection is cut under the request. */
  readonly status: number | 'hang' | 'reset'
  /** A string goes out as it is, anything else as JSON; when left out, the JSON literal `null`. */
  readonly body?: unknown
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly delayMs?: number | undefined
}

interface Rule {
  /** The answer of v3. */
  readonly v3: SandboxAnswer
  /** v1 and v2 answer 500 with the provider's own word as `details`. */
  readonly details?: { readonly apns: string; readonly fcm: string }
}

const retryAfter = { 'retry-after': '1' }

/** By the device id's part before the first `-`. */
const rules: Readonly<Record<string, Rule>> = {
  gone: reason(410, 'unregistered', 'Unregistered', 'UNREGISTERED'),
  bad: reason(400, 'invalid_request', 'BadDeviceToken', 'INVALID_ARGUMENT'),
  nopool: reason(400, 'no_matching_pool', 'no_matching_pool', 'no_matching_pool'),
  large: reason(413, 'payload_too_large', 'PayloadTooLarge', 'PayloadTooLarge'),
  throttled: reason(429, 'too_many_requests', 'TooManyRequests', 'QUOTA_EXCEEDED', retryAfter),
  down: reason(503, 'service_internal', 'ServiceUnavailable', 'UNAVAILABLE'),
  config: reason(503, 'internal_config', 'MissingTopic', 'MissingTopic'),
  hang: { v3: { status: 'hang' } },
  reset: { v3: { status: 'reset' } },
  /** What a proxy in front of the gateway says when the gateway is away. */
  garbage: {
    v3: {
      status: 502,
      body: '<html><body><h1>502 Bad Gateway</h1></body></html>',
      headers: { 'content-type': 'text/html' },
    },
  },
}

const delivered: SandboxAnswer = { status: 200, body: null }

function reason(
  status: number,
  word: string,
  apns: string,
  fcm: string,
  headers: Readonly<Record<string, string>> = {},
): Rule {
  return { v3: { status, body: { reason: word }, headers }, details: { apns, fcm } }
}

/** The answer that a request's device id asks for; 200 `null` when it asks for nothing. */
export function answerByDeviceName(request: SandboxRequest): SandboxAnswer {
  const { deviceId, version, body } = request
  const end = deviceId.indexOf('-')
  if (end === -1) return canBeSent(request) ? delivered : refuse(version)
  const word = deviceId.slice(0, end)
  if (Object.hasOwn(rules, word)) {
    const rule = rules[word] as Rule
    if (version === 'v3' || rule.details === undefined) return rule.v3
    const details = body.service === 'fcm' ? rule.details.fcm : rule.details.apns
    return { ...rule.v3, status: 500, body: { details } }
  }
  const slow = /^slow(\d{1,6})$/.exec(word)
  if (slow !== null) return { ...delivered, delayMs: Number(slow[1]) }
  return canBeSent(request) ? delivered : refuse(version)
}

/** FCM's data are strings: MongoosePush cannot turn an object into one. */
function canBeSent({ body }: SandboxRequest): boolean {
  if (body.service !== 'fcm' || body.data === undefined) return true
  return Object.values(body.data as Record<string, unknown>).every((value) => !holdsObject(value))
}

function holdsObject(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsObject)
  return typeof value === 'object' && value !== null
}

function refuse(version: ApiVersion): SandboxAnswer {
  return version === 'v3'
    ? { status: 400, body: { reason: 'invalid_notification' } }
    : { status: 500, body: { details: 'invalid_notification' } }
}
