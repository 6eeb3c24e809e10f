import fc from 'fast-check'
import { expect, test } from 'vitest'
import { classifyApnsAnswer } from '../../src/core/apns/answer.ts'
import { classifyFcmAnswer } from '../../src/core/fcm/answer.ts'
import { runs } from './stream-documents.ts'

const word = fc.constantFrom(
  ...['QUOTA_EXCEEDED', 'RESOURCE_EXHAUSTED', 'UNREGISTERED', 'INVALID_ARGUMENT', 'Unregistered', 'Gone'],
)
const said = fc.oneof(
  fc.constantFrom('device', 'topic:x', 'project:1', '1/min/{project}', 'Device message rate exceeded', ''),
  fc.string({ unit: 'binary' }),
  fc.jsonValue(),
)
const violation = fc.record({ subject: said, description: said }, { requiredKeys: [] })
const detail = fc.oneof(
  fc.record({ '@type': said, errorCode: fc.oneof(word, said) }, { requiredKeys: [] }),
  fc.record({ violations: fc.oneof(fc.array(fc.oneof(violation, said)), said) }),
  fc.record({ metadata: fc.oneof(fc.record({ quota_unit: said, quota_limit: said }), said) }),
  fc.jsonValue(),
)
/** As FCM writes them, with anything in each place; and anything at all, perhaps cut off. */
const body = fc.oneof(
  fc
    .record({
      error: fc.record(
        { status: fc.oneof(word, said), message: said, details: fc.oneof(fc.array(detail), said) },
        { requiredKeys: [] },
      ),
    })
    .map((value) => JSON.stringify(value)),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.record({ reason: fc.oneof(word, said), timestamp: said }).map((value) => JSON.stringify(value)),
  fc.string({ unit: 'binary' }),
)
const cut = fc
  .tuple(body, fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([text, share]) => text.slice(0, Math.ceil(text.length * share)))
const answer = fc.record({
  status: fc.oneof(fc.constantFrom(200, 400, 404, 410, 429, 500, 503), fc.integer({ min: 100, max: 599 })),
  retryAfterMs: fc.option(fc.nat(), { nil: undefined }),
  body: fc.oneof(body, cut),
})

test('whatever body comes, FCM’s answer has a meaning: dead by its own word alone, a quota of somebody’s or nobody’s', () => {
  fc.assert(
    fc.property(answer, (given) => {
      const { outcome } = classifyFcmAnswer(given)
      const isTaken = given.status >= 200 && given.status < 300
      expect(outcome.kind === 'delivered').toBe(isTaken)
      if (outcome.kind === 'dead_device') expect(given.body).toMatch(/UNREGISTERED|valid FCM/)
      if (outcome.kind !== 'retry') return
      expect([undefined, 'device', 'topic', 'project']).toContain(outcome.quota)
      if (outcome.quota !== undefined) expect(outcome.cause).toBe('throttled')
      if (outcome.quota !== undefined)
        expect(given.body.toLowerCase()).toMatch(/device|registration|token|topic|project/)
    }),
    { numRuns: runs },
  )
})

test('whatever body comes, APNs’ answer has a meaning: dead by its own word alone', () => {
  fc.assert(
    fc.property(answer, (given) => {
      const { outcome } = classifyApnsAnswer(given)
      if (outcome.kind === 'dead_device') expect(given.body).toMatch(/Unregistered|ExpiredToken/)
      if (given.status === 410 && outcome.kind === 'retry') expect(outcome.known).toBe(false)
    }),
    { numRuns: runs },
  )
})
