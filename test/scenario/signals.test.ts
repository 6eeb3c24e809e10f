import { describe, expect, test } from 'vitest'
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
