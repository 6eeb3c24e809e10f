import fc from 'fast-check'
import { expect, test } from 'vitest'
import { post, run } from '../main/http/running.ts'
import { runs } from './stream-documents.ts'

/** Each is a request over a socket. */
const requestRuns = Math.ceil(runs / 10)

/** Nearly right: the known fields, each right or anything else. */
const nearly = fc.record(
  {
    host: fc.oneof(fc.constant('a.example'), fc.jsonValue()),
    node: fc.oneof(fc.string(), fc.jsonValue()),
    options: fc.oneof(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer())), fc.jsonValue()),
    summary: fc.oneof(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.boolean())), fc.jsonValue()),
    tags: fc.jsonValue(),
  },
  { requiredKeys: [] },
)
const body = fc.oneof(
  nearly.map((value) => JSON.stringify(value)),
  nearly.chain((value) => {
    const text = JSON.stringify(value)
    return fc.nat(text.length).map((end) => text.slice(0, end))
  }),
  fc.json(),
  fc.string({ unit: 'binary' }),
)

test('any body is answered with 200 and published once, or with 400, a reason, and nothing published', async () => {
  const { url, published, log } = await run()
  await fc.assert(
    fc.asyncProperty(body, async (text) => {
      const before = published.length
      const answer = await post(url, text)
      expect([200, 400]).toContain(answer.status)
      expect(published.length - before).toBe(answer.status === 200 ? 1 : 0)
      expect(answer.headers.get('content-type')).toMatch(/json/)
      if (answer.status === 400) expect(answer.body).not.toEqual({})
    }),
    { numRuns: requestRuns },
  )
  // Nothing of it is news for the operator.
  expect(log).toEqual([])
})

test('bytes that are no UTF-8 are answered with 400', async () => {
  const { url, published } = await run()
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), async (bytes) => {
      const answer = await post(url, Uint8Array.from([0x22, ...bytes, 0xff, 0x22]))
      expect(answer.status).toBe(400)
    }),
    { numRuns: requestRuns },
  )
  expect(published).toEqual([])
})
