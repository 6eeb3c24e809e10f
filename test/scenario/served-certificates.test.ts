import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Authority } from '../../src/sandbox/providers/authority.ts'
import { startDaemon } from '../support/daemon.ts'
import { freePort } from '../support/free-port.ts'
import { answerTo } from '../support/http-answer.ts'

test('gateway.tls.client_ca_file: where others reach the served API, it is for clients with a certificate', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'pushd-mtls-'))
  const put = (name: string, text: string) => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }
  const [servers, clients] = [new Authority(), new Authority()]
  const own = servers.issue({ commonName: 'localhost', names: ['localhost', '127.0.0.1'] })
  const port = await freePort()
  await using daemon = await startDaemon(
    {
      gateway: {
        listen: `0.0.0.0:${port}`,
        tls: {
          cert_file: put('own.pem', own.cert),
          key_file: put('own.key', own.key),
          client_ca_file: put('clients.pem', clients.ca),
        },
      },
    },
    'alive',
  )
  const ask = (shown: { cert?: string; key?: string }) =>
    answerTo(
      request(`https://localhost:${port}/swagger.json`, { ca: servers.ca, ...shown, agent: new Agent() }),
    )
  expect((await ask(clients.issue({ commonName: 'mongooseim' }))).status).toBe(200)
  await expect(ask({})).rejects.toThrow()
  await expect(ask(servers.issue({ commonName: 'stranger' }))).rejects.toThrow()
  expect(daemon.log.map(({ msg }) => msg).join()).not.toContain('gateway.open')
  rmSync(dir, { recursive: true })
})
