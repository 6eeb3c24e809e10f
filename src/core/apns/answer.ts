/** What APNs's answers mean: the one table. */
import type { ProviderAnswer, ProviderVerdict } from '../gateway/ports.ts'
import { isWord, parseObject } from '../gateway/provider-body.ts'
import type { AttemptOutcome } from '../outcome.ts'

type WordClass =
  | 'dead_device'
  | 'suspect'
  | 'too_large'
  | 'invalid'
  | 'operator_fault'
  | 'throttled'
  | 'server_error'
  | 'connection_used_up'
  | 'token_expired'

/** APNs's reasons, as its documentation lists them. */
export const apnsWords: Readonly<Record<WordClass, readonly string[]>> = {
  dead_device: ['Unregistered', 'ExpiredToken'],
  /** Dead, or of the other environment. */
  suspect: ['BadDeviceToken', 'DeviceTokenNotForTopic'],
  too_large: ['PayloadTooLarge'],
  invalid: [
    'BadCollapseId',
    'BadExpirationDate',
    'BadMessageId',
    'BadPriority',
    'DuplicateHeaders',
    'InvalidPushType',
    'MissingDeviceToken',
    'PayloadEmpty',
  ],
  operator_fault: [
    'BadCertificate',
    'BadCertificateEnvironment',
    'BadEnvironmentKeyIdInToken',
    'BadPath',
    'BadTopic',
    'Forbidden',
    'InvalidProviderToken',
    'MethodNotAllowed',
    'MissingProviderToken',
    'MissingTopic',
    'TopicDisallowed',
    'UnrelatedKeyIdInToken',
  ],
  throttled: ['TooManyRequests'],
  server_error: ['InternalServerError', 'ServiceUnavailable'],
  /** Nothing is wrong but the connection: it is replaced. */
  connection_used_up: ['IdleTimeout', 'Shutdown', 'TooManyProviderTokenUpdates'],
  token_expired: ['ExpiredProviderToken'],
}

const classByWord: ReadonlyMap<string, WordClass> = new Map(
  Object.entries(apnsWords).flatMap(([kind, list]) =>
    list.map((word): [string, WordClass] => [word, kind as WordClass]),
  ),
)

/** What a status says where the body has no reason. */
const wordByStatus: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  404: 'BadPath',
  405: 'MethodNotAllowed',
  413: 'PayloadTooLarge',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
}

/** Decides what an attempt came to: by the body's reason where it is known, else by the status. */
export function classifyApnsAnswer({ status, retryAfterMs, body }: ProviderAnswer): ProviderVerdict {
  if (status >= 200 && status < 300) return verdict({ kind: 'delivered' })
  const fields = parseObject(body)
  const reason = isWord(fields?.reason) ? fields.reason : (wordByStatus[status] ?? `HTTP ${status}`)
  const kind = classByWord.get(reason) ?? classOfStatus(status)
  switch (kind) {
    case 'dead_device': {
      const timestamp = fields?.timestamp
      return verdict({ kind, reason, sinceMs: typeof timestamp === 'number' ? timestamp : undefined })
    }
    case 'suspect':
    case 'too_large':
    case 'invalid':
    case 'operator_fault':
      return verdict({ kind, reason })
    case 'throttled':
      // "Too many requests were made consecutively to the same device token"; a bare status may come from a proxy.
      return verdict({
        kind: 'retry',
        cause: kind,
        reason,
        retryAfterMs,
        known: true,
        quota: fields?.reason === reason ? 'device' : undefined,
      })
    case 'server_error': {
      const known = classByWord.has(reason) || (status !== 500 && status !== 410)
      return verdict({ kind: 'retry', cause: kind, reason, retryAfterMs, known })
    }
    case 'connection_used_up': {
      const cause = status === 429 ? 'throttled' : status >= 500 ? 'server_error' : 'connection_lost'
      return verdict({ kind: 'retry', cause, reason, retryAfterMs, known: true }, 'replace_connection')
    }
    case 'token_expired':
      return verdict({ kind: 'retry', cause: kind, reason, retryAfterMs, known: true }, 'renew_token')
  }
}

function verdict(outcome: AttemptOutcome, hint: ProviderVerdict['hint'] = 'none'): ProviderVerdict {
  return { outcome, hint }
}

/**
 * For unknown reasons, and for a missing one: no verdict that costs a user the registration. A 410 that does not say that
 * the device is gone may come from a proxy.
 */
function classOfStatus(status: number): WordClass {
  if (status === 413) return 'too_large'
  if (status === 429) return 'throttled'
  return status >= 500 || status === 410 ? 'server_error' : 'operator_fault'
}

/**
 * What becomes of "the device is gone" when the registration is younger: APNs speaks of the time before it, so the
 * device counts as a suspect only. `registeredAtMs`: when its node was made or its subscription enabled, in
 * milliseconds since the epoch; undefined: not known, and the provider is believed.
 */
export function confirmDead(outcome: AttemptOutcome, registeredAtMs: number | undefined): AttemptOutcome {
  if (outcome.kind !== 'dead_device' || outcome.sinceMs === undefined || registeredAtMs === undefined) {
    return outcome
  }
  return registeredAtMs > outcome.sinceMs ? { kind: 'suspect', reason: outcome.reason } : outcome
}
