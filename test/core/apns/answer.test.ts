import { describe, expect, test } from 'vitest'
import { apnsWords, classifyApnsAnswer, confirmDead } from '../../../src/core/apns/answer.ts'

function classify(status: number, body: object | string, retryAfterMs?: number) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return classifyApnsAnswer({ status, retryAfterMs, body: text })
}

function inShort(status: number, reason: string): string {
  const { outcome, hint } = classify(status, { reason })
  return [outcome.kind, 'cause' in outcome ? outcome.cause : '', hint].filter((word) => word !== '').join(' ')
}

test('200 is delivered', () => {
  expect(classify(200, '')).toEqual({ outcome: { kind: 'delivered' }, hint: 'none' })
})

/** Every reason of APNs, with its status. */
const reasons: readonly (readonly [status: number, reason: string, outcome: string])[] = [
  [410, 'Unregistered', 'dead_device none'],
  [410, 'ExpiredToken', 'dead_device none'],
  [400, 'BadDeviceToken', 'suspect none'],
  [400, 'DeviceTokenNotForTopic', 'suspect none'],
  [429, 'TooManyRequests', 'retry throttled none'],
  [500, 'InternalServerError', 'retry server_error none'],
  [503, 'ServiceUnavailable', 'retry server_error none'],
  [400, 'IdleTimeout', 'retry connection_lost replace_connection'],
  [503, 'Shutdown', 'retry server_error replace_connection'],
  [429, 'TooManyProviderTokenUpdates', 'retry throttled replace_connection'],
  [403, 'ExpiredProviderToken', 'retry token_expired renew_token'],
  [403, 'InvalidProviderToken', 'operator_fault none'],
  [403, 'MissingProviderToken', 'operator_fault none'],
  [403, 'UnrelatedKeyIdInToken', 'operator_fault none'],
  [403, 'BadEnvironmentKeyIdInToken', 'operator_fault none'],
  [403, 'BadCertificate', 'operator_fault none'],
  [403, 'BadCertificateEnvironment', 'operator_fault none'],
  [403, 'Forbidden', 'operator_fault none'],
  [400, 'BadTopic', 'operator_fault none'],
  [400, 'MissingTopic', 'operator_fault none'],
  [400, 'TopicDisallowed', 'operator_fault none'],
  [404, 'BadPath', 'operator_fault none'],
  [405, 'MethodNotAllowed', 'operator_fault none'],
  [413, 'PayloadTooLarge', 'too_large none'],
  [400, 'BadCollapseId', 'invalid none'],
  [400, 'BadExpirationDate', 'invalid none'],
  [400, 'BadMessageId', 'invalid none'],
  [400, 'BadPriority', 'invalid none'],
  [400, 'DuplicateHeaders', 'invalid none'],
  [400, 'InvalidPushType', 'invalid none'],
  [400, 'MissingDeviceToken', 'invalid none'],
  [400, 'PayloadEmpty', 'invalid none'],
]

test.each(reasons)('%d %s is %s', (status, reason, expected) => {
  expect(inShort(status, reason)).toBe(expected)
})

test('the table above has every word of the table in the code', () => {
  const listed = reasons.map(([, reason]) => reason)
  expect(Object.values(apnsWords).flat().sort()).toEqual(listed.toSorted())
})

describe('a reason that nobody knows', () => {
  test.each([
    [400, 'operator_fault none'],
    [403, 'operator_fault none'],
    [410, 'retry server_error none'],
    [413, 'too_large none'],
    [418, 'operator_fault none'],
    [429, 'retry throttled none'],
    [500, 'retry server_error none'],
    [503, 'retry server_error none'],
  ])('with %d costs nobody the registration: %s', (status, expected) => {
    expect(inShort(status, 'SomethingNew')).toBe(expected)
  })

  test('is an unknown fault with 410 and 500 alone', () => {
    expect(classify(410, { reason: 'SomethingNew' }).outcome).toMatchObject({ known: false })
    expect(classify(500, { reason: 'SomethingNew' }).outcome).toMatchObject({ known: false })
    expect(classify(503, { reason: 'SomethingNew' }).outcome).toMatchObject({ known: true })
    expect(classify(500, { reason: 'InternalServerError' }).outcome).toMatchObject({ known: true })
  })
})

describe('a body without a reason leaves the status, in APNs’s words', () => {
  test.each([
    [410, 'retry', 'HTTP 410'],
    [413, 'too_large', 'PayloadTooLarge'],
    [429, 'retry', 'TooManyRequests'],
    [500, 'retry', 'InternalServerError'],
    [503, 'retry', 'ServiceUnavailable'],
    [400, 'operator_fault', 'HTTP 400'],
    [302, 'operator_fault', 'HTTP 302'],
    [502, 'retry', 'HTTP 502'],
  ])('%d is %s %s', (status, kind, reason) => {
    for (const body of ['', 'null', '[]', '<html>', '{"reason":5}', '{"reason":"a secret sentence"}']) {
      expect(classify(status, body).outcome).toMatchObject({ kind, reason })
    }
  })
})

test('a bare 410, or a proxy’s page, is retried and counted as unknown', () => {
  for (const body of ['', '<html>410 Gone</html>', '{"reason":"Unreg']) {
    const { outcome } = classify(410, body)
    expect(outcome).toMatchObject({ kind: 'retry', cause: 'server_error', known: false })
  }
})

test('Retry-After goes along', () => {
  expect(classify(429, { reason: 'TooManyRequests' }, 7_000).outcome).toMatchObject({ retryAfterMs: 7_000 })
  expect(classify(503, { reason: 'ServiceUnavailable' }, 7_000).outcome).toMatchObject({
    retryAfterMs: 7_000,
  })
})

describe('a device that is gone since a time', () => {
  const { outcome } = classify(410, { reason: 'Unregistered', timestamp: 1_700_000_000_000 })

  test.each([
    ['made before it', 1_699_999_999_999, 'dead_device'],
    ['made at that time', 1_700_000_000_000, 'dead_device'],
    ['made after it', 1_700_000_000_001, 'suspect'],
    ['of unknown age', undefined, 'dead_device'],
  ])('with a registration %s is a %3$s', (_when, registeredAtMs, kind) => {
    expect(confirmDead(outcome, registeredAtMs)).toMatchObject({ kind, reason: 'Unregistered' })
  })

  test('which the answer does not say is dead', () => {
    const untimed = classify(410, { reason: 'Unregistered' }).outcome
    expect(confirmDead(untimed, Number.MAX_SAFE_INTEGER)).toMatchObject({ kind: 'dead_device' })
  })

  test('does not matter to other outcomes', () => {
    const suspect = classify(400, { reason: 'BadDeviceToken', timestamp: 1 }).outcome
    expect(confirmDead(suspect, 2)).toBe(suspect)
  })
})
