import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { startDaemon } from '../support/daemon.ts'
import { ejabberdCommand, startEjabberd } from '../support/ejabberd.ts'
import { freePort } from '../support/free-port.ts'
import { lacks } from '../support/installed.ts'
import { readmeSnippet } from '../support/readme.ts'
import { Shell } from '../support/shell.ts'
import { until } from '../support/until.ts'
import { configFor } from './set-up.ts'

const cannotRun = [lacks('ejabberd'), lacks('go-sendxmpp')].some(Boolean)

describe.skipIf(cannotRun)('the first push, by hand as the README says', () => {
  test('is shown by the stand-in for MongoosePush, with sender, text and token', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'pushd-'))
    await using server = await startEjabberd({ clientTls: true })
    const shell = new Shell(dir, { ejabberdctl: ejabberdCommand(server) })
    const gatewayPort = await freePort()
    const startGateway = readmeSnippet('sandbox-gateway').replace('8080', String(gatewayPort))
    const gateway = new Child('bash', ['-c', `exec ${startGateway}`], { cwd: dir, env: shell.env })
    try {
      await until('the stand-in', () => gateway.output.includes('sandbox on'))
      await using _ = await startDaemon(configFor(server.componentPort, `http://127.0.0.1:${gatewayPort}`))

      shell.write('enable.xml', readmeSnippet('enable.xml'))
      shell.run(readmeSnippet('first-push').replaceAll('5222', String(server.clientPort)))
      const line = await until('the push', () =>
        gateway.output.split('\n').find((one) => one.includes('/v3/notification/')),
      )
      expect(line).toContain('/v3/notification/thetoken')
      expect(line).toMatch(/"title":"alice@example\.com\/[^"]*","body":"See you at eight\?"/)
    } finally {
      gateway.kill('SIGTERM')
      await gateway.exited
      rmSync(dir, { recursive: true })
    }
  })
})
