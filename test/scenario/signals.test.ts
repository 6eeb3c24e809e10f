import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { scratchDirectory } from '../main/store/open-store.ts'
import { Child } from '../support/child.ts'
import { startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'

const program = new URL('../../bin/xmpp-pushd', import.meta.url).pathname

describe('SIGUSR1', () => {
  // An inspector on a port of its own, if there were one.
  const env = { NODE_OPTIONS: '--inspect-port=0' }

  test('opens no inspector', async () => {
    await using daemon = await startDaemon({}, 'alive', env)
    daemon.signal('SIGUSR1')
    await daemon.metric('build_info')
    expect(await daemon.stop()).toBe(0)
    expect(daemon.output).not.toContain('Debugger')
  })

  test('opens none in a program that was started by its name either', async () => {
    await using daemon = await startDaemon({}, 'alive')
    await daemon.stop()
    const child = new Child(program, ['start', '--config', daemon.configFile], {
      env: { ...process.env, ...env },
    })
    await until('it to start', () => child.output.includes('"started"'))
    child.kill('SIGUSR1')
    await daemon.metric('build_info')
    child.kill('SIGTERM')
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect(child.output).not.toContain('Debugger')
  })
})

describe('SIGKILL', () => {
  test('leaves compiled code in the cache, once the daemon has run for a few seconds', async () => {
    using cache = scratchDirectory()
    const compiled = () => readdirSync(cache.path, { recursive: true }).length > 100
    await using daemon = await startDaemon({}, 'alive', { NODE_COMPILE_CACHE: cache.path })
    await until('the code to be in the cache', compiled, 25_000)
    await daemon.stop('SIGKILL')
    expect(compiled()).toBe(true)
  })
})
