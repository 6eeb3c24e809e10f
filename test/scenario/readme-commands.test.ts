import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startXmppSandbox } from '../../src/sandbox/xmpp-server.ts'
import { Child } from '../support/child.ts'
import { freePort } from '../support/free-port.ts'
import { readmeSnippet } from '../support/readme.ts'
import { commandsOf, Shell } from '../support/shell.ts'
import { until } from '../support/until.ts'

test('the README’s configuration is checked, started and found ready with the README’s commands', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'pushd-'))
  await using xmpp = await startXmppSandbox({ domains: { 'push.example.com': 'change-me' } })
  const shell = new Shell(dir)
  const port = await freePort()
  const http = `[http]\nlisten = "127.0.0.1:${port}"\n`
  const config = readmeSnippet('pushd.toml')
    .replace('/var/lib/xmpp-pushd', join(dir, 'data'))
    .replace('5347', String(xmpp.port))
  shell.write('pushd.toml', `${config}\n${http}`)

  const [check = '', start = '', ...rest] = commandsOf(readmeSnippet('start-npm'))
  expect(rest).toEqual([])
  expect(shell.run(check)).toContain('no faults')

  const commands = commandsOf(readmeSnippet('start-deb'))
  // The other two are run where there is a systemd: test/integration/service.test.ts.
  expect(commands.slice(0, 2)).toEqual(['xmpp-pushd check', 'systemctl restart xmpp-pushd'])
  const ask = commands[2]?.replace('9590', String(port)) ?? ''

  const daemon = new Child('bash', ['-c', `exec ${start}`], { cwd: dir, env: shell.env })
  try {
    const answer = await until('the daemon to be ready', () => {
      if (daemon.hasExited) throw new Error(daemon.output)
      // curl fails until the daemon listens.
      const said = shell.run(`${ask} || true`)
      return said.includes('"ready":true') && said
    })
    expect(answer).toBe('{"ready":true,"missing":[]}')
    expect(readmeSnippet('start-deb')).toContain(answer)
  } finally {
    daemon.kill('SIGTERM')
  }
  expect(await daemon.exited).toMatchObject({ code: 0 })
  rmSync(dir, { recursive: true })
})
