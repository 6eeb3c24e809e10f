import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, describe, expect, test } from 'vitest'
import { ServiceManager } from '../../src/main/service-manager.ts'
import { until } from '../support/until.ts'

const dir = mkdtempSync(join(tmpdir(), 'pushd-notify-'))
process.once('exit', () => rmSync(dir, { recursive: true }))
const calls = join(dir, 'calls')
const program = join(dir, 'systemd-notify')

/** In the place of systemd-notify(1): writes down what it was called with, then does as told. */
function notifyProgram(then = ''): void {
  writeFileSync(calls, '')
  writeFileSync(program, `#!/bin/sh\n(IFS='|'; printf '%s\\n' "$NOTIFY_SOCKET: $*") >>${calls}\n${then}\n`)
  chmodSync(program, 0o755)
}

function said(): string[] {
  return readFileSync(calls, 'utf8').trimEnd().split('\n')
}

const daemon = {
  vitals: { workersUp: 1, commitAtDisk: undefined },
  summary: '1 of 1 domains connected',
}
const warnings: string[] = []
const log = pino({ level: 'warn' }, { write: (line) => warnings.push(line) })
let manager: ServiceManager | undefined

function managed(env: Record<string, string>): ServiceManager {
  const PATH = `${dir}:${process.env.PATH}`
  manager = new ServiceManager({ env: { PATH, ...env }, pid: 42, monotonicMs: () => performance.now(), log })
  return manager
}

afterEach(() => {
  manager?.close()
  warnings.length = 0
})

const socket = { NOTIFY_SOCKET: '/run/notify' }

describe('the service manager', () => {
  test('is told of each step, in their order, with a line for people', async () => {
    notifyProgram()
    const told = managed(socket)
    told.ready(daemon)
    told.reloading()
    told.reloaded('changed, and waiting for a restart: data_dir')
    told.stopping(15_000)
    expect(await until('four messages', () => said().length === 4 && said())).toEqual([
      '/run/notify: READY=1|STATUS=1 of 1 domains connected',
      expect.stringMatching(/^\/run\/notify: RELOADING=1\|MONOTONIC_USEC=\d+$/),
      '/run/notify: READY=1|STATUS=1 of 1 domains connected; changed, and waiting for a restart: data_dir',
      '/run/notify: STOPPING=1|EXTEND_TIMEOUT_USEC=15000000|STATUS=stopping',
    ])
    expect(warnings).toEqual([])
  })

  test('gets what is said as it stands: nothing in it is a command, a pattern or a message of its own', async () => {
    notifyProgram()
    managed(socket).ready({ ...daemon, summary: `* $(id) \`id\` ; 'a\tREADY=1\nSTOPPING=1 \\t` })
    await until('a message', () => said()[0] !== '')
    expect(said()).toEqual([`/run/notify: READY=1|STATUS=* $(id) \`id\` ; 'a READY=1 STOPPING=1 \\t`])
  })

  test('gets signs of life when it has set an interval for them', async () => {
    notifyProgram()
    managed({ ...socket, WATCHDOG_USEC: '100000', WATCHDOG_PID: '42' }).ready(daemon)
    await until('three of them', () => said().filter((line) => line.includes('WATCHDOG=1')).length === 3)
  })

  test('gets no sign of life once the daemon stops', async () => {
    notifyProgram()
    const told = managed({ ...socket, WATCHDOG_USEC: '100000', WATCHDOG_PID: '42' })
    told.ready(daemon)
    await until('one of them', () => said().some((line) => line.includes('WATCHDOG=1')))
    told.stopping(0)
    told.close()
    await until('the last word', () => said().some((line) => line.includes('STOPPING=1')))
    expect(said().at(-1)).toContain('STOPPING=1')
  })

  test('that is not there is not spoken to', () => {
    notifyProgram('echo somebody called >&2')
    const told = managed({ WATCHDOG_USEC: '100000' })
    told.ready(daemon)
    told.stopping(0)
    expect(said()).toEqual([''])
    expect(warnings).toEqual([])
  })

  test('that cannot be reached is complained of once, and tried again each time', async () => {
    notifyProgram('echo "Failed to notify init system" >&2; exit 1')
    const told = managed(socket)
    told.ready(daemon)
    told.reloading()
    told.reloaded(undefined)
    await until('three tries', () => said().length === 3)
    await until('a warning', () => warnings.length > 0)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('Failed to notify init system')
  })

  test('without a program to reach it is complained of once', async () => {
    rmSync(program)
    manager = new ServiceManager({ env: { ...socket, PATH: dir }, pid: 42, monotonicMs: () => 0, log })
    manager.ready(daemon)
    manager.reloaded(undefined)
    await until('a warning', () => warnings.length > 0)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('systemd-notify')
  })
})
