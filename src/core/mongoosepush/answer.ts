/** What MongoosePush's answers mean: the one table. */
import type { AttemptOutcome, GatewayAnswer, NoResponseCause } from '../outcome.ts'

/**
 * Decides what an attempt came to. The status decides where it is plain; where it is not (400, 410, 5xx) the word
 * in the body does: `reason` of v3, `details` of v1 and v2, which is often the provider's own word.
 */
export function classifyAnswer(answer: GatewayAnswer): AttemptOutcome {
  if (answer.kind === 'no-response') return noResponse(answer.cause, answer.detail)
  const { status, retryAfterMs } = answer
  const reason = answer.reason ?? `HTTP ${status}`
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  switch (status) {
    case 413:
      return { kind: 'too_large', reason }
    case 429:
      return { kind: 'retry', cause: 'throttled', reason, retryAfterMs, known: true }
    case 408:
    case 425:
      return { kind: 'retry', cause: 'server_error', reason, retryAfterMs, known: true }
  }
  // A redirect, a missing path, a missing right, a refused field: nothing a device or a retry can change.
  if (status !== 400 && status !== 410 && status < 500) return { kind: 'operator_fault', reason }

  const word = answer.reason === undefined ? undefined : wordClass(answer.reason)
  switch (word) {
    case 'dead_device':
    case 'suspect':
    case 'too_large':
    case 'operator_fault':
      return { kind: word, reason }
    case 'throttled':
    case 'server_error':
      return { kind: 'retry', cause: word, reason, retryAfterMs, known: true }
    case undefined:
      if (status === 400) return { kind: 'operator_fault', reason }
      return {
        kind: 'retry',
        cause: 'server_error',
        reason,
        retryAfterMs,
        known: !unknownStatuses.has(status),
      }
  }
}

/**
 * Statuses that say nothing where the body has no word that is known: 500 and 520 are MongoosePush's "I do not know", and
 * a proxy in front of it answers 410 for a path of its own. Other 5xx say by themselves that it may pass.
 */
const unknownStatuses: ReadonlySet<number> = new Set([410, 500, 520])

/** A push that takes a worker with it every time ends like one that meets the same unknown fault every time. */
function noResponse(cause: NoResponseCause, detail: string): AttemptOutcome {
  return { kind: 'retry', cause, reason: detail, retryAfterMs: undefined, known: cause !== 'worker_lost' }
}

type WordClass = 'dead_device' | 'suspect' | 'too_large' | 'operator_fault' | 'throttled' | 'server_error'

/** Words that are known as they stand; `wordClass` knows some families of them besides. */
export const knownWords: Readonly<Record<WordClass, readonly string[]>> = {
  dead_device: ['unregistered', 'Unregistered', 'UNREGISTERED', 'ExpiredToken', 'probably_unregistered'],
  suspect: [
    'invalid_request',
    'BadDeviceToken',
    'DeviceTokenNotForTopic',
    'SENDER_ID_MISMATCH',
    'INVALID_ARGUMENT',
  ],
  too_large: ['payload_too_large', 'PayloadTooLarge'],
  throttled: ['too_many_requests', 'QUOTA_EXCEEDED', 'RESOURCE_EXHAUSTED'],
  server_error: [
    'service_internal',
    'unable_to_connect',
    'connection_lost',
    'request_timeout',
    'Please try again later',
    'UNAVAILABLE',
    'INTERNAL',
    'Shutdown',
    'IdleTimeout',
  ],
  // Faults of the gateway's configuration, and of requests as this daemon's operator has them built.
  operator_fault: [
    'no_matching_pool',
    'invalid_notification',
    'internal_config',
    'BadTopic',
    'MissingTopic',
    'TopicDisallowed',
    'BadCollapseId',
    'BadExpirationDate',
    'BadMessageId',
    'BadPath',
    'BadPriority',
    'DuplicateHeaders',
    'Forbidden',
    'InvalidPushType',
    'MethodNotAllowed',
    'MissingDeviceToken',
    'PayloadEmpty',
    'UnrelatedKeyIdInToken',
    'APNS_AUTH_ERROR',
    'NOT_FOUND',
    'PERMISSION_DENIED',
    'THIRD_PARTY_AUTH_ERROR',
    'UNAUTHENTICATED',
  ],
}

const classByWord: ReadonlyMap<string, WordClass> = new Map(
  Object.entries(knownWords).flatMap(([kind, list]) =>
    list.map((word): [string, WordClass] => [word, kind as WordClass]),
  ),
)

function wordClass(word: string): WordClass | undefined {
  const known = classByWord.get(word)
  if (known !== undefined) return known
  if (word.startsWith('TooMany')) return 'throttled'
  if (word.endsWith('ProviderToken') || word.includes('Certificate')) return 'operator_fault'
  if (word.endsWith('Unavailable') || word.startsWith('Internal')) return 'server_error'
  return undefined
}

/** What providers and MongoosePush call their reasons. */
const oneWord = /^[A-Za-z0-9_.-]{1,64}$/
/** How a 422 begins: "Unexpected field: x", "Invalid integer. Got: number". Nothing of a value is in it. */
const validationMessage = /^(?:Missing|Unexpected|Invalid|null value)[A-Za-z0-9 :._-]{0,80}$/

/**
 * The word in an answer's body: `reason`, `details`, or what the first of a 422's `errors` says. Undefined when
 * it has none, which any body may (empty, `null`, not JSON, cut off). Words are logged and answered with, so a
 * sentence is none: a gateway may have put the message text into it.
 */
export function reasonOf(body: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    // Not JSON: the status alone has to do.
    return undefined
  }
  const word = wordIn(value)
  if (word === undefined) return undefined
  return oneWord.test(word) || validationMessage.test(word) || classByWord.has(word) ? word : undefined
}

function wordIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if ('reason' in value && typeof value.reason === 'string') return value.reason
  if ('details' in value && typeof value.details === 'string') return value.details
  if (!('errors' in value) || !Array.isArray(value.errors)) return undefined
  const first: unknown = value.errors[0]
  if (typeof first !== 'object' || first === null) return undefined
  return 'message' in first && typeof first.message === 'string' ? first.message : undefined
}

/** No gateway means more than that; who says so is broken, and must not keep a pool out of use for years. */
const longestRetryAfterMs = 86_400_000

/**
 * `Retry-After` (RFC 9110 §10.2.3), seconds or a date, as milliseconds from now, a day at most; undefined when it is
 * neither.
 */
export function retryAfterMs(header: string, nowMs: number): number | undefined {
  const value = header.trim()
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1000, longestRetryAfterMs)
  // A date begins with its day's name; `Date.parse` would make one of almost anything. It is in GMT, said or not.
  const dateMs = /^[A-Z]/i.test(value) ? Date.parse(/GMT$/.test(value) ? value : `${value} GMT`) : Number.NaN
  return Number.isNaN(dateMs) ? undefined : Math.min(Math.max(0, dateMs - nowMs), longestRetryAfterMs)
}
