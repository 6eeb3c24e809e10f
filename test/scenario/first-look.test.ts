import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { snippet } from '../support/pages.ts'
import { commandsOf, Shell } from '../support/shell.ts'
import { install, virtualDomain } from './installation.ts'

test('an operator gets an answer to every question of docs/operations.md', async () => {
  await using installed = await install()
  const { xmpp, daemon } = installed
  const options = { service: 'fcm', device_id: 'ok' }
  const summary = summaryOf('juliet@chat.test', 'O Romeo')
  await xmpp.request(
    virtualDomain,
    publishIq({ id: 'p', from: 'chat.test', to: virtualDomain, node: 'NODE', options, summary }),
  )

  const commands = commandsOf(snippet('docs/operations.md', 'first-look')).map((command) =>
    command
      .replace('http://127.0.0.1:9590', daemon.url)
      .replace('/var/lib/xmpp-pushd', join(daemon.dir, 'data'))
      .replace('push.example.com', virtualDomain),
  )
  const admin = commands.find((command) => command.startsWith('admin()')) ?? ''
  const questions = commands.filter((command) => command !== admin && !command.startsWith('journalctl'))
  expect(questions).toHaveLength(6)
  const dir = mkdtempSync(join(tmpdir(), 'pushd-shell-'))
  const shell = new Shell(dir)
  for (const question of questions) {
    // `--fail`: what is not 2xx is a fault of the command.
    const answer = shell.run(
      `${admin.replace('curl -s', 'curl -sf')}\n${question.replace('curl -s', 'curl -sf')}`,
    )
    expect({ question, answer: JSON.parse(answer) }).toMatchObject({ answer: expect.any(Object) })
  }
  rmSync(dir, { recursive: true })
})

test('an operator publishes over HTTP as docs/operations.md says', async () => {
  await using installed = await install()
  const { daemon } = installed
  const dir = mkdtempSync(join(tmpdir(), 'pushd-shell-'))
  const body = snippet('docs/operations.md', 'publish.json').replace('push.example.com', virtualDomain)
  writeFileSync(join(dir, 'publish.json'), body.replace('TOKEN OF THE DEVICE', 'ok'))
  const command = snippet('docs/operations.md', 'publish')
    .replace('http://127.0.0.1:9590', daemon.url)
    .replace('/var/lib/xmpp-pushd', join(daemon.dir, 'data'))
  // Not by a Shell: it stands still meanwhile, and the gateway is in this process.
  const { stdout } = await promisify(execFile)('sh', ['-ec', command], { cwd: dir })
  expect(JSON.parse(stdout)).toEqual({ result: 'delivered' })
  rmSync(dir, { recursive: true })
})
