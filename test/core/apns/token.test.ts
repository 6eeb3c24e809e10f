import { describe, expect, test } from 'vitest'
import { apnsJwt, isRenewalDue, renewalAgeMs } from '../../../src/core/apns/token.ts'

const minuteMs = 60_000

test('the JWT names the key and its team', () => {
  expect(apnsJwt({ keyId: 'ABC123DEFG', teamId: 'DEF123GHIJ' }, 1_700_000_000)).toEqual({
    header: { alg: 'ES256', kid: 'ABC123DEFG' },
    claims: { iss: 'DEF123GHIJ', iat: 1_700_000_000 },
  })
})

test('the age for renewal is 50 minutes, five more or less', () => {
  expect([0, 0.5, 0.999_999].map((random) => Math.round(renewalAgeMs(random) / minuteMs))).toEqual([
    45, 50, 55,
  ])
})

describe('a token of', () => {
  test.each([
    [0, false],
    [49, false],
    [50, true],
    [60, true],
    [600, true],
    // The clock was set back.
    [-1, false],
    [-51, true],
  ])('%d minutes, renewed at 50, is due: %s', (minutes, expected) => {
    expect(isRenewalDue(minutes * minuteMs, 50 * minuteMs, false)).toBe(expected)
  })

  test.each([
    [0, false],
    [19, false],
    [20, true],
    [45, true],
  ])('%d minutes that was refused as expired is due: %s', (minutes, expected) => {
    expect(isRenewalDue(minutes * minuteMs, 50 * minuteMs, true)).toBe(expected)
  })

  test('an hour is due, whatever its age for renewal', () => {
    expect(isRenewalDue(60 * minuteMs, 90 * minuteMs, false)).toBe(true)
  })
})
