import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/main/exit-codes.ts'
import { Child } from '../support/child.ts'
import { install, virtualDomain } from './installation.ts'
import { enablePush, postEvents } from './server-role.ts'

const commandLine = new URL('../../src/main/cli.ts', import.meta.url).pathname

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'pushd-plugin-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

describe('a plugin that ends its thread', () => {
  test('costs no event its push: it is decided by the defaults, and answered 202', async () => {
    using directory = folder()
    const plugin = join(directory.path, 'plugin.mjs')
    writeFileSync(
      plugin,
      `export function senderId(event) {
        if (event.id === 'bad') process.exit(0)
        return 'the plugin'
      }`,
    )
    await using installed = await install({ config: { push: { plugin } } })
    const { gateway, daemon } = installed
    await enablePush(installed, 'carol@chat.test/r1', virtualDomain, 'v', 'carol-phone')
    const posted = await postEvents(installed, { to: 'carol@chat.test', id: 'bad' })
    expect(posted).toMatchObject({ status: 202, body: { notified: 1 } })
    expect((await gateway.next(1))[0]?.body).toMatchObject({ alert: { title: 'bob@chat.test' } })
    expect(await daemon.metric('plugin_restarts_total')).toBe(1)
    expect(await daemon.metric('plugin_failures_total', { cause: 'gone' })).toBe(1)
    expect(daemon.complaints.map(({ msg }) => msg)).toContainEqual(
      expect.stringContaining('the thread of the plugin ended'),
    )
    expect(await daemon.stop()).toBe(exitCodes.ok)
  })
})

describe('a plugin that cannot be loaded', () => {
  test.each([
    ['throws', 'throw new Error("at load")', /at load/],
    ['never ends', 'for (;;);', /it was not loaded within 10 s/],
    [
      'waits for ever',
      'await new Promise(() => setInterval(() => undefined, 1000))',
      /not loaded within 10 s/,
    ],
  ])(
    'since it %s while it is loaded is a fault to check and start: exit code 78',
    async (_, source, says) => {
      using directory = folder()
      const config = join(directory.path, 'pushd.toml')
      writeFileSync(join(directory.path, 'plugin.mjs'), source)
      writeFileSync(
        config,
        `data_dir = "${directory.path}/data"\nhttp.listen = "127.0.0.1:0"\n` +
          '[[component]]\ndomain = "push.test"\nserver = "127.0.0.1:9"\nsecret = "x"\n' +
          '[push]\nplugin = "./plugin.mjs"\n',
      )
      const runs = ['check', 'start'].map(
        (command) => new Child(process.execPath, [commandLine, command, '--config', config]),
      )
      for (const run of runs) {
        expect(await run.exited).toMatchObject({ code: exitCodes.config })
        expect(run.output).toMatch(/push\.plugin: cannot load/)
        expect(run.output).toMatch(says)
      }
    },
  )
})
