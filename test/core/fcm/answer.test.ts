import { describe, expect, test } from 'vitest'
import { classifyFcmAnswer, fcmWords } from '../../../src/core/fcm/answer.ts'

interface FcmFault {
  readonly status?: string
  readonly code?: string | undefined
  readonly message?: string
  readonly badRequest?: boolean
  readonly retryAfterMs?: number | undefined
}

function bodyOf({ status = 'NOT_FOUND', code, message = 'a sentence', badRequest = false }: FcmFault) {
  const details = [
    ...(code === undefined
      ? []
      : [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: code }]),
    ...(badRequest
      ? [
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [{ field: 'message.android.ttl', description: 'Invalid' }],
          },
        ]
      : []),
  ]
  return JSON.stringify({ error: { message, status, details } })
}

function classify(status: number, fault: FcmFault) {
  return classifyFcmAnswer({ status, retryAfterMs: fault.retryAfterMs, body: bodyOf(fault) })
}

test('200 is delivered', () => {
  const body = '{"name":"projects/p/messages/1"}'
  expect(classifyFcmAnswer({ status: 200, retryAfterMs: undefined, body })).toEqual({
    outcome: { kind: 'delivered' },
    hint: 'none',
  })
})

/** Every code of FCM's with its status and Google's; and Google's alone. */
const codes: readonly (readonly [status: number, google: string, code: string | undefined, kind: string])[] =
  [
    [404, 'NOT_FOUND', 'UNREGISTERED', 'dead_device'],
    [404, 'UNREGISTERED', undefined, 'dead_device'],
    [403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH', 'suspect'],
    [503, 'UNAVAILABLE', 'UNAVAILABLE', 'retry server_error'],
    [503, 'UNAVAILABLE', undefined, 'retry server_error'],
    [500, 'INTERNAL', 'INTERNAL', 'retry server_error'],
    [429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED', 'retry throttled'],
    [429, 'RESOURCE_EXHAUSTED', undefined, 'retry throttled'],
    [401, 'UNAUTHENTICATED', undefined, 'operator_fault renew_token'],
    [401, 'UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR', 'operator_fault'],
    [401, 'UNAUTHENTICATED', 'APNS_AUTH_ERROR', 'operator_fault'],
    [403, 'PERMISSION_DENIED', undefined, 'operator_fault'],
    [404, 'NOT_FOUND', undefined, 'operator_fault'],
    [400, 'INVALID_ARGUMENT', undefined, 'invalid'],
    [520, 'UNSPECIFIED', undefined, 'retry server_error'],
    [520, 'UNSPECIFIED_ERROR', 'UNSPECIFIED_ERROR', 'retry server_error'],
    [400, 'SOMETHING_NEW', 'SOMETHING_NEW', 'operator_fault'],
    [413, 'SOMETHING_NEW', undefined, 'too_large'],
    [418, 'SOMETHING_NEW', undefined, 'operator_fault'],
    [429, 'SOMETHING_NEW', undefined, 'retry throttled'],
    [500, 'SOMETHING_NEW', 'SOMETHING_NEW', 'retry server_error'],
    [502, 'SOMETHING_NEW', undefined, 'retry server_error'],
  ]

test.each(codes)('%d %s, FCM’s own code %s, is %s', (status, google, code, expected) => {
  const { outcome, hint } = classify(status, { status: google, code })
  const words = [outcome.kind, 'cause' in outcome ? outcome.cause : '', hint === 'none' ? '' : hint]
  expect(words.filter((word) => word !== '').join(' ')).toBe(expected)
  expect(outcome).toMatchObject({ reason: code ?? google })
})

test('the table above has every word of the table in the code', () => {
  const listed = new Set(codes.map(([, google, code]) => code ?? google))
  expect(
    Object.values(fcmWords)
      .flat()
      .filter((word) => !listed.has(word)),
  ).toEqual([])
})

describe('INVALID_ARGUMENT', () => {
  const status = 'INVALID_ARGUMENT'

  test.each([
    [
      'FCM’s words about the token',
      { code: status, message: 'The registration token is not a valid FCM registration token' },
      'dead_device',
    ],
    ['a BadRequest', { badRequest: true }, 'invalid'],
    ['FCM’s code and a BadRequest', { code: status, badRequest: true }, 'invalid'],
    ['FCM’s code alone, in words that are new', { code: status }, 'suspect'],
    ['nothing', {}, 'invalid'],
    [
      'words about the token that are not FCM’s',
      { message: 'x is not a valid FCM registration token', badRequest: true },
      'invalid',
    ],
    ['its size', { code: status, message: 'Android message is too big' }, 'too_large'],
  ])('with %s is %3$s', (_what, fault, kind) => {
    expect(classify(400, { status, ...fault }).outcome).toMatchObject({ kind })
  })
})

describe('a pause', () => {
  test.each([
    ['QUOTA_EXCEEDED', 429, undefined, 60_000],
    ['QUOTA_EXCEEDED', 429, 5_000, 5_000],
    ['UNAVAILABLE', 503, undefined, undefined],
    ['UNAVAILABLE', 503, 5_000, 5_000],
    ['INTERNAL', 500, 5_000, 5_000],
  ])('after %s (%d) with Retry-After %s ms is %s ms', (code, status, retryAfterMs, expected) => {
    expect(classify(status, { code, retryAfterMs }).outcome).toMatchObject({ retryAfterMs: expected })
  })
})

test('unknown faults are those that FCM calls so, and 500s in words that are new', () => {
  expect(classify(520, { status: 'UNSPECIFIED' }).outcome).toMatchObject({ known: false })
  expect(classify(500, { status: 'SOMETHING_NEW' }).outcome).toMatchObject({ known: false })
  expect(classify(500, { status: 'INTERNAL' }).outcome).toMatchObject({ known: true })
  expect(classifyFcmAnswer({ status: 410, retryAfterMs: undefined, body: '' }).outcome).toMatchObject({
    known: false,
  })
})

describe('a body that is no error of FCM’s leaves the status, in Google’s words', () => {
  test.each([
    [400, 'invalid', 'INVALID_ARGUMENT'],
    [401, 'operator_fault', 'UNAUTHENTICATED'],
    [403, 'operator_fault', 'PERMISSION_DENIED'],
    [404, 'operator_fault', 'NOT_FOUND'],
    [413, 'too_large', 'PayloadTooLarge'],
    [429, 'retry', 'RESOURCE_EXHAUSTED'],
    [500, 'retry', 'INTERNAL'],
    [502, 'retry', 'HTTP 502'],
    [503, 'retry', 'UNAVAILABLE'],
    [410, 'retry', 'HTTP 410'],
    [302, 'operator_fault', 'HTTP 302'],
  ])('%d is %s %s', (status, kind, reason) => {
    const bodies = [
      '',
      '<html>',
      'null',
      '{"error":"x"}',
      '{"error":{"details":5}}',
      '{"error":{"status":"a b"}}',
    ]
    for (const body of [...bodies, '{"error":{"details":[null,[],{"errorCode":{}}]}}']) {
      const { outcome } = classifyFcmAnswer({ status, retryAfterMs: undefined, body })
      expect(outcome).toMatchObject({ kind, reason })
    }
  })
})
