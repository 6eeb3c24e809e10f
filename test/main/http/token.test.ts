import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/main/secret.ts'
import { get, good, post, run } from './running.ts'

describe('the token', () => {
  test.each(['/v1/publish', '/v1/anything', '/admin', '/admin/config', '/admin/nothing'])(
    'is needed for %s, whether it is there or not',
    async (path) => {
      const { url } = await run()
      const { status, headers, body } = await get(url + path, {})
      expect({ status, body }).toMatchObject({ status: 401, body: { error: 'unauthorized' } })
      expect(headers.get('www-authenticate')).toBe('Bearer realm="xmpp-pushd"')
    },
  )

  test.each(['Bearer wrong', 'Bearer open-sesame2', 'Bearer open-sesam'])(
    'is not %j',
    async (authorization) => {
      const { url } = await run()
      const { status, headers } = await get(`${url}/admin`, { authorization })
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toContain('error="invalid_token"')
    },
  )

  test.each([{}, { authorization: 'Bearer wrong' }])(
    'is looked for where the answer to %j says',
    async (headers) => {
      const { url } = await run()
      const { body } = await get(`${url}/admin`, headers)
      expect(body).toMatchObject({
        message: expect.stringContaining('the file that http.token_file names, else in data_dir/http.token'),
      })
    },
  )

  test.each(['Basic b3Blbi1zZXNhbWU=', 'open-sesame', 'Bearer '])(
    'is not given by %j',
    async (authorization) => {
      const { url } = await run()
      expect((await get(`${url}/admin`, { authorization })).status).toBe(401)
    },
  )

  test.each(['/%61dmin/config', '//admin/config', '/ADMIN/config', '/admin%2fconfig', '/./admin;x/config'])(
    'cannot be gone around by writing the path as %s',
    async (path) => {
      const { url } = await run()
      const { status, body } = await get(url + path, {})
      expect(status).toBeGreaterThanOrEqual(401)
      expect(JSON.stringify(body)).not.toContain('data_dir')
    },
  )

  test('opens the routes, and may change while running', async () => {
    let current = new Secret('open-sesame')
    const { url } = await run({ token: () => current })
    expect((await get(`${url}/admin`, good)).status).toBe(200)
    current = new Secret('another')
    expect((await get(`${url}/admin`, good)).status).toBe(401)
    expect((await get(`${url}/admin`, { authorization: 'bearer another' })).status).toBe(200)
  })

  test('is not needed for metrics, health and readiness', async () => {
    const { url } = await run()
    for (const path of ['/metrics', '/healthz', '/readyz']) expect((await fetch(url + path)).status).toBe(200)
  })

  test('comes before the body: nothing of it is read without', async () => {
    const { url, published } = await run()
    expect((await post(url, '{'.padEnd(2_000_000), undefined, {})).status).toBe(401)
    expect(published).toEqual([])
  })

  test('and the body are in no log line', async () => {
    const { url, log } = await run()
    await get(`${url}/admin`, good)
    await post(url, '{"hush"')
    expect(log).toEqual([])
  })
})
