import fc from 'fast-check'
import { expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { rawServer } from '../worker/raw-server.ts'
import { SessionAtWork } from '../worker/session-at-work.ts'
import { runs } from './stream-documents.ts'

/** Sockets are slower than functions. */
const answersRuns = Math.ceil(runs / 60)

const head = fc.constantFrom(
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 503 Service Unavailable\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.0 200 OK\r\n',
  'HTTP/1.1 999 ?\r\n',
  'HTTP/9.9 200 OK\r\n',
  'ICY 200 OK\r\n',
)
const header = fc.constantFrom(
  'content-length: 4\r\n',
  'content-length: -1\r\n',
  'content-length: 999999999999\r\n',
  'content-length: 4\r\ncontent-length: 5\r\n',
  'transfer-encoding: chunked\r\n',
  'content-encoding: gzip\r\n',
  'retry-after: 1\r\n',
  'retry-after: never\r\n',
  'connection: close\r\n',
  'no colon\r\n',
  ': no name\r\n',
  'x: \u0000\r\n',
)
const body = fc.oneof(
  fc.constantFrom(
    'null',
    '{"reason":"unregistered"}',
    '4\r\nnull\r\n0\r\n\r\n',
    'ffffffffff\r\n',
    '',
    '\r\n',
  ),
  fc.string({ unit: 'binary' }),
)
/** What the gateway writes to one request, and how it goes on. */
const nastiness = fc.record({
  bytes: fc.oneof(
    fc
      .tuple(head, fc.array(header, { maxLength: 3 }), body)
      .map(([start, headers, rest]) => Buffer.from(`${start}${headers.join('')}\r\n${rest}`)),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  ),
  after: fc.constantFrom('end' as const, 'destroy' as const, 'reset' as const, 'nothing' as const),
})

test('whatever bytes a gateway answers with, each request gets exactly one answer, and the next one its own', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(nastiness, { minLength: 1, maxLength: 8 }), async (list) => {
      let turn = 0
      await using server = await rawServer(({ socket, path }) => {
        const next = path === '/well' ? undefined : list[turn++]
        if (next === undefined) {
          socket.write('HTTP/1.1 204 No Content\r\n\r\n')
          return
        }
        socket.write(next.bytes)
        if (next.after === 'end') socket.end()
        else if (next.after === 'destroy') socket.destroy()
        else if (next.after === 'reset') socket.resetAndDestroy()
      })
      await using worker = new SessionAtWork(server.url, { requestTimeoutMs: 60, connectTimeoutMs: 2_000 })
      worker.post(list.map((_, i) => `/${i}`))
      await worker.answered(list.length)
      // Also after what it was sent that nobody asked for.
      await until('a good answer', async () => (await worker.only('/well'))?.status === 204)
      const ids = worker.answers.map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      for (const { status, cause } of worker.answers) expect(status === 0).toBe(cause !== undefined)
    }),
    { numRuns: answersRuns },
  )
})
