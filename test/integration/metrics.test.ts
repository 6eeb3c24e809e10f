import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { startGatewaySandbox } from '../../src/sandbox/gateway.ts'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { startDaemon } from '../support/daemon.ts'
import { lacks } from '../support/installed.ts'
import { configFor, service } from './set-up.ts'

describe.skipIf(lacks('promtool'))('the metrics', () => {
  test('are as Prometheus wants them: promtool finds nothing', async () => {
    await using server = await startXmppSandbox({ domains: { [service]: 'change-me' } })
    await using gateway = await startGatewaySandbox()
    await using daemon = await startDaemon(configFor(server.port, gateway.url))
    const input = await (await fetch(`${daemon.url}/metrics`)).text()
    const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], {
      input,
      encoding: 'utf8',
    })
    expect(stdout + stderr).toBe('')
    expect(status).toBe(0)
  })
})
