import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { classifyAnswer, reasonOf, retryAfterMs } from '../../../src/core/mongoosepush/answer.ts'
import type { AttemptOutcome, GatewayAnswer } from '../../../src/core/outcome.ts'

function outcomeOf(status: number, body: string): AttemptOutcome {
  return classifyAnswer({ kind: 'response', status, reason: reasonOf(body), retryAfterMs: undefined })
}

describe('an answer of the documented API', () => {
  test.each([
    [200, 'null', 'delivered'],
    [200, '"OK"', 'delivered'],
    [204, '', 'delivered'],
    [400, '{"reason":"invalid_request"}', 'suspect'],
    [400, '{"reason":"no_matching_pool"}', 'operator_fault'],
    [400, '{"reason":"invalid_notification"}', 'operator_fault'],
    [400, '', 'operator_fault'],
    [422, '{"errors":[{"message":"Unexpected field: x"}]}', 'operator_fault'],
    [410, '{"reason":"unregistered"}', 'dead_device'],
    [410, '{"reason":"probably_unregistered"}', 'dead_device'],
    [410, '{"details":"Unregistered"}', 'dead_device'],
    [413, '{"reason":"payload_too_large"}', 'too_large'],
    [413, '', 'too_large'],
    [429, '{"reason":"too_many_requests"}', 'throttled'],
    [429, '<html>', 'throttled'],
    [503, '{"reason":"service_internal"}', 'server_error'],
    [503, '{"reason":"internal_config"}', 'operator_fault'],
    [503, '{"reason":"unable_to_connect"}', 'server_error'],
    [503, '{"reason":"connection_lost"}', 'server_error'],
    [503, '{"reason":"unspecified"}', 'server_error'],
    [503, '{"details":"Please try again later"}', 'server_error'],
    [503, '', 'server_error'],
    [502, '<html>', 'server_error'],
    [504, '', 'server_error'],
    [520, '{"reason":"unspecified"}', 'unknown'],
    [500, '{"reason":"never_heard_of"}', 'unknown'],
    [500, 'null', 'unknown'],
    [500, '', 'unknown'],
    [401, '', 'operator_fault'],
    [403, '', 'operator_fault'],
    [404, '', 'operator_fault'],
    [405, '', 'operator_fault'],
    [302, '', 'operator_fault'],
    [408, '', 'server_error'],
    [500, '{"details":"Unregistered"}', 'dead_device'],
    [500, '{"details":"UNREGISTERED"}', 'dead_device'],
    [500, '{"details":"ExpiredToken"}', 'dead_device'],
    [500, '{"reason":"ExpiredToken"}', 'dead_device'],
    [500, '{"details":"probably_unregistered"}', 'dead_device'],
    [500, '{"details":"BadDeviceToken"}', 'suspect'],
    [500, '{"details":"DeviceTokenNotForTopic"}', 'suspect'],
    [500, '{"details":"SENDER_ID_MISMATCH"}', 'suspect'],
    [500, '{"details":"INVALID_ARGUMENT"}', 'suspect'],
    [500, '{"details":"TooManyRequests"}', 'throttled'],
    [500, '{"details":"TooManyProviderTokenUpdates"}', 'throttled'],
    [500, '{"details":"QUOTA_EXCEEDED"}', 'throttled'],
    [500, '{"details":"ServiceUnavailable"}', 'server_error'],
    [500, '{"details":"UNAVAILABLE"}', 'server_error'],
    [500, '{"details":"InternalServerError"}', 'server_error'],
    [500, '{"details":"INTERNAL"}', 'server_error'],
    [500, '{"details":"Shutdown"}', 'server_error'],
    [500, '{"details":"IdleTimeout"}', 'server_error'],
    [500, '{"reason":"request_timeout"}', 'server_error'],
    [500, '{"details":"connection_lost"}', 'server_error'],
    [500, '{"details":"unable_to_connect"}', 'server_error'],
    [500, '{"details":"PayloadTooLarge"}', 'too_large'],
    [500, '{"details":"ExpiredProviderToken"}', 'operator_fault'],
    [500, '{"details":"MissingProviderToken"}', 'operator_fault'],
    [500, '{"details":"BadCertificate"}', 'operator_fault'],
    [500, '{"details":"BadCertificateEnvironment"}', 'operator_fault'],
    [500, '{"details":"BadTopic"}', 'operator_fault'],
    [500, '{"details":"MissingTopic"}', 'operator_fault'],
    [500, '{"details":"TopicDisallowed"}', 'operator_fault'],
    [500, '{"details":"no_matching_pool"}', 'operator_fault'],
  ])('%i %s is %s', (status, body, expected) => {
    expect(inShort(outcomeOf(status, body))).toBe(expected)
  })
})

describe('a 410 is a dead device only with the body that says so', () => {
  test.each([
    ['no body', ''],
    ['a proxy’s page', '<html><body><h1>410 Gone</h1></body></html>'],
    ['JSON without a word', '{}'],
    ['a word that nobody knows', '{"reason":"never_heard_of"}'],
    ['a body that was cut off', '{"reason":"unregis'],
  ])('%s is retried and counted as unknown', (_what, body) => {
    expect(inShort(outcomeOf(410, body))).toBe('unknown')
  })
})

/** Never a reason to take a device for dead, other than the four words; whatever the API version. */
test('every answer that a real MongoosePush gave is dead, suspect or transient as its provider meant it', () => {
  const lines = readFileSync('test/fixtures/mongoosepush/error-map.tsv', 'utf8').trim().split('\n')
  const met = new Map<string, Set<string>>()
  for (const line of lines) {
    const [name = '', status = '', body = ''] = line.split('\t')
    const provider = name.replace(/ v\d$/, '')
    const outcomes = met.get(provider) ?? new Set()
    met.set(provider, outcomes.add(inShort(outcomeOf(Number(status), body))))
  }
  expect(lines.length).toBeGreaterThan(100)
  const providersThat = (outcome: string) =>
    [...met].filter(([, outcomes]) => outcomes.has(outcome)).map(([name]) => name.replace(/.* err /, ''))
  expect(providersThat('dead_device')).toEqual([
    '410 ExpiredToken',
    '410 Unregistered',
    '404-NOT_FOUND-UNREGISTERED',
    '404-UNREGISTERED',
  ])
  expect(providersThat('throttled')).toEqual([
    '429 TooManyProviderTokenUpdates',
    '429 TooManyRequests',
    '429-RESOURCE_EXHAUSTED-QUOTA_EXCEEDED',
    '429-QUOTA_EXCEEDED',
    '429-RESOURCE_EXHAUSTED',
  ])
  expect(providersThat('too_large')).toEqual(['413 PayloadTooLarge'])
  expect(providersThat('unknown')).toEqual([
    '418 SomethingNew',
    '520-UNSPECIFIED_ERROR-UNSPECIFIED_ERROR',
    '520-UNSPECIFIED',
    '418-SOMETHING_NEW',
  ])
})

test.each([
  ['timeout', true],
  ['connect_error', true],
  ['connection_lost', true],
  ['worker_lost', false],
] as const)('no answer for %s is tried again', (cause, known) => {
  const answer: GatewayAnswer = { kind: 'no-response', cause, detail: 'ECONNRESET' }
  expect(classifyAnswer(answer)).toEqual({
    kind: 'retry',
    cause,
    reason: 'ECONNRESET',
    retryAfterMs: undefined,
    known,
  })
})

test('Retry-After goes along wherever it appears', () => {
  for (const status of [429, 503, 500, 502, 408]) {
    const outcome = classifyAnswer({ kind: 'response', status, reason: undefined, retryAfterMs: 7_000 })
    expect(outcome).toMatchObject({ kind: 'retry', retryAfterMs: 7_000 })
  }
})

afterEach(() => vi.unstubAllEnvs())

test.each([
  ['0', 0],
  ['120', 120_000],
  [' 5 ', 5_000],
  ['Wed, 21 Oct 2026 07:28:10 GMT', 10_000],
  ['Wed, 21 Oct 2020 07:28:00 GMT', 0],
  ['Wednesday, 21-Oct-26 07:28:10 GMT', 10_000],
  ['Wed Oct 21 07:28:10 2026', 10_000],
  ['soon', undefined],
  ['-1', undefined],
  ['', undefined],
])('Retry-After "%s" is %s ms from now, wherever the daemon is', (header, expected) => {
  vi.stubEnv('TZ', 'America/New_York')
  expect(retryAfterMs(header, Date.UTC(2026, 9, 21, 7, 28, 0))).toBe(expected)
})

test.each([
  ['', undefined],
  ['null', undefined],
  ['not JSON', undefined],
  ['{"reason":', undefined],
  ['{"reason":null}', undefined],
  ['{"reason":{"a":1}}', undefined],
  ['[]', undefined],
  ['{"errors":[]}', undefined],
  ['{"errors":[null]}', undefined],
  ['{"reason":"unregistered"}', 'unregistered'],
  ['{"details":"BadDeviceToken"}', 'BadDeviceToken'],
  ['{"errors":[{"title":"t","message":"Missing field: alert"}]}', 'Missing field: alert'],
  ['{"errors":[{"message":"Invalid integer. Got: number"}]}', 'Invalid integer. Got: number'],
  ['{"details":"Please try again later"}', 'Please try again later'],
  // What may quote the message is no word: it would go into logs and answers.
  ['{"reason":"cannot send: see you at eight"}', undefined],
  ['{"errors":[{"message":"see you at eight"}]}', undefined],
  ['{"errors":[{"message":"Invalid value \\"see you at eight\\""}]}', undefined],
  [`{"reason":"${'x'.repeat(100)}"}`, undefined],
])('the word in the body %s is %s', (body, expected) => {
  expect(reasonOf(body)).toBe(expected)
})

function inShort(outcome: AttemptOutcome): string {
  if (outcome.kind !== 'retry') return outcome.kind
  return outcome.known ? outcome.cause : 'unknown'
}
