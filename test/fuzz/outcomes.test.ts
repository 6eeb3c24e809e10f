import fc from 'fast-check'
import { expect, test } from 'vitest'
import { classifyAnswer, reasonOf, retryAfterMs } from '../../src/core/mongoosepush/answer.ts'
import type { GatewayAnswer, Outcome } from '../../src/core/outcome.ts'
import { iqError } from '../../src/core/stanza.ts'
import { answerOf, answerPublish } from '../../src/main/roles/app-server/answer-publish.ts'
import { PublishRequest } from '../../src/main/roles/app-server/publish-request.ts'
import { parseStanza, summaryOfAnswer } from '../main/roles/app-server/app-server-at-work.ts'
import { runs } from './stream-documents.ts'

/** The provider's own words for a device that is gone. */
const deadWords = ['unregistered', 'Unregistered', 'UNREGISTERED', 'ExpiredToken', 'probably_unregistered']

const word = fc.oneof(
  fc.constantFrom(
    ...deadWords,
    ...['BadDeviceToken', 'INVALID_ARGUMENT', 'TooManyRequests', 'InternalServerError', 'PayloadTooLarge'],
    ...['BadCertificate', 'ServiceUnavailable', 'constructor', '__proto__', '', 'unregistered '],
  ),
  fc.string(),
)
const status = fc.oneof(
  fc.integer({ min: 200, max: 599 }),
  fc.constantFrom(200, 400, 410, 413, 422, 429, 500, 503, 520),
)
const answer: fc.Arbitrary<GatewayAnswer> = fc.oneof(
  fc.record({
    kind: fc.constant('response' as const),
    status,
    reason: fc.option(word, { nil: undefined }),
    retryAfterMs: fc.option(fc.nat(), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('no-response' as const),
    cause: fc.constantFrom(
      'timeout' as const,
      'connect_error' as const,
      'connection_lost' as const,
      'worker_lost' as const,
    ),
    detail: fc.string(),
  }),
)
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constantFrom<Outcome>({ kind: 'delivered' }, { kind: 'stored' }),
  fc.record({
    kind: fc.constantFrom(
      'dead_device' as const,
      'suspect' as const,
      'invalid' as const,
      'operator_fault' as const,
    ),
    reason: fc.string({ unit: 'binary' }),
  }),
  fc.record({
    kind: fc.constant('undelivered' as const),
    cause: fc.constantFrom('timeout' as const, 'overload' as const),
    reason: fc.string({ unit: 'binary' }),
  }),
)

test('a device is dead only when the gateway says so: by its word for it under 400, 410 or 5xx', () => {
  fc.assert(
    fc.property(answer, (given) => {
      const says =
        given.kind === 'response' &&
        (given.status === 400 || given.status === 410 || given.status >= 500) &&
        deadWords.includes(given.reason ?? '')
      expect(classifyAnswer(given).kind === 'dead_device').toBe(says)
    }),
    { numRuns: runs },
  )
})

test('a push is taken for delivered exactly at 2xx, and no answer at all is always tried again', () => {
  fc.assert(
    fc.property(answer, (given) => {
      const { kind } = classifyAnswer(given)
      expect(kind === 'delivered').toBe(given.kind === 'response' && given.status < 300)
      if (given.kind === 'no-response') expect(kind).toBe('retry')
    }),
    { numRuns: runs },
  )
})

test('after the checks only a dead device is answered with anything but a result or a wait', () => {
  fc.assert(
    fc.property(outcome, (given) => {
      const { error } = answerOf(given)
      if (given.kind === 'delivered' || given.kind === 'stored') expect(error).toBeUndefined()
      else if (given.kind === 'dead_device') expect(error?.pubsub).toBe('device-not-registered')
      else expect(error?.type).toBe('wait')
    }),
    { numRuns: runs },
  )
})

test("whatever the gateway's reason, the answer is one well-formed stanza with the request's id", () => {
  const id = fc.string({ unit: fc.constantFrom(...'ab<>&\'"🚀ü ') })
  fc.assert(
    fc.property(outcome, id, (given, requestId) => {
      const request = new PublishRequest(requestId, 'chat.test', 'push.chat.test')
      const { stanza } = answerPublish(request, given)
      const read = parseStanza(stanza)
      expect([read.name, read.attr('id'), read.attr('to')]).toEqual(['iq', requestId, 'chat.test'])
      const { error } = answerOf(given)
      expect(summaryOfAnswer(read)).toBe(
        error === undefined ? 'result' : summaryOfAnswer(parseStanza(iqError(request, error))),
      )
    }),
    { numRuns: runs },
  )
})

test('any body has a short word or none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string(), fc.string({ unit: 'binary' })), (body) => {
      expect((reasonOf(body) ?? '').length).toBeLessThanOrEqual(200)
    }),
    { numRuns: runs },
  )
})

test('any Retry-After is a time from now of a day at most, or none', () => {
  const header = fc.oneof(
    fc.string(),
    fc.nat().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    fc.integer({ min: 1, max: 400 }).map((length) => '9'.repeat(length)),
  )
  fc.assert(
    fc.property(header, (text) => {
      const ms = retryAfterMs(text, Date.UTC(2025, 0))
      if (ms !== undefined) expect(ms >= 0 && ms <= 86_400_000).toBe(true)
    }),
    { numRuns: runs },
  )
})
