import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import { exitCodes } from '../exit-codes.ts'
import type { RestartState } from '../handover/restarts.ts'
import { type Command, configFileOf, configOption } from './command.ts'
import { askDaemon, DaemonRequestError } from './daemon-request.ts'

/** Longer than the daemon gives its successor for all of its steps. */
const patienceMs = 60_000
const lookMs = 100

export const restartCommand: Command = {
  name: 'restart',
  operands: '',
  about: 'has the running daemon start its successor, which takes its streams over, and waits for that',
  options: { config: configOption },
  takesRest: false,
  async run(options) {
    const { loadConfigFile } = await import('../config/load.ts')
    const loaded = loadConfigFile(configFileOf(options))
    if (loaded.kind === 'faulty') {
      console.error(loaded.faults.join('\n'))
      return exitCodes.config
    }
    try {
      return await restart(loaded.config)
    } catch (error) {
      if (!(error instanceof DaemonRequestError)) throw error
      console.error(`xmpp-pushd: ${error.message}`)
      return error.transient ? exitCodes.tempFail : exitCodes.config
    }
  },
}

async function restart(config: Config): Promise<number> {
  const before = (await askDaemon(config, 'POST', '/admin/restart', {})) as unknown as RestartState
  const deadlineMs = performance.now() + patienceMs
  for (;;) {
    await sleep(lookMs)
    const now = await stateOf(config)
    if (now !== undefined && now.pid !== before.pid) {
      console.log(
        `process ${now.pid} (version ${now.version}) has taken over from ${before.pid}, with ${now.config}`,
      )
      return exitCodes.ok
    }
    if (now?.failed?.attempt === before.attempts) {
      console.error(`xmpp-pushd: nothing has taken over, process ${now.pid} runs on: ${now.failed.reason}`)
      return exitCodes.tempFail
    }
    if (performance.now() > deadlineMs) {
      console.error(`xmpp-pushd: process ${before.pid} has not handed over yet: its log says why`)
      return exitCodes.tempFail
    }
  }
}

/** Undefined while nobody answers: the old one closes its connections, and the new one comes to its own. */
async function stateOf(config: Config): Promise<RestartState | undefined> {
  try {
    return (await askDaemon(config, 'GET', '/admin/process')) as unknown as RestartState
  } catch (error) {
    if (error instanceof DaemonRequestError && error.transient) return undefined
    throw error
  }
}
