/** What FCM's answers mean: the one table. */
import type { ProviderAnswer, ProviderVerdict } from '../gateway/ports.ts'
import { isWord, parseObject } from '../gateway/provider-body.ts'
import { isJsonObject, type JsonObject } from '../json.ts'
import type { AttemptOutcome } from '../outcome.ts'
import { quotaOf } from './quota.ts'

type WordClass =
  | 'dead_device'
  | 'suspect'
  | 'operator_fault'
  | 'throttled'
  | 'server_error'
  | 'unknown_error'
  | 'invalid_argument'

/** FCM's own error codes and Google's general ones (google.rpc.Code), which stand alone where it has no own. */
export const fcmWords: Readonly<Record<WordClass, readonly string[]>> = {
  dead_device: ['UNREGISTERED'],
  /** A token of another project, or the wrong project's account here. */
  suspect: ['SENDER_ID_MISMATCH'],
  operator_fault: [
    'APNS_AUTH_ERROR',
    'NOT_FOUND',
    'PERMISSION_DENIED',
    'THIRD_PARTY_AUTH_ERROR',
    'UNAUTHENTICATED',
  ],
  throttled: ['QUOTA_EXCEEDED', 'RESOURCE_EXHAUSTED'],
  server_error: ['INTERNAL', 'UNAVAILABLE'],
  unknown_error: ['UNSPECIFIED', 'UNSPECIFIED_ERROR'],
  /** The device's fault, or the notification's: the rest of the answer tells. */
  invalid_argument: ['INVALID_ARGUMENT'],
}

const classByWord: ReadonlyMap<string, WordClass> = new Map(
  Object.entries(fcmWords).flatMap(([kind, list]) =>
    list.map((word): [string, WordClass] => [word, kind as WordClass]),
  ),
)

/** What a status says where the body has no code. */
const wordByStatus: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  413: 'PayloadTooLarge',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
}

/** FCM asks for a minute at least where a quota is used up and it names no time itself. */
const quotaPauseMs = 60_000

/** Decides what an attempt came to: by FCM's error code, else Google's, else the status. */
export function classifyFcmAnswer({ status, retryAfterMs, body }: ProviderAnswer): ProviderVerdict {
  if (status >= 200 && status < 300) return verdict({ kind: 'delivered' })
  const error = readError(body)
  const reason = error.fcmCode ?? error.status ?? wordByStatus[status] ?? `HTTP ${status}`
  const kind = classByWord.get(reason) ?? classOfStatus(status)
  switch (kind) {
    case 'dead_device':
    case 'suspect':
    case 'too_large':
      return verdict({ kind, reason })
    case 'operator_fault':
      // Google no longer takes the access token, or a provider behind FCM does not take the project's: not ours to renew.
      return verdict({ kind, reason }, reason === 'UNAUTHENTICATED' ? 'renew_token' : 'none')
    case 'throttled':
      return throttled(error, reason, retryAfterMs ?? quotaPauseMs)
    case 'server_error':
      return retry(kind, reason, retryAfterMs)
    case 'unknown_error':
      return retry('server_error', reason, retryAfterMs, false)
    case 'invalid_argument':
      return verdict(invalidArgument(error, reason))
  }
}

function verdict(outcome: AttemptOutcome, hint: ProviderVerdict['hint'] = 'none'): ProviderVerdict {
  return { outcome, hint }
}

function throttled({ details, message }: FcmError, reason: string, retryAfterMs: number): ProviderVerdict {
  const quota = quotaOf(details, message)
  return verdict({ kind: 'retry', cause: 'throttled', reason, retryAfterMs, known: true, quota })
}

function retry(
  cause: 'server_error',
  reason: string,
  retryAfterMs: number | undefined,
  known = true,
): ProviderVerdict {
  return verdict({ kind: 'retry', cause, reason, retryAfterMs, known })
}

/**
 * - FCM's own code and its words about the token: the device is gone
 * - a BadRequest names the fields: the notification is wrong
 * - FCM's own code alone: most likely the token, in words that are new
 */
function invalidArgument({ fcmCode, message, details }: FcmError, reason: string): AttemptOutcome {
  if (fcmCode !== undefined && message.includes('not a valid FCM registration token')) {
    return { kind: 'dead_device', reason }
  }
  if (message.includes('message is too big')) return { kind: 'too_large', reason: 'PayloadTooLarge' }
  const hasBadRequest = details.some((detail) => String(detail['@type']).endsWith('google.rpc.BadRequest'))
  return { kind: fcmCode === undefined || hasBadRequest ? 'invalid' : 'suspect', reason }
}

/** For unknown codes: no verdict that costs a user the registration. FCM does not answer 410; a proxy may. */
function classOfStatus(status: number): Exclude<WordClass, 'invalid_argument'> | 'too_large' {
  if (status === 413) return 'too_large'
  if (status === 429) return 'throttled'
  if (status === 410) return 'unknown_error'
  if (status < 500) return 'operator_fault'
  return status === 500 || status === 520 ? 'unknown_error' : 'server_error'
}

interface FcmError {
  /** `errorCode` of the FcmError among the details. */
  readonly fcmCode: string | undefined
  readonly status: string | undefined
  readonly message: string
  readonly details: readonly JsonObject[]
}

function readError(body: string): FcmError {
  const error = parseObject(body)?.error
  const { status, message, details } = isJsonObject(error) ? error : {}
  const all: readonly JsonObject[] = Array.isArray(details) ? details.filter(isJsonObject) : []
  return {
    fcmCode: all.map(({ errorCode }) => errorCode).find(isWord),
    status: isWord(status) ? status : undefined,
    message: typeof message === 'string' ? message : '',
    details: all,
  }
}
