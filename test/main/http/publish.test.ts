import { request as httpRequest } from 'node:http'
import { describe, expect, test } from 'vitest'
import { stanzaErrors } from '../../../src/core/stanza-error.ts'
import { good, post, publish, run } from './running.ts'

describe('POST /v1/publish', () => {
  test('hands on host, node, options and summary as they would come over XMPP', async () => {
    const { url, published } = await run()
    const { status, body } = await post(
      url,
      JSON.stringify({
        host: 'a.example',
        node: 'n',
        options: {
          service: 'fcm',
          device_id: '17',
          time_to_live: 60,
          mutable_content: true,
          topic: null,
          tags: ['x'],
        },
        summary: { 'message-count': 3, 'last-message-body': 'Grüße 🎈', 'last-message-sender': '' },
      }),
    )
    expect({ status, body }).toEqual({ status: 200, body: { result: 'delivered' } })
    expect(published[0]).toMatchObject({
      domain: 'a.example',
      from: undefined,
      node: 'n',
      isNotification: true,
      asksForTags: true,
      options: { service: 'fcm', deviceId: '17', timeToLive: '60', mutableContent: 'true', topic: undefined },
      summary: { fields: ['message-count', '3', 'last-message-body', 'Grüße 🎈'] },
    })
  })

  test('looks fields up in a time that does not grow with their square', async () => {
    const { url, published } = await run()
    const timeOf = async (count: number) => {
      const summary = Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, 1]))
      const startedMs = performance.now()
      expect((await post(url, JSON.stringify({ host: 'a.example', summary }))).status).toBe(200)
      return performance.now() - startedMs
    }
    await timeOf(100)
    // When each was compared with all before it, these took more than 4 s.
    expect(await timeOf(85_000)).toBeLessThan(1_500)
    expect(published[1]?.summary).toMatchObject({ fields: { length: 128 }, hasIgnored: true })
  })

  test('takes null for a field that is absent', async () => {
    const { url, published } = await run()
    const body = {
      ...publish,
      options: { ...publish.options, topic: null, tags: null },
      summary: { 'last-message-body': null },
    }
    expect((await post(url, JSON.stringify(body))).status).toBe(200)
    expect(await post(url, JSON.stringify({ ...body, node: null, summary: null }))).toMatchObject({
      status: 200,
    })
    expect(published[0]).toMatchObject({
      asksForTags: false,
      options: { topic: undefined },
      summary: { fields: [] },
    })
    expect(published[1]).toMatchObject({ node: '', summary: { fields: [] } })
  })

  test('needs neither node, nor options, nor summary: the checks decide', async () => {
    const { url, published } = await run()
    expect((await post(url, '{"host":"a.example"}', 'application/json; charset=utf-8')).status).toBe(200)
    expect(published[0]).toMatchObject({ node: '', summary: { fields: [] } })
  })

  test.each([
    ['deviceNotRegistered', 410, null],
    ['preconditionNotMet', 409, null],
    ['itemNotFound', 404, null],
    ['forbidden', 403, null],
    ['badRequest', 400, null],
    ['invalidPayload', 400, null],
    ['unsendable', 400, null],
    ['overload', 429, '1'],
    ['remoteServerTimeout', 503, '10'],
    ['internalServerError', 503, '10'],
    ['submitFailed', 503, '10'],
  ] as const)('where an IQ is answered with %s is %i', async (name, expected, retryAfter) => {
    const error = stanzaErrors[name]
    const { url } = await run({ publish: (_input, sink) => sink.publishEnded({ error, result: 'failed' }) })
    const { status, headers, body } = await post(url, JSON.stringify(publish))
    expect(status).toBe(expected)
    expect(headers.get('retry-after')).toBe(retryAfter)
    const words = { unsendable: 'policy-violation', overload: 'resource-constraint' }
    const word = name in words ? words[name as keyof typeof words] : (error.pubsub ?? error.condition)
    expect(body).toEqual({ error: word, message: expect.stringMatching(/\S/) })
  })

  test("passes the error's own words on", async () => {
    const error = { ...stanzaErrors.invalidPayload, text: 'message-count is no number' }
    const { url } = await run({
      publish: (_input, sink) => sink.publishEnded({ error, result: 'rejected_content' }),
    })
    expect((await post(url, JSON.stringify(publish))).body).toEqual({
      error: 'invalid-payload',
      message: 'message-count is no number',
    })
  })

  test('to a host that is not served is 404', async () => {
    const { url } = await run({ publish: (_input, sink) => sink.publishEnded(undefined) })
    const { status, body } = await post(url, JSON.stringify(publish))
    expect({ status, body }).toMatchObject({ status: 404, body: { error: 'unknown-host', field: 'host' } })
  })

  test.each([
    ['[]', undefined],
    ['"x"', undefined],
    ['null', undefined],
    ['{}', 'host'],
    ['{"host":""}', 'host'],
    ['{"host":5}', 'host'],
    ['{"host":"a","node":5}', 'node'],
    ['{"host":"a","options":[]}', 'options'],
    ['{"host":"a","options":{"service":["apns","fcm"]}}', 'options.service'],
    ['{"host":"a","summary":"x"}', 'summary'],
    ['{"host":"a","summary":{"x":{}}}', 'summary.x'],
    ['{"host":"a","sumary":{}}', 'sumary'],
    ['{"host":"a","__proto__":{}}', '__proto__'],
  ])('of %s is 400 and names the field %s', async (json, field) => {
    const { url, published } = await run()
    const { status, body } = await post(url, json)
    expect(status).toBe(400)
    expect(body).toEqual({
      error: field === undefined ? 'invalid-body' : 'invalid-field',
      ...(field === undefined ? {} : { field }),
      message: expect.any(String),
    })
    expect(published).toEqual([])
  })

  test.each([
    ['device_id', '17'],
    ['device_id', '1e400'],
    ['device_id', 'true'],
    ['device', '17'],
  ])('whose %s is %s, and no text, is bad-request', async (name, value) => {
    const { url, published } = await run()
    const { status, body } = await post(url, `{"host":"a","options":{"service":"fcm","${name}":${value}}}`)
    expect({ status, body }).toEqual({
      status: 400,
      body: { error: 'bad-request', field: `options.${name}`, message: `options.${name} must be text.` },
    })
    expect(published).toEqual([])
  })

  test.each([
    ['{"host":"a",}', 'The body is not JSON: unexpected character at line 1, column 13 (position 12).'],
    ['{"host":\n"a"\n', 'The body is not JSON: it ends too early, at line 3, column 1 (position 13).'],
    ['nope', 'The body is not JSON: unexpected character at line 1, column 1 (position 0).'],
    ['', 'The body is not JSON: it is empty.'],
  ])('of the bad JSON %j says where it is bad', async (json, message) => {
    const { url } = await run()
    const { status, body } = await post(url, json)
    expect({ status, body }).toEqual({ status: 400, body: { error: 'invalid-json', message } })
  })

  test('of bytes that are no UTF-8 is 400', async () => {
    const { url } = await run()
    const bytes = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d])
    expect(await post(url, bytes)).toMatchObject({ status: 400, body: { error: 'invalid-json' } })
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])(
    'as %s is 415',
    async (type) => {
      const { url } = await run()
      expect(await post(url, '{}', type)).toMatchObject({ status: 415, body: { error: 'wrong-type' } })
    },
  )

  test('of 1 MiB is read, of one byte more is 413 and counted', async () => {
    const { url, metrics } = await run()
    const padded = (length: number) => JSON.stringify(publish).padEnd(length, ' ')
    expect((await post(url, padded(1024 * 1024))).status).toBe(200)
    expect(await post(url, padded(1024 * 1024 + 1))).toMatchObject({
      status: 413,
      body: { error: 'too-large' },
    })
    const { body } = await metrics.render(undefined)
    expect(body).toContain('xmpp_pushd_limits_hit_total{limit="http_body_bytes"} 1')
  })

  test('sent in pieces without a length is cut off at the same limit', async () => {
    const { url } = await run()
    const request = httpRequest(`${url}/v1/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...good },
    })
    const answered = new Promise<number | undefined>((resolve, reject) => {
      request.on('response', (response) => resolve(response.resume().statusCode))
      request.on('error', reject)
    })
    for (let i = 0; i < 17; i++) request.write(' '.repeat(64 * 1024))
    expect(await answered).toBe(413)
    request.destroy()
  })

  test('that fails for a bug is 500 without its reason, which is in the log without the body', async () => {
    const { url, log } = await run({
      publish: () => {
        throw new Error('boom')
      },
    })
    const { status, body } = await post(
      url,
      JSON.stringify({ ...publish, summary: { 'last-message-body': 'hush' } }),
    )
    expect({ status, body }).toEqual({
      status: 500,
      body: { error: 'internal-error', message: expect.not.stringContaining('boom') },
    })
    expect(log).toHaveLength(1)
    expect(log[0]).toContain('boom')
    expect(log[0]).not.toContain('hush')
  })
})
