import { describe, expect, test } from 'vitest'
import { apnsWords } from '../../../src/core/apns/answer.ts'
import { fcmWords } from '../../../src/core/fcm/answer.ts'
import { noMatchingPool } from '../../../src/core/gateway/pools.ts'
import { servedAnswer, servedWords } from '../../../src/core/gateway/served-answer.ts'
import type { AttemptOutcome, NoResponseCause, Outcome } from '../../../src/core/outcome.ts'

function inShort(version: 'v1' | 'v2' | 'v3', outcome: AttemptOutcome | Outcome): string {
  const { status, body } = servedAnswer(version, outcome)
  return `${status} ${body}`
}

function retry(cause: NoResponseCause | 'throttled' | 'server_error', reason: string, retryAfterMs?: number) {
  return { kind: 'retry', cause, reason, retryAfterMs, known: true } as const
}

test.each(['v1', 'v2', 'v3'] as const)('%s: delivered is 200 and stored 202, with null', (version) => {
  expect(servedAnswer(version, { kind: 'delivered' })).toEqual({
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: 'null',
  })
  expect(inShort(version, { kind: 'stored' })).toBe('202 null')
})

describe('without an answer of the provider’s, what became of the request is said', () => {
  test.each([
    ['timeout', '500 {"reason":"request_timeout"}', '500 {"details":"request_timeout"}'],
    ['connect_error', '503 {"reason":"unable_to_connect"}', '503 {"details":"Please try again later"}'],
    ['connection_lost', '503 {"reason":"connection_lost"}', '500 {"details":"connection_lost"}'],
    ['worker_lost', '503 {"reason":"connection_lost"}', '500 {"details":"connection_lost"}'],
  ] as const)('%s', (cause, v3, flat) => {
    const outcome = retry(cause, 'ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:443')
    expect(inShort('v3', outcome)).toBe(v3)
    expect(inShort('v2', outcome)).toBe(flat)
    expect(inShort('v1', outcome)).toBe(flat)
  })

  test('unless the provider had said why it closes', () => {
    expect(inShort('v3', retry('connection_lost', 'IdleTimeout'))).toBe('400 {"reason":"invalid_request"}')
    expect(inShort('v2', retry('connection_lost', 'IdleTimeout'))).toBe('500 {"details":"IdleTimeout"}')
  })
})

describe('what was never sent is answered as MongoosePush does', () => {
  test.each([
    [noMatchingPool, '400 {"reason":"no_matching_pool"}', '500 {"details":"no_matching_pool"}'],
    [
      { kind: 'invalid', reason: 'invalid_notification' },
      '400 {"reason":"invalid_notification"}',
      '500 {"details":"invalid_notification"}',
    ],
    [
      { kind: 'too_large', reason: 'PayloadTooLarge' },
      '413 {"reason":"payload_too_large"}',
      '500 {"details":"PayloadTooLarge"}',
    ],
  ] as const)('%j', (outcome, v3, flat) => {
    expect(inShort('v3', outcome)).toBe(v3)
    expect(inShort('v1', outcome)).toBe(flat)
  })
})

describe('what became of a notification that waited', () => {
  test.each([
    [{ kind: 'undelivered', cause: 'overload', reason: '' }, '429 {"reason":"too_many_requests"}'],
    [{ kind: 'undelivered', cause: 'timeout', reason: 'no answer yet' }, '500 {"reason":"request_timeout"}'],
    [
      { kind: 'undelivered', cause: 'timeout', reason: 'ServiceUnavailable' },
      '503 {"reason":"service_internal"}',
    ],
    [{ kind: 'dead_device', reason: 'UNREGISTERED' }, '410 {"reason":"unregistered"}'],
  ] as const)('%j: %s', (outcome, v3) => {
    expect(inShort('v3', outcome)).toBe(v3)
  })
})

test('a word that nobody knows is passed on, a sentence is not', () => {
  const word = { kind: 'operator_fault', reason: 'SomethingNew' } as const
  expect(inShort('v3', word)).toBe('500 {"reason":"SomethingNew"}')
  expect(inShort('v1', word)).toBe('500 {"details":"SomethingNew"}')
  const sentence = { kind: 'operator_fault', reason: 'a sentence, perhaps of a message' } as const
  expect(inShort('v3', sentence)).toBe('500 {"reason":"unspecified"}')
  expect(inShort('v2', sentence)).toBe('500 {"details":"unspecified"}')
})

test.each([
  [7_000, '7'],
  [1, '1'],
  [0, '0'],
])('a provider’s pause of %d ms is Retry-After: %s, in every version', (retryAfterMs, expected) => {
  for (const version of ['v1', 'v2', 'v3'] as const) {
    const { headers } = servedAnswer(version, retry('throttled', 'TooManyRequests', retryAfterMs))
    expect(headers['retry-after']).toBe(expected)
  }
  expect(servedAnswer('v3', retry('throttled', 'TooManyRequests')).headers).not.toHaveProperty('retry-after')
})

test('each word of the table is one that a provider or we may say', () => {
  const ours = [
    'connection_lost',
    'invalid_notification',
    'no_matching_pool',
    'request_timeout',
    'too_many_requests',
    'unable_to_connect',
  ]
  const known = new Set([...Object.values(apnsWords).flat(), ...Object.values(fcmWords).flat(), ...ours])
  expect(
    Object.values(servedWords)
      .flat()
      .filter((word) => !known.has(word)),
  ).toEqual([])
})
