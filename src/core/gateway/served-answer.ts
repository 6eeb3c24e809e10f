/** What the served API answers: the one table of what a provider's word comes to in each of its versions. */
import type { ApiVersion } from '../mongoosepush/request.ts'
import type { AttemptOutcome, NoResponseCause, Outcome, RetryCause } from '../outcome.ts'
import { isWord } from './provider-body.ts'
import type { SchemaError } from './served-schema.ts'

export interface ServedAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
}

/** What v3 says, with its status. */
const v3Statuses = {
  invalid_request: 400,
  no_matching_pool: 400,
  invalid_notification: 400,
  unregistered: 410,
  payload_too_large: 413,
  too_many_requests: 429,
  service_internal: 503,
  internal_config: 503,
  unable_to_connect: 503,
  connection_lost: 503,
  request_timeout: 500,
} as const

type V3Reason = keyof typeof v3Statuses

/** Providers' words (and ours, for what never reached one) by what v3 calls them; all others it passes on with a 500. */
export const servedWords: Readonly<Record<V3Reason, readonly string[]>> = {
  invalid_request: [
    'BadCollapseId',
    'BadDeviceToken',
    'DeviceTokenNotForTopic',
    'Forbidden',
    'IdleTimeout',
    'PayloadEmpty',
    'TopicDisallowed',
    'INVALID_ARGUMENT',
  ],
  no_matching_pool: ['no_matching_pool'],
  invalid_notification: ['invalid_notification'],
  unregistered: ['ExpiredToken', 'Unregistered', 'UNREGISTERED'],
  payload_too_large: ['PayloadTooLarge'],
  too_many_requests: [
    'TooManyProviderTokenUpdates',
    'TooManyRequests',
    'QUOTA_EXCEEDED',
    'too_many_requests',
  ],
  service_internal: [
    'BadCertificate',
    'BadCertificateEnvironment',
    'ExpiredProviderToken',
    'InternalServerError',
    'InvalidProviderToken',
    'MissingProviderToken',
    'ServiceUnavailable',
    'Shutdown',
    'APNS_AUTH_ERROR',
    'INTERNAL',
    'SENDER_ID_MISMATCH',
    'THIRD_PARTY_AUTH_ERROR',
    'UNAVAILABLE',
  ],
  internal_config: [
    'BadExpirationDate',
    'BadMessageId',
    'BadPath',
    'BadPriority',
    'BadTopic',
    'DuplicateHeaders',
    'MethodNotAllowed',
    'MissingDeviceToken',
    'MissingTopic',
  ],
  unable_to_connect: ['unable_to_connect'],
  connection_lost: ['connection_lost'],
  request_timeout: ['request_timeout'],
}

const reasonByWord: ReadonlyMap<string, V3Reason> = new Map(
  Object.entries(servedWords).flatMap(([reason, words]) =>
    words.map((word): [string, V3Reason] => [word, reason as V3Reason]),
  ),
)

/** What it is called that there was no answer of a provider's. */
const wordByCause = {
  timeout: 'request_timeout',
  connect_error: 'unable_to_connect',
  connection_lost: 'connection_lost',
  worker_lost: 'connection_lost',
  not_processed: 'unable_to_connect',
  overload: 'too_many_requests',
} as const satisfies Record<NoResponseCause | 'overload', string>

/** The answer to a request, from what its notification came to. */
export function servedAnswer(version: ApiVersion, outcome: AttemptOutcome | Outcome): ServedAnswer {
  if (outcome.kind === 'delivered') return { status: 200, headers: json, body: 'null' }
  if (outcome.kind === 'stored') return { status: 202, headers: json, body: 'null' }
  const word = servedWord(outcome)
  const answer = version === 'v3' ? answerV3(word) : answerFlat(word)
  const retryAfterMs = 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined
  if (retryAfterMs === undefined) return answer
  return {
    ...answer,
    headers: { ...answer.headers, 'retry-after': String(Math.ceil(retryAfterMs / 1000)) },
  }
}

/** What it is called that it was not delivered. A reason that is no word is a sentence of ours, or a status. */
export function servedWord(outcome: Extract<AttemptOutcome | Outcome, { reason: string }>): string {
  const { reason } = outcome
  const isKnown = reasonByWord.has(reason)
  if (outcome.kind === 'undelivered' && !isKnown) return wordByCause[outcome.cause]
  if (outcome.kind === 'retry' && isNoResponse(outcome.cause))
    return isKnown ? reason : wordByCause[outcome.cause]
  return isWord(reason) ? reason : 'unspecified'
}

/** What MongoosePush's metrics call a kind of word: as v3 does, but for `auth`, and `generic` for what v3 passes on. */
export type ServedCategory = V3Reason | 'auth' | 'generic' | 'unspecified'

const authWords: ReadonlySet<string> = new Set([
  'BadCertificate',
  'BadCertificateEnvironment',
  'ExpiredProviderToken',
  'InvalidProviderToken',
  'MissingProviderToken',
  'APNS_AUTH_ERROR',
  'SENDER_ID_MISMATCH',
  'THIRD_PARTY_AUTH_ERROR',
])

export function servedCategory(word: string): ServedCategory {
  if (authWords.has(word)) return 'auth'
  if (word.toLowerCase() === 'unspecified') return 'unspecified'
  const reason = reasonByWord.get(word)
  // Its own words are not a provider's.
  return reason === undefined || reason === word ? 'generic' : reason
}

function isNoResponse(cause: RetryCause): cause is NoResponseCause {
  return cause in wordByCause
}

function answerV3(word: string): ServedAnswer {
  const reason = reasonByWord.get(word)
  return reason === undefined ? jsonAnswer(500, { reason: word }) : jsonAnswer(v3Statuses[reason], { reason })
}

/** v1 and v2: whatever it was. */
function answerFlat(word: string): ServedAnswer {
  if (word === 'unable_to_connect') return jsonAnswer(503, { details: 'Please try again later' })
  return jsonAnswer(500, { details: word })
}

/** A request that is not to be understood at all; `version` as far as its path tells. */
export type RequestFault =
  | 'invalid_json'
  | 'unauthorized'
  | 'foreign_origin'
  | 'not_found'
  | 'method_not_allowed'
  | 'payload_too_large'
  | 'misdirected_request'

const faultStatuses = {
  invalid_json: 400,
  unauthorized: 401,
  foreign_origin: 403,
  not_found: 404,
  method_not_allowed: 405,
  payload_too_large: 413,
  misdirected_request: 421,
} as const satisfies Record<RequestFault, number>

export function faultAnswer(version: ApiVersion | undefined, fault: RequestFault): ServedAnswer {
  const flat = version === 'v1' || version === 'v2'
  const answer = jsonAnswer(faultStatuses[fault], flat ? { details: fault } : { reason: fault })
  const more = faultHeaders[fault]
  return more === undefined ? answer : { ...answer, headers: { ...answer.headers, ...more } }
}

const faultHeaders: Partial<Record<RequestFault, Readonly<Record<string, string>>>> = {
  unauthorized: { 'www-authenticate': 'Bearer realm="xmpp-pushd"' },
  method_not_allowed: { allow: 'POST' },
}

/** A request whose fields are wrong. */
export function schemaAnswer(errors: readonly SchemaError[]): ServedAnswer {
  return jsonAnswer(422, { errors })
}

const json = { 'content-type': 'application/json; charset=utf-8' }

function jsonAnswer(status: number, body: object): ServedAnswer {
  return { status, headers: json, body: JSON.stringify(body) }
}
